"""Anonymising faces: making them unrecognisable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from smilecam.opencv import cv2
from smilecam.types import Box, Face, Image

CELLS = 6
"""Cells along the longer side of an anonymised face; no finer detail is left."""

MARGIN = 0.25
"""How far the ellipse extends beyond the box on each side, as a share of the box. It then contains the corners."""

HOLD_SECONDS = 1.0
"""How long the place of a lost face stays anonymised."""

GROWTH = 0.5
"""Growth of a lost face's margin per second, since the face may have moved."""


def blur_faces(image: Image, boxes: Iterable[Box], margin: float = MARGIN) -> Image:
    """Replace each face by a few mean colours, in an ellipse around its box.

    This cannot be undone: only ``CELLS`` by ``CELLS`` mean colours of a face are left, however large it is.

    Args:
        image: uint8 (height, width, 3), blue-green-red, or (height, width) grey; not changed.
        boxes: of the faces, in pixels of ``image``.
        margin: how far to extend beyond a box on each side, as a share of its width and height.

    Returns:
        A new image of the same shape.
    """
    result = image.copy()
    for box in boxes:
        _anonymise(result, box, margin)
    return result


def _anonymise(image: Image, box: Box, margin: float) -> None:
    height, width = image.shape[:2]
    across, down = round(box.width * margin), round(box.height * margin)
    outer = Box(box.x1 - across, box.y1 - down, box.x2 + across, box.y2 + down)
    x1, y1, x2, y2 = max(0, outer.x1), max(0, outer.y1), min(width, outer.x2), min(height, outer.y2)
    if x2 <= x1 or y2 <= y1:
        return
    region = image[y1:y2, x1:x2]
    unit = max(outer.width, outer.height) / CELLS
    cells = (max(1, int((x2 - x1) / unit)), max(1, int((y2 - y1) / unit)))
    few = cv2.resize(region, cells, interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(few, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros(region.shape[:2], np.uint8)
    centre = ((outer.x1 + outer.x2) // 2 - x1, (outer.y1 + outer.y2) // 2 - y1)
    cv2.ellipse(mask, centre, (outer.width // 2 + 1, outer.height // 2 + 1), 0, 0, 360, 255, cv2.FILLED)
    np.copyto(region, smooth, where=(mask if region.ndim == 2 else mask[:, :, None]) > 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where a face was last seen."""

    box: Box
    track: int | None
    time: float


class FaceAnonymiser:
    """Anonymises the faces of a stream, and for a moment the places where a face was lost."""

    def __init__(self, margin: float = MARGIN, hold_seconds: float = HOLD_SECONDS) -> None:
        """Start without faces.

        Args:
            margin: as for ``blur_faces``.
            hold_seconds: how long the place of a lost face stays anonymised.
        """
        self._margin, self._hold = margin, hold_seconds
        self._seen: list[_Seen] = []

    def see(self, faces: Iterable[Face], time: float | None) -> None:
        """Update with the faces of the next frame.

        Args:
            faces: boxes in pixels of the frame.
            time: seconds into the stream; None for an image, which has no previous frame.
        """
        now = time or 0.0
        new = [_Seen(face.box, face.track, now) for face in faces]
        lost = [old for old in self._seen if 0 <= now - old.time <= self._hold and not _found_again(old, new)]
        self._seen = (lost if time is not None else []) + new
        self._now = now

    def boxes(self, without: int | None = None) -> list[Box]:
        """Boxes to anonymise in this frame, margin included.

        Args:
            without: number of a track that stays visible.
        """
        shown = [seen for seen in self._seen if without is None or seen.track != without]
        return [_widened(seen.box, self._margin + GROWTH * (self._now - seen.time)) for seen in shown]

    def anonymise(self, image: Image, faces: Iterable[Face], time: float | None) -> Image:
        """Update with the next frame's faces, and return an anonymised copy of ``image``."""
        self.see(faces, time)
        return blur_faces(image, self.boxes(), margin=0)


def _found_again(old: _Seen, new: list[_Seen]) -> bool:
    """Whether a face of an earlier frame is among those of this one: by its track, or else by its position."""
    if old.track is not None:
        return any(seen.track == old.track for seen in new)
    x, y = (old.box.x1 + old.box.x2) / 2, (old.box.y1 + old.box.y2) / 2
    return any(seen.box.x1 <= x < seen.box.x2 and seen.box.y1 <= y < seen.box.y2 for seen in new)


def _widened(box: Box, share: float) -> Box:
    across, down = round(box.width * share), round(box.height * share)
    return Box(box.x1 - across, box.y1 - down, box.x2 + across, box.y2 + down)
