"""Covering faces so that nobody can tell whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from smilecam.opencv import cv2
from smilecam.types import Box, Face, Image

CELLS = 6
"""Squares along the longer side of what covers a face; nothing finer of the face is left."""

MARGIN = 0.25
"""How far the cover reaches beyond the box on each side, as a share of the box. The ellipse then holds the corners."""

HOLD_SECONDS = 1.0
"""How long the place of a face that is no longer found stays covered."""

GROWTH = 0.5
"""How much wider the margin of a lost face becomes in a second, since it may have moved."""


def blur_faces(image: Image, boxes: Iterable[Box], margin: float = MARGIN) -> Image:
    """Replace each face by a few averages of colour, in an ellipse around its box.

    It cannot be undone: of each face only ``CELLS`` by ``CELLS`` mean colours are left, however large it is.

    Args:
        image: uint8 (height, width, 3), blue-green-red, or (height, width) grey; left as it is.
        boxes: of the faces, in pixels of ``image``.
        margin: how far to reach beyond a box on each side, as a share of its width and height.

    Returns:
        A new picture of the same shape.
    """
    covered = image.copy()
    for box in boxes:
        _anonymise(covered, box, margin)
    return covered


def _anonymise(image: Image, box: Box, margin: float) -> None:
    height, width = image.shape[:2]
    across, down = round(box.width * margin), round(box.height * margin)
    outer = Box(box.x1 - across, box.y1 - down, box.x2 + across, box.y2 + down)
    x1, y1, x2, y2 = max(0, outer.x1), max(0, outer.y1), min(width, outer.x2), min(height, outer.y2)
    if x2 <= x1 or y2 <= y1:
        return
    part = image[y1:y2, x1:x2]
    unit = max(outer.width, outer.height) / CELLS
    cells = (max(1, int((x2 - x1) / unit)), max(1, int((y2 - y1) / unit)))
    few = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(few, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros(part.shape[:2], np.uint8)
    centre = ((outer.x1 + outer.x2) // 2 - x1, (outer.y1 + outer.y2) // 2 - y1)
    cv2.ellipse(mask, centre, (outer.width // 2 + 1, outer.height // 2 + 1), 0, 0, 360, 255, cv2.FILLED)
    np.copyto(part, smooth, where=(mask if part.ndim == 2 else mask[:, :, None]) > 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where a face was seen last."""

    box: Box
    track: int | None
    time: float


class FaceAnonymiser:
    """Knows what has to be covered in each frame of a stream: the faces, and where one was lost a moment ago."""

    def __init__(self, margin: float = MARGIN, hold_seconds: float = HOLD_SECONDS) -> None:
        """Start without faces.

        Args:
            margin: as for ``blur_faces``.
            hold_seconds: how long to go on covering the place of a lost face.
        """
        self._margin, self._hold = margin, hold_seconds
        self._seen: list[_Seen] = []

    def see(self, faces: Iterable[Face], time: float | None) -> None:
        """Take the faces of the next frame.

        Args:
            faces: boxes in pixels of the frame.
            time: seconds through the stream; None for a picture, which has no frame before it.
        """
        now = time or 0.0
        new = [_Seen(face.box, face.track, now) for face in faces]
        lost = [old for old in self._seen if 0 <= now - old.time <= self._hold and not _found_again(old, new)]
        self._seen = (lost if time is not None else []) + new
        self._now = now

    def boxes(self, without: int | None = None) -> list[Box]:
        """What to cover in this frame, margin included.

        Args:
            without: number of a track that is to stay visible.
        """
        shown = [seen for seen in self._seen if without is None or seen.track != without]
        return [_widened(seen.box, self._margin + GROWTH * (self._now - seen.time)) for seen in shown]

    def anonymise(self, image: Image, faces: Iterable[Face], time: float | None) -> Image:
        """Take the next frame's faces, and cover what has to be; ``image`` is left as it is."""
        self.see(faces, time)
        return blur_faces(image, self.boxes(), margin=0)


def _found_again(old: _Seen, new: list[_Seen]) -> bool:
    """Whether a face of the frame before is among those of this frame: by its track, or else by its place."""
    if old.track is not None:
        return any(seen.track == old.track for seen in new)
    x, y = (old.box.x1 + old.box.x2) / 2, (old.box.y1 + old.box.y2) / 2
    return any(seen.box.x1 <= x < seen.box.x2 and seen.box.y1 <= y < seen.box.y2 for seen in new)


def _widened(box: Box, share: float) -> Box:
    across, down = round(box.width * share), round(box.height * share)
    return Box(box.x1 - across, box.y1 - down, box.x2 + across, box.y2 + down)
