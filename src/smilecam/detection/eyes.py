"""Whether the eyes of a face are seen open, by OpenCV's Haar cascade for eyes."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

import numpy as np

from smilecam.opencv import cv2, haarcascades
from smilecam.types import Box, GreyImage

CASCADE = "haarcascade_eye.xml"

MIN_FACE = 48
"""Width in pixels of the smallest face in which eyes are sought; in smaller ones a lid looks like an eye."""

FACE_WIDTH = 200
"""Width in pixels to which a face is scaled: eyes are then about 40 pixels wide, twice what the cascade needs."""

BAND = (0.15, 0.6)
"""Where eyes are, as shares of the height of a box of either face detector."""

MIN_NEIGHBORS = 3
"""Overlapping hits that make an eye. On 919 faces of GENKI-4K, 64 pixels wide, both eyes are found in 76 %, and in 2 %
once skin and a dark line are painted over them; 5 gives 68 % and 1.5 %, 2 gives 80 % and 3.5 % (benchmarks/eyes.py)."""


@cache
def _parsed_cascade() -> cv2.FileStorage:
    # Parsed from memory: OpenCV itself does not open every path on Windows.
    text = (Path(haarcascades) / CASCADE).read_text("utf-8")
    return cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)


_parsing = threading.Lock()


class EyeDetector:
    """Finds open eyes in faces. What it does not find may be closed, in shadow, turned away or behind glasses.

    Threads must not share one: the cascade keeps buffers.
    """

    def __init__(self, min_neighbors: int = MIN_NEIGHBORS) -> None:
        """Load the cascade from the OpenCV wheel.

        Args:
            min_neighbors: overlapping hits that make an eye.
        """
        self._min_neighbors = min_neighbors
        self._cascade = cv2.CascadeClassifier()
        with _parsing:
            self._cascade.read(_parsed_cascade().getFirstTopLevelNode())

    def __call__(self, grey: GreyImage, box: Box) -> int | None:
        """Count the sides of a face on which an open eye is found.

        Args:
            grey: uint8 (height, width).
            box: of the face, in pixels of ``grey``; it may reach beyond it.

        Returns:
            0, 1 or 2; None for a face that is too small.
        """
        top, bottom = (box.y1 + round(share * box.height) for share in BAND)
        band = grey[max(0, top) : max(0, bottom), max(0, box.x1) : max(0, box.x2)]
        if box.width < MIN_FACE or min(band.shape) < MIN_FACE * (BAND[1] - BAND[0]) / 2:
            return None
        scale = FACE_WIDTH / box.width
        size = (max(1, round(band.shape[1] * scale)), max(1, round(band.shape[0] * scale)))
        scaled = cv2.resize(band, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
        found = self._cascade.detectMultiScale(
            cv2.equalizeHist(scaled),
            scaleFactor=1.1,
            minNeighbors=self._min_neighbors,
            minSize=(FACE_WIDTH // 8,) * 2,
            maxSize=(FACE_WIDTH // 2,) * 2,
        )
        middles = [x + width / 2 for x, _, width, _ in np.reshape(found, (-1, 4)).tolist()]
        centre = ((box.x1 + box.x2) / 2 - max(0, box.x1)) * scale
        return any(middle < centre for middle in middles) + any(middle >= centre for middle in middles)
