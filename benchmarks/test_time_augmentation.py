"""One reading of each face beside the mean of three where the first is in doubt, as at run time.

    python benchmarks/test_time_augmentation.py --material FOLDER [--held-out FOLDER] [--json PATH] [MODEL...]

FOLDER holds genki4k_public, fer2013_validation, fer_validation_ferplus.csv, and the archives of MTFL and CelebA.
MTFL and CelebA are measured where --held-out has the label files by which benchmarks/hold_out.py keeps a part of them
from training. FER2013 is labelled by the majorities of FER+. At the policy's balanced threshold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from smilecam import provenance
from smilecam.classification.augmented import DOUBTFUL
from smilecam.classification.calibration import apply_calibration, calibrated_log_odds
from smilecam.classification.classifier import SmileClassifier
from smilecam.data.faces import iter_faces, load_faces
from smilecam.data.label_files import load_label_file
from smilecam.evaluation.metrics import measure
from smilecam.presets import InputSpec
from smilecam.training.engine import plain_inputs
from smilecam.types import FloatArray, IntArray
from trials import box_inputs

HELD_OUT = ("mtfl_smile_g96", "celeba_smile_g96")


@dataclass(frozen=True, slots=True)
class Row:
    """A set read in one way; ``again`` is the share of faces that were read three times."""

    model: str
    data: str
    n: int
    way: str
    again: float
    auc: float
    accuracy: float
    balanced_accuracy: float
    calibration_error: float


def sets(material: Path, held_out: Path | None, spec: InputSpec) -> Iterator[tuple[str, FloatArray, IntArray]]:
    """Name, inputs and labels of each set."""
    genki = list(iter_faces(material / "genki4k_public")[1])
    yield "GENKI-4K public", box_inputs(genki, spec), np.array([face.label for face in genki])
    votes = load_label_file(material / "fer_validation_ferplus.csv")
    fer = votes.select(load_faces(material / "fer2013_validation"))
    yield "FER+ majorities", plain_inputs(fer.framed, spec).numpy(), fer.labels
    for stem in HELD_OUT if held_out else ():
        layout, faces = iter_faces(material / f"{stem}.zip")
        kept = list(load_label_file(held_out / f"{stem}_held_out.csv").relabel(faces)) if held_out else []
        yield stem, box_inputs(kept, spec, layout.to_smiles), np.array([face.label for face in kept])


def rows(model: str, material: Path, held_out: Path | None) -> Iterator[Row]:
    """Both ways for each set."""
    classifier = SmileClassifier(model)
    calibration, threshold = classifier.policy.calibration, classifier.policy.threshold()
    for name, inputs, labels in sets(material, held_out, classifier.info.input):
        outputs = classifier.outputs(inputs)
        again = float((np.abs(calibrated_log_odds(calibration, outputs)) < DOUBTFUL).mean())
        ways = {"one": apply_calibration(calibration, outputs), "three in doubt": classifier(inputs)}
        for way, probabilities in ways.items():
            found = measure(labels, probabilities.astype(np.float64), threshold)
            figures = (found.auc, found.accuracy, found.balanced_accuracy, found.expected_calibration_error)
            yield Row(model, name, len(labels), way, 0.0 if way == "one" else again, *figures)


def main() -> None:
    """Measure and print a row for each model, set and way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("models", nargs="*", default=["smilenet", "lenet"])
    options = parser.parse_args()
    found = [row for model in options.models for row in rows(model, options.material, options.held_out)]
    print("| model | set | n | readings | read again | AUC | accuracy | balanced accuracy | calibration error |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in found:
        figures = " | ".join(
            f"{value:.4f}" for value in (row.auc, row.accuracy, row.balanced_accuracy, row.calibration_error)
        )
        print(f"| {row.model} | {row.data} | {row.n} | {row.way} | {row.again:.1%} | {figures} |")
    print(f"\ncommit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"rows": [asdict(row) for row in found], "commit": provenance.commit()}
        options.json.write_text(json.dumps(content | {"machine": provenance.machine()}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
