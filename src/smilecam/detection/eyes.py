"""Whether the eyes of a face are seen open: OpenCV's Haar cascade finds them, and how high they are dark decides."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from smilecam.opencv import cv2, haarcascades
from smilecam.types import BoolArray, Box, GreyImage

CASCADE = "haarcascade_eye.xml"

MIN_FACE = 48
"""Width in pixels of the smallest face in which eyes are sought; in smaller ones a lid looks like an eye."""

FACE_WIDTH = 200
"""Width in pixels to which a face is scaled: eyes are then about 40 pixels wide, twice what the cascade needs."""

BAND = (0.15, 0.6)
"""Where eyes are, as shares of the height of a box of either face detector."""

MIN_NEIGHBORS = 3
"""Overlapping hits of the cascade that make an eye, open or closed."""

DARK = 0.4
"""Lashes, pupil and iris are darker than this share of the way from the darkest to the bright parts around an eye."""

MIN_OPENNESS = 0.126
"""Height of what is dark in an open eye, as a share of the distance between the eyes: the line of a closed lid is thin.

In 50 frames of a clip with blinks (sadtalker_aoc.mp4, one person), sorted by hand, 37 of 38 with open eyes reach it in
both eyes, 1 of 8 with half closed and 0 of 4 with closed ones. Of 919 faces of GENKI-4K, 64 pixels wide, 69 % do, and
3 % once skin and a dark line are painted over their eyes (benchmarks/eyes.py).
"""

PATCH = (0.22, 0.17)
"""Width and height of what is looked at around the middle of an eye, as shares of the width of the face."""


class _Eye(NamedTuple):
    """An eye in a scaled face: its middle and the height of what is dark in it, in pixels."""

    x: float
    height: float


@cache
def _parsed_cascade() -> cv2.FileStorage:
    # Parsed from memory: OpenCV itself does not open every path on Windows.
    text = (Path(haarcascades) / CASCADE).read_text("utf-8")
    return cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)


_parsing = threading.Lock()


class EyeDetector:
    """Tells faces whose eyes are seen open. Other eyes may be closed, narrow, in shadow, turned away or behind glasses.

    Threads must not share one: the cascade keeps buffers.
    """

    def __init__(self) -> None:
        """Load the cascade from the OpenCV wheel."""
        self._cascade = cv2.CascadeClassifier()
        with _parsing:
            self._cascade.read(_parsed_cascade().getFirstTopLevelNode())

    def __call__(self, grey: GreyImage, box: Box) -> bool | None:
        """Look at the eyes of a face.

        Args:
            grey: uint8 (height, width).
            box: of the face, in pixels of ``grey``; it may reach beyond it.

        Returns:
            Whether both eyes are seen open; None for a face that is too small.
        """
        top, bottom = (box.y1 + round(share * box.height) for share in BAND)
        band = grey[max(0, top) : max(0, bottom), max(0, box.x1) : max(0, box.x2)]
        if box.width < MIN_FACE or min(band.shape) < MIN_FACE * (BAND[1] - BAND[0]) / 2:
            return None
        scale = FACE_WIDTH / box.width
        size = (max(1, round(band.shape[1] * scale)), max(1, round(band.shape[0] * scale)))
        interpolation = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        scaled = np.asarray(cv2.resize(band, size, interpolation=interpolation), np.uint8)
        centre = ((box.x1 + box.x2) / 2 - max(0, box.x1)) * scale
        left, right = self._eyes(scaled, centre)
        if left is None or right is None:
            return False
        return min(left.height, right.height) >= MIN_OPENNESS * (right.x - left.x)

    def _eyes(self, band: GreyImage, centre: float) -> tuple[_Eye | None, _Eye | None]:
        """The eyes on both sides of ``centre``, in pixels of the band; of several hits the largest counts."""
        found = self._cascade.detectMultiScale(
            cv2.equalizeHist(band),
            scaleFactor=1.05,
            minNeighbors=MIN_NEIGHBORS,
            minSize=(FACE_WIDTH // 8,) * 2,
            maxSize=(FACE_WIDTH // 2,) * 2,
        )
        eyes: list[_Eye | None] = [None, None]
        for x, y, width, height in sorted(np.reshape(found, (-1, 4)).tolist(), key=lambda hit: hit[2]):
            middle = (x + width / 2, y + height / 2)
            eyes[middle[0] >= centre] = _Eye(middle[0], _dark_height(band, middle))
        return eyes[0], eyes[1]


def _dark_height(band: GreyImage, middle: tuple[float, float]) -> float:
    """How high the dark part around the middle of an eye is, in pixels: the mean of the highest columns."""
    across, down = (FACE_WIDTH * share / 2 for share in PATCH)
    rows = slice(max(0, round(middle[1] - down)), max(0, round(middle[1] + down)))
    patch = band[rows, max(0, round(middle[0] - across)) : max(0, round(middle[0] + across))]
    if min(patch.shape) < 2:
        return 0.0
    smooth = cv2.GaussianBlur(patch.astype(np.float32), (0, 0), 1.0)
    darkest, bright = np.percentile(smooth, (2, 85))
    dark = smooth < darkest + DARK * (bright - darkest)
    columns = dark[:, round(0.2 * dark.shape[1]) : max(1, round(0.8 * dark.shape[1]))].T
    heights = sorted((_longest_run(column) for column in columns), reverse=True)
    return float(np.mean(heights[: max(1, len(heights) // 6)]))


def _longest_run(column: BoolArray) -> int:
    """The largest number of true values in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], column, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
