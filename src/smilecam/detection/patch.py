"""A known face found again by its pixels: far cheaper than the detector, for as long as the face looks the same."""

from __future__ import annotations

from typing import Self, cast

import numpy as np

from smilecam.opencv import cv2
from smilecam.types import Box, DetectedFace, GreyImage, GreyPixels, Landmarks

PATCH_SIDE = 20
"""A face is reduced to about this many pixels: its place is then known to a fraction of one by interpolation."""

MARGIN = 0.2
"""How far most faces move at most, as a share of their side: in 1/10 s that is two sides a second."""

WIDE_MARGIN = 0.6
"""The same for one that is not found so: somebody who passes close to the camera, or a camera that turns."""

MIN_CORRELATION = 0.8
"""Normalised correlation from which the pixels are still those of the face: a talking or blinking face stays above .9,
one that turns by 20 degrees, is covered or leaves falls below."""

MIN_STEPS, MIN_CONTRAST = 8, 4.0
"""Patches of fewer pixels across, or of a smaller standard deviation in grey values, are found anywhere."""


class FacePatch:
    """The pixels of a face as it was last detected. It follows places, not sizes: detection renews it now and then."""

    __slots__ = ("_corner", "_face", "_pixels", "_step")

    def __init__(self, face: DetectedFace, pixels: GreyImage, corner: tuple[int, int], step: int) -> None:
        """Keep a patch; ``cut`` makes one.

        Args:
            face: where it was.
            pixels: uint8 (rows, columns), reduced by ``step``.
            corner: x and y of its upper left corner in the image.
            step: image pixels for each of its pixels.
        """
        self._face, self._pixels, self._corner, self._step = face, pixels, corner, step

    @classmethod
    def cut(cls, grey: GreyPixels, face: DetectedFace) -> Self | None:
        """The patch of a face, or None where too little of it is to be seen.

        Args:
            grey: uint8 (height, width), in any linear range of brightness.
            face: in its pixels.
        """
        box = face.box
        step = max(1, round(max(box.width, box.height) / PATCH_SIDE))
        x1, y1 = max(0, box.x1), max(0, box.y1)
        columns, rows = (min(grey.shape[1], box.x2) - x1) // step, (min(grey.shape[0], box.y2) - y1) // step
        if min(columns, rows) < MIN_STEPS:
            return None
        pixels = _reduced(grey, x1, y1, columns, rows, step)
        return cls(face, pixels, (x1, y1), step) if pixels.std() >= MIN_CONTRAST else None

    def find(self, grey: GreyPixels, expected: DetectedFace) -> DetectedFace | None:
        """The face in another image of the same video, or None where its pixels are not found.

        Args:
            grey: uint8 (height, width), in the range of the image that the patch was cut from.
            expected: where it was a moment before or after.
        """
        return self._find(grey, expected, MARGIN) or self._find(grey, expected, WIDE_MARGIN)

    def _find(self, grey: GreyPixels, expected: DetectedFace, margin: float) -> DetectedFace | None:
        """The face no further away than ``margin``, a share of its side."""
        step, (rows, columns) = self._step, self._pixels.shape
        steps = max(1, round(margin * max(rows, columns)))
        left = self._corner[0] + expected.box.x1 - self._face.box.x1
        top = self._corner[1] + expected.box.y1 - self._face.box.y1
        before_x, before_y = min(steps, left // step), min(steps, top // step)
        x1, y1 = left - before_x * step, top - before_y * step
        across = min(columns + before_x + steps, (grey.shape[1] - x1) // step)
        down = min(rows + before_y + steps, (grey.shape[0] - y1) // step)
        if before_x < 0 or before_y < 0 or across < columns or down < rows:
            return None
        region = _reduced(grey, x1, y1, across, down, step)
        scores = cv2.matchTemplate(region, self._pixels, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(scores)
        if not best >= MIN_CORRELATION:
            return None
        x = x1 + step * _peak(scores[row], column) - self._corner[0]
        y = y1 + step * _peak(scores[:, column], row) - self._corner[1]
        return _translated(self._face, x, y, grey.shape)


def _reduced(grey: GreyPixels, x: int, y: int, columns: int, rows: int, step: int) -> GreyImage:
    """A region reduced by a whole number, which takes a quarter of the time of any other."""
    region = grey[y : y + rows * step, x : x + columns * step]
    if step == 1:
        return np.ascontiguousarray(region)
    return np.asarray(cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _peak(scores: np.ndarray, at: int) -> float:
    """Where the parabola through a maximum and its neighbours is highest."""
    if not 0 < at < len(scores) - 1:
        return float(at)
    before, best, after = (float(value) for value in scores[at - 1 : at + 2])
    bend = before - 2 * best + after
    return at + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _translated(face: DetectedFace, across: float, down: float, shape: tuple[int, ...]) -> DetectedFace:
    """A face at another place, its box clipped to the image."""
    box = face.box.translated(round(across), round(down))
    inside = Box(max(0, box.x1), max(0, box.y1), min(shape[1], box.x2), min(shape[0], box.y2))
    landmarks = face.landmarks
    if landmarks is not None:
        points = (value + (down if odd % 2 else across) for odd, value in enumerate(landmarks))
        landmarks = cast(Landmarks, tuple(points))
    return DetectedFace(inside, face.confidence, landmarks)
