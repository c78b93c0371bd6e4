"""Motion gating: which regions of an image changed since its faces were detected; the rest has the same faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from smilecam.detection.base import FaceDetector
from smilecam.opencv import cv2
from smilecam.types import Box, DetectedFace, GreyImage, GreyPixels

CELLS = 40
"""Cells along the longer side: the smallest face that is detected in streams covers four of them."""

CELL_THRESHOLD = 4
"""Grey values by which the mean of a cell must differ. Noise of a cell's many pixels stays below 1; a face that comes
in changes its cells by tens; one that was there and not found, and turns a little, by some."""

FACE_MARGIN = 0.35
"""How far beyond a known face motion is expected, as a share of its side: hair and collar move with it."""

CELL_MARGIN = 3
"""Cells around motion that belong to its region: some of a face may look like what was there before."""


SAMPLED_SIDE = 320
"""Of larger images every so many-th pixel is looked at: a cell still has 64 of them, whose noise averages out."""

FIRST_WAIT, LONGEST_WAIT = 0.75, 3.0
"""Seconds for which a cell is left out after a detection in vain: doubled each time that it still moves, up to as long
as nothing is detected in an image that stays the same."""

CUT_SIDE = 160
"""Pixels along the longer side of what is looked at for a cut: every fourth pixel of a frame of 640x480, for one."""

CUT_DIFFERENCE, CUT_CORRELATION = 15.0, 0.7
"""A frame begins a new scene if its cells differ by more than this on average, and correlate by less than this with
those of the frame before. Inside the development clips no two frames in a row differ by more than 10.5 or correlate by
less than .92; of frames of different clips, 96 % are beyond both."""

NARROWEST_RANGE = 219 / 255
"""Of grey values: luma planes go from 16 to 235 as a rule."""

ROUNDED = 1.0
"""Grey values by which the difference of two cells may grow when both are rounded."""


class CutDetector:
    """Finds hard cuts: frames that show another scene than the frame before."""

    def __init__(self) -> None:
        """Begin a stream."""
        self._before: GreyImage | None = None
        self._shape: tuple[int, ...] = ()

    def __call__(self, grey: GreyImage, full_range: Callable[[GreyImage], GreyImage] = lambda luma: luma) -> bool:
        """Take the next frame and give whether a new scene begins with it.

        Args:
            grey: uint8 (height, width); or of every so many-th pixel, with a longer side of ``CUT_SIDE`` at least.
            full_range: for a luma plane of any range in place of ``grey``: makes grey values of it.
        """
        step = max(1, max(grey.shape) // CUT_SIDE)
        sampled = np.ascontiguousarray(grey[::step, ::step])
        before, same_shape = self._before, grey.shape == self._shape
        self._before, self._shape = sampled, grey.shape
        if before is None:
            return False
        if not same_shape:
            return True
        # Cells differ by no more than their pixels do on average, which takes a tenth of the time to find out.
        if cv2.norm(sampled, before, cv2.NORM_L1) <= NARROWEST_RANGE * (CUT_DIFFERENCE - ROUNDED) * sampled.size:
            return False
        return _cells_differ(*(_cells(full_range(one)).astype(np.float32) for one in (before, sampled)))


def _cells_differ(before: npt.NDArray[np.float32], cells: npt.NDArray[np.float32]) -> bool:
    """Whether two images differ, and correlate, as those of two scenes do."""
    if float(np.abs(cells - before).mean()) <= CUT_DIFFERENCE:
        return False
    a, b = cells - cells.mean(), before - before.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return norm == 0 or float((a * b).sum()) < CUT_CORRELATION * norm


class MotionBackoff:
    """Leaves out motion in which faces were sought in vain, for growing intervals: shoulders, leaves, screens.

    Motion elsewhere, such as somebody who comes in, is not delayed.
    """

    def __init__(self) -> None:
        """Begin a scene."""
        self._wait: npt.NDArray[np.float32] | None = None
        self._until: npt.NDArray[np.float32] | None = None
        self._asked: npt.NDArray[np.bool_] | None = None

    def due(self, moving: npt.NDArray[np.bool_], time: float) -> npt.NDArray[np.bool_]:
        """Of the cells that move, bool (rows, columns), those in which faces are to be sought now."""
        if self._wait is None or self._until is None or self._wait.shape != moving.shape:
            self._wait = np.zeros(moving.shape, np.float32)
            self._until = np.full(moving.shape, -np.inf, np.float32)
        over = self._until <= time
        self._wait[over & ~moving] = 0
        self._asked = moving & over
        return self._asked

    def in_vain(self, time: float) -> None:
        """What the last call of ``due`` gave holds no new face."""
        if self._wait is None or self._until is None or self._asked is None:
            return
        # The edge of what moves is never quite where it was.
        asked = cv2.dilate(self._asked.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        self._wait[asked] = np.clip(2 * self._wait[asked], FIRST_WAIT, LONGEST_WAIT)
        self._until[asked] = time + self._wait[asked]


class MotionGate:
    """An image reduced to a few hundred cells, to compare later ones with."""

    def __init__(self, grey: GreyPixels, faces: Iterable[Box]) -> None:
        """Keep an image whose faces have been detected.

        Args:
            grey: uint8 (height, width).
            faces: its known faces, whose motion does not count.
        """
        self._cells, self._shape = _cells(grey), grey.shape
        self._faces = list(faces)

    def moving_regions(
        self, grey: GreyPixels, faces: Iterable[Box], backoff: MotionBackoff | None = None, time: float = 0.0
    ) -> list[Box]:
        """Where another image differs, apart from the surroundings of the faces of both.

        Args:
            grey: uint8 (height, width).
            faces: its known faces.
            backoff: leaves out what has moved in vain; None for nothing.
            time: of the image in seconds, for ``backoff``.

        Returns:
            Regions that hold all motion, with a margin, in pixels of ``grey``; the whole of an image of another size.
        """
        height, width = grey.shape
        if grey.shape != self._shape:
            return [Box(0, 0, width, height)]
        moving = np.abs(_cells(grey) - self._cells) > CELL_THRESHOLD
        for box in (*self._faces, *faces):
            moving[self._cells_of(box)] = False
        if backoff is not None:
            moving = backoff.due(moving, time)
        # A face covers a block of cells; the edge of a shoulder that moves, only lines of them.
        blocks = (moving[:-1, :-1] & moving[1:, :-1] & moving[:-1, 1:] & moving[1:, 1:]).astype(np.uint8)
        if not blocks.any():
            return []
        # A block's corner stands for its four cells; with their margins, neighbours become one region.
        grown = cv2.dilate(np.pad(blocks, ((0, 1), (0, 1))), np.ones((2 * CELL_MARGIN + 2,) * 2, np.uint8))
        regions = cv2.connectedComponentsWithStats(np.asarray(grown, np.uint8), connectivity=8)[2][1:, :4].tolist()
        down, across = (side / cells for cells, side in zip(moving.shape, self._shape, strict=True))
        return [
            Box(
                int(x * across),
                int(y * down),
                min(width, int((x + columns) * across) + 1),
                min(height, int((y + rows) * down) + 1),
            )
            for x, y, columns, rows in regions
        ]

    def _cells_of(self, box: Box) -> tuple[slice, slice]:
        """Rows and columns of the cells of a face and its surroundings."""
        down, across = (cells / side for cells, side in zip(self._cells.shape, self._shape, strict=True))
        margin = FACE_MARGIN * max(box.width, box.height)
        top, bottom = max(0, int((box.y1 - margin) * down)), int((box.y2 + margin) * down) + 1
        left, right = max(0, int((box.x1 - margin) * across)), int((box.x2 + margin) * across) + 1
        return slice(top, bottom), slice(left, right)


def _cells(grey: GreyPixels) -> npt.NDArray[np.int16]:
    height, width = grey.shape
    factor = CELLS / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    step = max(1, max(height, width) // SAMPLED_SIDE)
    sampled = np.ascontiguousarray(grey[::step, ::step])
    return np.asarray(cv2.resize(sampled, size, interpolation=cv2.INTER_AREA), np.int16)


def surroundings(box: Box, shape: tuple[int, ...]) -> Box:
    """A box with half its side around it, inside the image."""
    margin = max(box.width, box.height) // 2
    return Box(
        max(0, box.x1 - margin),
        max(0, box.y1 - margin),
        min(shape[1], box.x2 + margin),
        min(shape[0], box.y2 + margin),
    )


def detect_in_regions(detector: FaceDetector, grey: GreyPixels, regions: Iterable[Box]) -> list[DetectedFace]:
    """Detect faces in regions of an image, without those that a region's edge cuts off.

    Args:
        detector: of this thread.
        grey: uint8 (height, width).
        regions: in pixels of ``grey``; they may overlap.

    Returns:
        Faces from left to right, in pixels of ``grey``; one in two regions comes twice.
    """
    found = ((face, region) for region in regions for face in detector(grey, region))
    return sorted(face for face, region in found if not _is_cut_off(face.box, region, grey.shape))


def _is_cut_off(box: Box, region: Box, shape: tuple[int, ...]) -> bool:
    """Whether a box ends at an edge of the region that is no edge of the image."""
    height, width = shape
    return (
        (box.x1 <= region.x1 and region.x1 > 0)
        or (box.y1 <= region.y1 and region.y1 > 0)
        or (box.x2 >= region.x2 and region.x2 < width)
        or (box.y2 >= region.y2 and region.y2 < height)
    )
