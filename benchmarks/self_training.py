"""Self-training of the packaged smilenet on frames whose state the recording tells, and the same without them.

    OMP_NUM_THREADS=1 python benchmarks/self_training.py --material FOLDER --held-out FOLDER [--json PATH]

A trial by fine-tuning: the packaged network goes on with labelled faces (a share of SMILES, FER2013 with the votes of
FER+, MTFL and CelebA without what --held-out keeps from training), and with its own outputs as soft targets. With
frames, every third one of the first half of the labelled clips, and of the clip that is not labelled, is added: each
face with the state that the decision over its whole track gives it, where that is sure. Both fine-tuned networks and
the packaged one are scored on GENKI-4K public, FER+, MTFL, CelebA, and single frames of the other half of the clips.
Clips are split by their order in the alphabet.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn

from clips import read_labels
from smilecam import SmileDetector, provenance
from smilecam.classification.calibration import calibrated_log_odds
from smilecam.classification.classifier import SmileClassifier, model_path
from smilecam.classification.crop import cut, resize, square_in_box
from smilecam.data.faces import MARGIN, STORED_SIZE, load_faces
from smilecam.data.label_files import load_label_file
from smilecam.evaluation.metrics import area_under_curve
from smilecam.training.augment import area_weights, augment, to_input
from smilecam.training.models import SmileNet
from smilecam.training.recipe import load_recipe
from smilecam.types import Box, FloatArray, GreyImage, IntArray
from test_time_augmentation import sets
from trials import Trial, detect_clips, score_clips

LABELLED = (
    ("SMILEsmileD-master.zip", None, 0),
    ("fer2013_train.zip", "fer2013_train_ferplus.csv", 1),
    ("mtfl_smile_g96.zip", "mtfl_smile_g96_train.csv", 2),
    ("SMILEsmileD-master.zip", "smiles_second_opinion.csv", 3),
    ("celeba_smile_g96.zip", "celeba_smile_g96_train.csv", 4),
)
"""Archive, label file and output of the network, in the order in which the packaged network was trained."""

BATCH, RATE, FROM_TEACHER, SURE = 128, 2e-4, 0.75, 0.3


class Material(NamedTuple):
    """Images (uint8, with ``MARGIN``), targets from 0 to 1, and the output that each applies to; -1 for all outputs."""

    images: GreyImage
    targets: FloatArray
    outputs: IntArray


def packaged_network() -> SmileNet:
    """The packaged smilenet as a network that can be trained; its file has folded the batch normalisation."""
    tensors = {
        one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(str(model_path("smilenet"))).graph.initializer
    }
    network = SmileNet(load_recipe("smilenet").model.widths, 0.2, len(LABELLED))
    modules = dict(network.named_modules())
    for name, module in modules.items():
        if isinstance(module, nn.Conv2d):
            module.weight.data = torch.tensor(tensors[f"{name}.weight"])
            module.bias = nn.Parameter(torch.tensor(tensors[f"{name}.weight_bias"]))
            parent, _, child = name.rpartition(".")
            modules[parent][int(child) + 1] = nn.Identity()  # type: ignore[index, operator]
    network.classifier.weight.data = torch.tensor(tensors["classifier.weight"])
    network.classifier.bias.data = torch.tensor(tensors["classifier.bias"])
    faces = np.random.default_rng(0).normal(size=(4, 1, STORED_SIZE, STORED_SIZE)).astype(np.float32)
    given = network.eval()(torch.from_numpy(faces)).detach().numpy()
    np.testing.assert_allclose(given, SmileClassifier("smilenet").outputs(faces), atol=1e-3)
    return network


def labelled(material: Path, held_out: Path, count: int, generator: np.random.Generator) -> Material:
    """So many labelled faces, the same number of each data set."""
    parts = []
    for archive, labels, output in LABELLED:
        faces = load_faces(material / archive)
        if labels:
            path = material / labels
            faces = load_label_file(path if path.exists() else held_out / labels).apply(faces)
        known = np.flatnonzero(np.isfinite(faces.targets))
        if labels and labels.endswith("_train.csv"):
            named = load_label_file(held_out / labels)
            known = np.array([row for row in known if named.count([faces.names[row]])])
        rows = generator.choice(known, min(len(known), count // len(LABELLED)), replace=False)
        parts.append(Material(faces.images[rows], faces.targets[rows], np.full(len(rows), output)))
    return Material(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def framed(grey: GreyImage, square: Box) -> GreyImage:
    """The square of a face with ``MARGIN`` around it, in the size of the training images."""
    edge = round(square.width * MARGIN / STORED_SIZE)
    wide = Box(square.x1 - edge, square.y1 - edge, square.x2 + edge, square.y2 + edge)
    return resize(cut(grey, wide), STORED_SIZE + 2 * MARGIN)


def told_by_the_recording(videos: Path, clips: Sequence[str]) -> Material:
    """Faces with the state of their track, where it is sure."""
    images, targets = [], []
    with SmileDetector("smilenet", detector="haar", every_frame=True) as detector:
        geometry = detector.classifier.info.crop_for("haar")
        for clip in clips:
            for item in islice(detector.stream(videos / clip), 0, None, 3):
                for face in item.result.faces if item.result and item.source_frame else ():
                    if face.smoothed is not None and abs(face.smoothed - 0.5) > SURE and item.source_frame:
                        images.append(framed(item.source_frame.grey, square_in_box(face.box, geometry)))
                        targets.append(float(face.smiling))
    return Material(np.stack(images), np.array(targets, np.float32), np.full(len(images), -1))


def batches(material: Material, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Augmented inputs, targets and outputs, each face once."""
    recipe = load_recipe("smilenet")
    for rows in torch.split(torch.randperm(len(material.images), generator=generator), BATCH):
        images = torch.from_numpy(material.images[rows]).unsqueeze(1).float()
        changed = augment(images, recipe.augmentation, generator, STORED_SIZE, MARGIN, 0.5)
        inputs = to_input(changed, area_weights(STORED_SIZE, recipe.input.size), recipe.input)
        yield inputs, torch.from_numpy(material.targets[rows]).float(), torch.from_numpy(material.outputs[rows])


def fine_tune(material: Material, seed: int) -> SmileNet:
    """One pass over the material, with a rate that falls to nothing."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network, teacher = packaged_network().train(), packaged_network().eval()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    steps = -(-len(material.images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for inputs, targets, outputs in batches(material, generator):
        logits = network(inputs)
        with torch.no_grad():
            taught = (teacher(inputs) + teacher(inputs.flip(3))).div(2).sigmoid()
        told = outputs < 0
        columns = outputs.clamp(min=0)[:, None]
        by_label = F.binary_cross_entropy_with_logits(logits.gather(1, columns)[:, 0], targets, reduction="none")
        by_teacher = F.binary_cross_entropy_with_logits(logits, taught, reduction="none").mean(1)
        by_state = F.binary_cross_entropy_with_logits(
            logits, targets[:, None].expand_as(logits), reduction="none"
        ).mean(1)
        loss = torch.where(told, by_state, (1 - FROM_TEACHER) * by_label + FROM_TEACHER * by_teacher).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def score(network: SmileNet | None, options: argparse.Namespace, clips: Any) -> dict[str, float]:  # noqa: ANN401
    """AUC and balanced accuracy of each set, and the mean balanced accuracy of the clips' single frames."""
    classifier = SmileClassifier("smilenet")
    policy = classifier.policy

    def outputs(inputs: FloatArray) -> FloatArray:
        if network is None:
            return classifier.outputs(inputs)
        with torch.no_grad():
            parts = torch.split(torch.from_numpy(inputs), 256)
            return np.asarray(torch.cat([network(part) for part in parts]).numpy())

    found = {}
    at = np.log(policy.threshold() / (1 - policy.threshold()))
    for name, inputs, labels in sets(options.material, options.held_out, classifier.info.input):
        values = calibrated_log_odds(policy.calibration, outputs(inputs))
        found[f"{name}, AUC"] = area_under_curve(labels, values)
        right = (values >= at) == labels
        found[f"{name}, balanced accuracy"] = float(np.mean([right[labels == label].mean() for label in (0, 1)]))
    trial = Trial("", classifier.info.input, outputs, None)  # type: ignore[arg-type]
    of_clips = score_clips(trial, policy, options.material / "videos", clips)
    return found | {"clips, mean balanced accuracy of single frames": statistics.mean(of_clips.values())}


def main() -> None:
    """Fine-tune with and without frames, and print a row for each measurement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    videos = options.material / "videos"
    first = [*sorted(read_labels(videos))[::2], "facenetpt_video.mp4"]
    told = told_by_the_recording(videos, first)
    print(f"{len(told.images)} faces told by {len(first)} recordings, {told.targets.mean():.0%} smiling", flush=True)
    base = labelled(options.material, options.held_out, options.faces, np.random.default_rng(options.seed))
    both = Material(*(np.concatenate(columns) for columns in zip(base, told, strict=True)))
    clips = detect_clips(videos, "second")
    found = {}
    for name, material in (("packaged", None), ("without frames", base), ("with frames", both)):
        found[name] = score(fine_tune(material, options.seed) if material else None, options, clips)
        print(name, {key: round(value, 4) for key, value in found[name].items()}, flush=True)
    if options.json:
        content = {"trials": found, "told": len(told.images), "commit": provenance.commit()}
        options.json.write_text(json.dumps(content | {"machine": provenance.machine()}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
