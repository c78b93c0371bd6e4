"""Accuracy lost to badly placed boxes, poor light and image degradation.

    python benchmarks/robustness.py --data FOLDER [--json PATH] [MODEL...]

FOLDER holds smile/ and not_smile/ with images that are whole Haar boxes of 64x64. Image or box are changed before
smilecam's own crop, in whole pixels (8 % of 64 are 5, 12 % are 8), with the thresholds of the model. Prints, for each
model and change, the accuracy and the percentage points lost against unchanged images.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from smilecam import provenance
from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import network_input
from smilecam.data.faces import LabelledFace, iter_faces
from smilecam.detection.haar import HaarDetector
from smilecam.evaluation.metrics import area_under_curve
from smilecam.opencv import cv2
from smilecam.types import Box, GreyImage

Change = Callable[[GreyImage], tuple[GreyImage, Box]]


def whole(picture: GreyImage) -> Box:
    """Box of the whole image."""
    return Box(0, 0, picture.shape[1], picture.shape[0])


def move(across: float, down: float) -> Change:
    """Translate the box, by shares of its side."""

    def change(picture: GreyImage) -> tuple[GreyImage, Box]:
        dx, dy = round(across * picture.shape[1]), round(down * picture.shape[0])
        box = whole(picture)
        return picture, Box(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy)

    return change


def grow(share: float) -> Change:
    """Scale the box around its centre."""

    def change(picture: GreyImage) -> tuple[GreyImage, Box]:
        by = round(share * picture.shape[0] / 2)
        box = whole(picture)
        return picture, Box(box.x1 - by, box.y1 - by, box.x2 + by, box.y2 + by)

    return change


def turn(degrees: float) -> Change:
    """Rotate the image around its centre, with its border replicated."""

    def change(picture: GreyImage) -> tuple[GreyImage, Box]:
        height, width = picture.shape
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
        turned = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(turned, np.uint8), whole(picture)

    return change


def touch(edit: Callable[[GreyImage], object]) -> Change:
    """Change the image; the box is the whole result."""

    def change(picture: GreyImage) -> tuple[GreyImage, Box]:
        edited = np.asarray(edit(picture), np.uint8)
        return edited, whole(edited)

    return change


def bend(gamma: float) -> Change:
    """Gamma correction."""
    table = np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return touch(lambda picture: table[picture])


def compress(quality: int) -> Change:
    """JPEG compression."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return touch(lambda picture: cv2.imdecode(cv2.imencode(".jpg", picture, settings)[1], cv2.IMREAD_GRAYSCALE))


def shrink(side: int) -> Change:
    """Downscale to a face of this size."""
    return touch(lambda picture: cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA))


CHANGES: dict[str, Change] = {
    "none": touch(lambda picture: picture),
    "box 8 % to the left": move(-0.08, 0),
    "box 8 % to the right": move(0.08, 0),
    "box 8 % up": move(0, -0.08),
    "box 8 % down": move(0, 0.08),
    "box 12 % smaller": grow(-0.12),
    "box 12 % larger": grow(0.12),
    "turned by 20 degrees": turn(20),
    "turned by -20 degrees": turn(-20),
    "blur, sigma 1.5 of 64 pixels": touch(lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5)),
    "JPEG, quality 20": compress(20),
    "gamma 0.4": bend(0.4),
    "gamma 2.5": bend(2.5),
    "face of 24 pixels": shrink(24),
}


def score(classifier: SmileClassifier, faces: list[LabelledFace], change: Change) -> dict[str, float]:
    """Accuracy and AUC on changed images."""
    geometry = classifier.info.crop_for(HaarDetector.name)
    inputs = [network_input(*_as_list(change(face.grey)), geometry, classifier.info.input) for face in faces]
    probabilities = classifier(np.concatenate(inputs))
    labels = np.array([face.label for face in faces])
    right = (probabilities >= classifier.policy.threshold()) == (labels == 1)
    return {"accuracy": float(right.mean()), "auc": area_under_curve(labels, probabilities)}


def _as_list(changed: tuple[GreyImage, Box]) -> tuple[GreyImage, list[Box]]:
    return changed[0], [changed[1]]


def main() -> None:
    """Score every model under every change."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("models", nargs="*", default=["smilenet", "lenet"])
    options = parser.parse_args()
    faces = list(iter_faces(options.data)[1])
    found = {}
    for model in options.models:
        classifier = SmileClassifier(model)
        rows = {name: score(classifier, faces, change) for name, change in CHANGES.items()}
        found[model] = rows
        print(f"\n{model}, n {len(faces)}, threshold {classifier.policy.threshold():g}")
        print("| change | accuracy | points lost | AUC |\n|---|---|---|---|")
        for name, row in rows.items():
            lost = 100 * (rows["none"]["accuracy"] - row["accuracy"])
            print(f"| {name} | {row['accuracy']:.4f} | {lost:.1f} | {row['auc']:.4f} |")
    print(f"\ncommit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"n": len(faces), "models": found, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
