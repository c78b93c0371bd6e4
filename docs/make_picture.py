"""Make the picture of the README from two public-domain portraits: docs/images/smilecam.jpg.

The astronaut Eileen Collins (NASA) comes inside the scikit-image wheel, Grace Hopper (US Navy) inside matplotlib's.

python docs/make_picture.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smilecam import SmileDetector
from smilecam.demo import portraits
from smilecam.drawing import annotate
from smilecam.opencv import cv2
from smilecam.sources.images import save_image
from smilecam.types import Image

SIDE = 480
# Squares of the two portraits: left, top, side.
VIEWS = ((60, 0, 330), (60, 20, 420))


def main() -> None:
    """Read both portraits side by side, as one picture with two faces."""
    sides: list[Image] = []
    for portrait, (left, top, side) in zip(portraits(), VIEWS, strict=True):
        view = portrait[top : top + side, left : left + side]
        sides.append(np.asarray(cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8))
    picture = np.hstack(sides)
    result = SmileDetector(detector="haar")(picture)
    save_image(Path(__file__).parent / "images" / "smilecam.jpg", annotate(picture, result.faces))


if __name__ == "__main__":
    main()
