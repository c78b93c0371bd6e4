"""What has changed in a picture since it was searched: searching the rest again would find the same."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from smilecam.detection.base import FaceDetector
from smilecam.opencv import cv2
from smilecam.types import Box, DetectedFace, GreyImage

CELLS = 40
"""Cells along the longer side: the smallest face that is searched in streams covers four of them."""

CHANGED = 4
"""Grey values by which the mean of a cell must differ. Noise of a cell's many pixels stays below 1; a face that comes
in changes its cells by tens; one that was there and not found, and turns a little, by some."""

AROUND = 0.35
"""How far beyond a known face change is expected, as a share of its side: hair and collar move with it."""

MARGIN = 3
"""Cells about a change that are searched with it: parts of a face may look like what was there before."""


class MotionGate:
    """A picture in a few hundred cells, to compare others with."""

    def __init__(self, grey: GreyImage, faces: Iterable[Box]) -> None:
        """Keep a picture that has been searched.

        Args:
            grey: uint8 (height, width).
            faces: what is known in it: change about them is nothing new.
        """
        self._cells, self._shape = _cells(grey), grey.shape
        self._faces = list(faces)

    def changes(self, grey: GreyImage, faces: Iterable[Box]) -> list[Box]:
        """Where another picture shows something new, apart from what happens about the faces of both.

        Args:
            grey: uint8 (height, width).
            faces: where the faces are in it.

        Returns:
            Parts of the picture that hold all that is new, with a margin; none where nothing is.
        """
        height, width = grey.shape
        if grey.shape != self._shape:
            return [Box(0, 0, width, height)]
        changed = np.abs(_cells(grey) - self._cells) > CHANGED
        for box in (*self._faces, *faces):
            changed[self._covered(box)] = False
        # A face covers a block of cells; the edge of a shoulder that moves, only lines of them.
        blocks = (changed[:-1, :-1] & changed[1:, :-1] & changed[:-1, 1:] & changed[1:, 1:]).astype(np.uint8)
        if not blocks.any():
            return []
        # A block's corner stands for its four cells; with their margins, neighbours become one part.
        grown = cv2.dilate(np.pad(blocks, ((0, 1), (0, 1))), np.ones((2 * MARGIN + 2,) * 2, np.uint8))
        parts = cv2.connectedComponentsWithStats(np.asarray(grown, np.uint8), connectivity=8)[2][1:, :4].tolist()
        down, across = (side / cells for cells, side in zip(changed.shape, self._shape, strict=True))
        return [
            Box(
                int(x * across),
                int(y * down),
                min(width, int((x + columns) * across) + 1),
                min(height, int((y + rows) * down) + 1),
            )
            for x, y, columns, rows in parts
        ]

    def _covered(self, box: Box) -> tuple[slice, slice]:
        down, across = (cells / side for cells, side in zip(self._cells.shape, self._shape, strict=True))
        margin = AROUND * max(box.width, box.height)
        top, bottom = max(0, int((box.y1 - margin) * down)), int((box.y2 + margin) * down) + 1
        left, right = max(0, int((box.x1 - margin) * across)), int((box.x2 + margin) * across) + 1
        return slice(top, bottom), slice(left, right)


def _cells(grey: GreyImage) -> npt.NDArray[np.int16]:
    height, width = grey.shape
    factor = CELLS / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.int16)


def detect_in_regions(detector: FaceDetector, grey: GreyImage, parts: Iterable[Box]) -> list[DetectedFace]:
    """Search parts of a picture, leaving out what their edges cut off.

    Args:
        detector: searches.
        grey: uint8 (height, width).
        parts: what to search; they may overlap.

    Returns:
        Faces from left to right, in pixels of the whole picture; one in two parts comes twice.
    """
    found = ((face, part) for part in parts for face in detector(grey, part))
    return sorted(face for face, part in found if not _cut_off(face.box, part, grey.shape))


def _cut_off(box: Box, region: Box, shape: tuple[int, ...]) -> bool:
    """Whether a box ends where the region does, and the picture goes on."""
    height, width = shape
    return (
        (box.x1 <= region.x1 and region.x1 > 0)
        or (box.y1 <= region.y1 and region.y1 > 0)
        or (box.x2 >= region.x2 and region.x2 < width)
        or (box.y2 >= region.y2 and region.y2 < height)
    )
