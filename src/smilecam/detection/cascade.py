"""OpenCV's cascade for frontal faces, whole or with fewer stages."""

from __future__ import annotations

import re
import threading
from functools import cache
from pathlib import Path

import numpy as np

from smilecam.opencv import cv2, haarcascades
from smilecam.types import GreyImage

CASCADE = "haarcascade_frontalface_default.xml"
SIDE = 24
"""Of the cascade's window, in pixels."""

STAGES = 25

Window = tuple[list[int], float]
"""x, y, width and height, and the score: the sum of the last stage."""

_parsing = threading.Lock()


def make_cascade(stages: int = STAGES) -> cv2.CascadeClassifier:
    """Make a classifier; threads must not share one, since it keeps buffers.

    Args:
        stages: so many of the first ones: with fewer, more windows pass.
    """
    cascade = cv2.CascadeClassifier()
    with _parsing:
        cascade.read(_parsed(stages).getFirstTopLevelNode())
    return cascade


@cache
def _parsed(stages: int) -> cv2.FileStorage:
    """The file of the cascade, parsed once in a process: that takes twice as long as making a classifier of it."""
    # Read as text and parsed from memory: OpenCV itself does not open every path on Windows.
    text = (Path(haarcascades) / CASCADE).read_text("utf-8")
    if stages < STAGES:
        begin = [found.start() for found in re.finditer(r"<_>\s*<maxWeakCount>", text)][stages]
        head = re.sub(r"<stageNum>\d+", f"<stageNum>{stages}", text[:begin], count=1)
        text = head + text[text.index("</stages>", begin) :]
    return cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)


def detect_windows(
    cascade: cv2.CascadeClassifier,
    grey: GreyImage,
    scale_factor: float,
    min_neighbors: int,
    sizes: tuple[int, int] = (SIDE, 0),
) -> list[Window]:
    """Run a cascade over an image.

    Args:
        cascade: of ``make_cascade``.
        grey: uint8 (height, width).
        scale_factor: step between two sizes of the window.
        min_neighbors: windows that more than so many agree on, as their mean; 0 for every single one.
        sizes: of the smallest and the largest window, in pixels; 0 for no largest one.
    """
    boxes, _, scores = cascade.detectMultiScale3(
        grey,
        scaleFactor=scale_factor,
        minNeighbors=min_neighbors,
        minSize=(sizes[0],) * 2,
        maxSize=(sizes[1],) * 2,
        outputRejectLevels=True,
    )
    return list(zip(np.reshape(boxes, (-1, 4)).tolist(), np.ravel(scores).tolist(), strict=True))
