"""Fit the crop around YuNet's landmarks that matches the framing of SMILES.

    python benchmarks/fit_yunet_crop.py --data SMILEsmileD-master.zip --model yunet_n_640_640.onnx [--every 5]

YuNet detects the face in SMILES images, enlarged to several sizes and padded with grey, since it needs some
surroundings. The target is the whole SMILES image; its side and centre are compared with the landmarks. Prints, for
each size, the medians over all images of several measures of face size, with their spread (standard deviation of the
logarithm, or in shares), and the mean over the sizes. The geometry is YUNET_TO_SMILES in ``smilecam.presets``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smilecam.data.faces import load_faces
from smilecam.detection.yunet import YuNetDetector, YuNetSettings
from smilecam.opencv import cv2
from smilecam.types import GreyImage

SIZES = (96, 128, 192)
SURROUNDING = 0.5
"""Grey padding on each side, as a share of the image."""

GREY = 127

Points = npt.NDArray[np.float64]


def points_in(picture: GreyImage, size: int, find: YuNetDetector) -> Points | None:
    """Landmarks of the most confident face, float (5, 2), as shares of the SMILES image; None without a face."""
    margin = round(size * SURROUNDING)
    large = cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=GREY)
    found = find(np.asarray(framed, np.uint8))
    if not found:
        return None
    surest = max(found, key=lambda face: face.confidence)
    return (np.reshape(np.array(surest.landmarks), (5, 2)) - margin) / size


def measures(points: Points) -> dict[str, Points]:
    """Name -> for each face, the image's side in units of the measure; and the position of its centre."""
    eyes, mouth = (points[:, 0] + points[:, 1]) / 2, (points[:, 3] + points[:, 4]) / 2
    between_eyes = np.linalg.norm(points[:, 1] - points[:, 0], axis=1)
    down = np.linalg.norm(mouth - eyes, axis=1)
    axis = (mouth - eyes) / down[:, np.newaxis]
    to_centre = 0.5 - eyes
    return {
        "eye to eye": 1 / between_eyes,
        "eyes to mouth": 1 / down,
        "mean of both": 2 / (between_eyes + down),
        "larger of both": 1 / np.maximum(between_eyes, down),
        "along": (to_centre * axis).sum(axis=1) / down,
        "across": (to_centre[:, 0] * axis[:, 1] - to_centre[:, 1] * axis[:, 0]) / down,
    }


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--every", type=int, default=5, help="use every n-th image")
    options = parser.parse_args()
    pictures = load_faces(options.data).framed[:: options.every]
    find = YuNetDetector(options.model, YuNetSettings(min_confidence=0.5))
    medians: dict[str, list[float]] = {}
    for size in SIZES:
        seen = [points for picture in pictures if (points := points_in(picture, size, find)) is not None]
        print(f"\nenlarged to {size}: a face in {len(seen)} of {len(pictures)} images")
        for name, values in measures(np.stack(seen)).items():
            spread = np.std(values) if name in {"along", "across"} else np.std(np.log(values))
            medians.setdefault(name, []).append(float(np.median(values)))
            print(f"  {name:<15} median {np.median(values):6.3f}, spread {spread:.3f}")
    print("\nmean of the medians: " + ", ".join(f"{name} {np.mean(of):.3f}" for name, of in medians.items()))


if __name__ == "__main__":
    main()
