"""Short training trials side by side: one fold of SMILES, FER2013 against FER+ majorities, GENKI-4K public, and clips.

    python benchmarks/trials.py --material FOLDER [--clips first|second] [--held-out FOLDER] [--json PATH] RUN...

RUN is the folder of a fold's run of `smilecam train --folds`; the packaged smilenet, with its own run of the same fold,
is measured beside it. FOLDER holds SMILEsmileD-master.zip, smiles_second_opinion.csv, fer2013_validation,
fer_validation_ferplus.csv, genki4k_public, and videos with their labels.csv.

- SMILES: the run's held-out faces, the outputs weighed by logistic regression that is fitted on one half of these faces
  and scored on the other, in turns; accuracy at a probability of .5. "Agreed" leaves out labels that a second labelling
  disputes.
- "Broad" is the mean of all outputs, calibrated like the packaged model's policy of this name on the held-out faces and
  on FER2013's validation set, but with the majorities of FER+; each class of each has the same weight.
- Held out: MTFL and CelebA, the parts that benchmarks/hold_out.py keeps from training, with "broad". Of CelebA also
  the recall of smiles with a closed mouth, and the false positive rate of open mouths without a smile.
- Clips: mean over the clips of the balanced accuracy per frame, probabilities of the single frames. All networks get
  the same boxes, those of the packaged model's detector. Clips are split by their order in the alphabet, so that a
  choice made on the first half can be checked on the second.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attributes import read_attributes
from clips import balanced_accuracies, read_labels
from smilecam import SmileDetector, provenance
from smilecam.classification.calibration import apply_calibration
from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import network_input
from smilecam.classification.model_info import Policy
from smilecam.data.faces import LabelledFace, iter_faces, load_faces
from smilecam.data.label_files import load_label_file
from smilecam.evaluation.calibration import fit_calibration
from smilecam.evaluation.metrics import area_under_curve, expected_calibration_error, measure
from smilecam.evaluation.predictions import Predictions, read_predictions
from smilecam.presets import HAAR_TO_SMILES, CropGeometry, InputSpec
from smilecam.training.calibrate import make_policy
from smilecam.training.engine import plain_inputs, predict_logits
from smilecam.training.run_loading import load_run_network
from smilecam.types import Box, FloatArray, GreyImage, IntArray

PACKAGED = "smilenet"
PACKAGED_RUN = Path(__file__).parent.parent / "docs" / "models" / "smilenet-2" / "cross_validation" / "seed0-fold0"
Crops = list[tuple[GreyImage, list[Box]]]


@dataclass(frozen=True)
class Trial:
    """A network, and its predictions for the held-out faces.

    Attributes:
        name: of its run.
        spec: of its input.
        outputs: float32 (n, 1, size, size) to (n, outputs) log odds.
        held_out: of SMILES.
    """

    name: str
    spec: InputSpec
    outputs: Callable[[FloatArray], FloatArray]
    held_out: Predictions


def packaged_trial() -> Trial:
    """The packaged network; its held-out faces are predicted by the same recipe's run of the fold."""
    classifier = SmileClassifier(PACKAGED)
    return Trial(
        PACKAGED, classifier.info.input, classifier.outputs, read_predictions(PACKAGED_RUN / "predictions.csv")
    )


def trial_of(run: Path) -> Trial:
    """The network of a run."""
    import torch

    trained = load_run_network(run)

    def outputs(inputs: FloatArray) -> FloatArray:
        return np.asarray(predict_logits(trained.network, torch.from_numpy(inputs)).numpy())

    return Trial(str(run), trained.recipe.input, outputs, read_predictions(run / "predictions.csv"))


def score_smiles(held_out: Predictions, agreed: set[str]) -> dict[str, Any]:
    """AUC of each output, and of their best combination with its accuracy; the latter also on agreed labels."""
    labels, logits = held_out.labels, held_out.logits
    probabilities = np.empty(len(labels))
    half = np.random.default_rng(0).permutation(len(labels)) % 2 == 0
    for fitted, scored in ((half, ~half), (~half, half)):
        calibration = fit_calibration(logits[fitted], labels[fitted])
        probabilities[scored] = apply_calibration(calibration, logits[scored])
    smiling = probabilities >= 0.5
    rows = np.array([name in agreed for name in held_out.names])
    return {
        "n": len(labels),
        "auc_by_output": [area_under_curve(labels, column) for column in logits.T],
        "auc": area_under_curve(labels, probabilities),
        "accuracy": float((smiling == labels).mean()),
        "calibration_error": expected_calibration_error(labels, probabilities),
        "agreed": {
            "n": int(rows.sum()),
            "auc": area_under_curve(labels[rows], probabilities[rows]),
            "accuracy": float((smiling == labels)[rows].mean()),
        },
    }


def score_set(policy: Policy, logits: FloatArray, labels: IntArray) -> dict[str, Any]:
    """Metrics of the broad policy, and AUC of each output."""
    probabilities = apply_calibration(policy.calibration, logits.astype(np.float64))
    metrics = measure(labels, probabilities, policy.threshold())
    return {
        "n": len(labels),
        "auc_by_output": [area_under_curve(labels, column) for column in logits.T],
        "auc": metrics.auc,
        "accuracy": metrics.accuracy,
        "balanced_accuracy": metrics.balanced_accuracy,
        "calibration_error": metrics.expected_calibration_error,
    }


def score_held_out(trial: Trial, policy: Policy, data: Path, labels: Path) -> dict[str, Any]:
    """Metrics of the held-out part of an indexed data set."""
    layout, faces = iter_faces(data)
    held_out = list(load_label_file(labels).relabel(faces))
    logits = trial.outputs(box_inputs(held_out, trial.spec, layout.to_smiles))
    of_label = np.array([face.label for face in held_out])
    found = score_set(policy, logits, of_label)
    of_file = read_attributes(data)
    mouths = [of_file[Path(face.name).name].get("mouth_open") for face in held_out]
    smiling = apply_calibration(policy.calibration, logits.astype(np.float64)) >= policy.threshold()
    for name, label, mouth in (("closed_smiles_found", 1, "0"), ("open_mouths_called_smiling", 0, "1")):
        rows = np.array([each == mouth for each in mouths]) & (of_label == label)
        found[name] = float(smiling[rows].mean()) if rows.any() else None
    return found


def box_inputs(faces: list[LabelledFace], spec: InputSpec, geometry: CropGeometry = HAAR_TO_SMILES) -> FloatArray:
    """Inputs from images that are whole boxes."""
    whole = [Box(0, 0, face.grey.shape[1], face.grey.shape[0]) for face in faces]
    pairs = zip(faces, whole, strict=True)
    return np.concatenate([network_input(face.grey, [box], geometry, spec) for face, box in pairs])


def detect_clips(videos: Path, half: str) -> dict[str, Crops]:
    """Clip -> image and boxes of each frame, for one half of the labelled clips."""
    chosen = sorted(read_labels(videos))[("first", "second").index(half) :: 2]
    found = {}
    with SmileDetector(PACKAGED) as detector:
        for clip in chosen:
            items = [item for item in detector.stream(videos / clip) if item.result and item.source_frame]
            found[clip] = [
                (item.source_frame.grey, [face.box for face in item.result.faces])
                for item in items
                if item.result and item.source_frame
            ]
    return found


def score_clips(trial: Trial, policy: Policy, videos: Path, clips: dict[str, Crops]) -> dict[str, float]:
    """Clip -> balanced accuracy per frame; clips without labelled faces are not scored."""
    rows = []
    for clip, frames in clips.items():
        inputs = [network_input(grey, boxes, HAAR_TO_SMILES, trial.spec) for grey, boxes in frames if boxes]
        logits = iter(trial.outputs(np.concatenate(inputs)) if inputs else [])
        smiling = []
        for _, boxes in frames:
            own = np.array([next(logits) for _ in boxes], np.float64)
            probabilities = apply_calibration(policy.calibration, own) if boxes else np.empty(0)
            smiling.append(bool((probabilities >= policy.threshold()).any()))
        for start, end, label in read_labels(videos)[clip]:
            part = smiling[start : end + 1]
            right = statistics.mean(each == (label == "smile") for each in part)
            rows.append({"clip": clip, "label": label, "frames": len(part), "right": right})
    return balanced_accuracies(rows)


def main() -> None:
    """Measure every trial, and print a row for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--clips", choices=["first", "second"])
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("runs", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    material: Path = options.material
    second = load_label_file(material / "smiles_second_opinion.csv")
    smiles = [str(face.name) for face in iter_faces(material / "SMILEsmileD-master.zip")[1]]
    agreed = {name for name in smiles if second.label(name) is not None}
    fer = load_label_file(material / "fer_validation_ferplus.csv").select(load_faces(material / "fer2013_validation"))
    genki = list(iter_faces(material / "genki4k_public")[1])
    clips = detect_clips(material / "videos", options.clips) if options.clips else {}
    found = {}
    for trial in [packaged_trial(), *map(trial_of, options.runs)]:
        of_fer = trial.outputs(plain_inputs(fer.framed, trial.spec).numpy())
        majorities = Predictions(fer.names, fer.labels, of_fer.astype(np.float64))
        policy = make_policy("broad", [trial.held_out, majorities], "trial")
        of_genki = trial.outputs(box_inputs(genki, trial.spec))
        found[trial.name] = {
            "smiles": score_smiles(trial.held_out, agreed),
            "ferplus": score_set(policy, of_fer, fer.labels),
            "genki": score_set(policy, of_genki, np.array([face.label for face in genki])),
            "clips": score_clips(trial, policy, material / "videos", clips),
        }
        for stem in ("mtfl_smile_g96", "celeba_smile_g96") if options.held_out else ():
            labels_of_stem = options.held_out / f"{stem}_held_out.csv"
            found[trial.name][stem] = score_held_out(trial, policy, material / f"{stem}.zip", labels_of_stem)
    print_table(found)
    print(f"\ncommit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"trials": found, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def print_table(found: dict[str, dict[str, Any]]) -> None:
    """A row for each trial, then the AUC of each output."""
    print(
        "| trial | SMILES accuracy | AUC | agreed accuracy | AUC | FER+ balanced accuracy | AUC "
        "| GENKI accuracy | AUC | clips |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for name, row in found.items():
        smiles, ferplus, genki = row["smiles"], row["ferplus"], row["genki"]
        values = [smiles["accuracy"], smiles["auc"], smiles["agreed"]["accuracy"], smiles["agreed"]["auc"]]
        values += [ferplus["balanced_accuracy"], ferplus["auc"], genki["accuracy"], genki["auc"]]
        clips = f"{statistics.mean(row['clips'].values()):.4f} (n {len(row['clips'])})" if row["clips"] else "-"
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} | {clips} |")
    held_out = [(key, name) for key in ("mtfl_smile_g96", "celeba_smile_g96") for name in found if key in found[name]]
    if held_out:
        print("\n| held out | trial | balanced accuracy | AUC | closed smiles found | open mouths called smiling |")
        print("|---|---|---|---|---|---|")
    for key, name in held_out:
        columns = ("balanced_accuracy", "auc", "closed_smiles_found", "open_mouths_called_smiling")
        texts = ["-" if value is None else f"{value:.4f}" for value in map(found[name][key].get, columns)]
        print(f"| {key} | {name} | {' | '.join(texts)} |")
    print("\n| trial | set | AUC of each output |\n|---|---|---|")
    for name, row in found.items():
        for key in ("smiles", "ferplus", "genki", "mtfl_smile_g96", "celeba_smile_g96"):
            if key in row:
                print(f"| {name} | {key} | {' '.join(f'{value:.4f}' for value in row[key]['auc_by_output'])} |")


if __name__ == "__main__":
    main()
