"""How often open eyes are found, and how often in eyes that are painted over. Results: ``smilecam.detection.eyes``.

Skin, mixed from the rows above and below an eye, and a dark line like that of a closed lid are painted over both eyes
of each face. That is no closed eye, but there are no labelled ones here.

    python benchmarks/eyes.py --data genki4k_public
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from smilecam.data.faces import iter_faces
from smilecam.detection.eyes import EyeDetector
from smilecam.opencv import cv2
from smilecam.types import Box, GreyImage

NEIGHBORS = (2, 3, 5)


def paint_lids(grey: GreyImage) -> GreyImage:
    """A face that fills its image, with both eyes painted over."""
    painted = grey.copy()
    height, width = grey.shape
    for middle in (0.31, 0.69):
        x1, x2 = round((middle - 0.15) * width), round((middle + 0.15) * width)
        y1, y2 = round(0.30 * height), round(0.47 * height)
        skin = np.linspace(grey[y1 - 2 : y1, x1:x2].mean(axis=0), grey[y2 : y2 + 2, x1:x2].mean(axis=0), y2 - y1)
        painted[y1:y2, x1:x2] = skin.astype(np.uint8)
        line = (x1 + round(0.04 * width), round(0.40 * height)), (x2 - round(0.04 * width), round(0.40 * height))
        cv2.line(painted, *line, float(0.45 * skin.mean()), max(1, width // 60))
    return painted


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="labelled faces whose images are whole Haar boxes")
    _, faces = iter_faces(parser.parse_args().data)
    greys = [face.grey for face in faces]
    for neighbors in NEIGHBORS:
        detector = EyeDetector(neighbors)
        for name, images in (("open", greys), ("painted", [paint_lids(grey) for grey in greys])):
            counts = Counter(detector(grey, Box(0, 0, grey.shape[1], grey.shape[0])) for grey in images)
            shares = ", ".join(f"{eyes} in {counts[eyes] / len(images):.3f}" for eyes in (0, 1, 2))
            print(f"min_neighbors {neighbors}, {name:>7}: {shares} of {len(images)} faces")


if __name__ == "__main__":
    main()
