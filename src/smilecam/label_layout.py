"""Where labels go: beside their face, over no other face and over no other label.

The live page does the same in ``server/static/label-layout.js``; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from smilecam.types import Box


class Size(NamedTuple):
    """Width and height in pixels."""

    width: float
    height: float


class Rectangle(NamedTuple):
    """A half-open rectangle in pixels: x1 <= x < x2 and y1 <= y < y2, y growing downward."""

    x1: float
    y1: float
    x2: float
    y2: float

    def meets(self, other: Rectangle) -> bool:
        """Whether they share a point."""
        return self.x1 < other.x2 and other.x1 < self.x2 and self.y1 < other.y2 and other.y1 < self.y2

    def grown(self, by: float) -> Rectangle:
        """The same with a border."""
        return Rectangle(self.x1 - by, self.y1 - by, self.x2 + by, self.y2 + by)


class PlacedLabel(NamedTuple):
    """Where a label goes: which of its sizes fits, as an index, and the rectangle that it takes."""

    choice: int
    rectangle: Rectangle


def place_labels(
    boxes: Sequence[Box],
    sizes: Sequence[Sequence[Size]],
    frame: Size,
    gap: float,
    taken: Sequence[Rectangle] = (),
) -> list[PlacedLabel | None]:
    """Find a place for each face's label, large faces first.

    Args:
        boxes: of all faces, also of those without a label, in pixels of the frame.
        sizes: for each face what its label may take, the best first; empty for none.
        frame: of the whole image; labels stay inside.
        gap: pixels around each box that stay free, for its outline.
        taken: rectangles that stay free too.

    Returns:
        For each face its label, or None where it has none or no size of it has room.
    """
    faces = [Rectangle(*box).grown(gap) for box in boxes]
    busy = [*faces, *taken]
    placed: list[PlacedLabel | None] = [None] * len(boxes)
    for number in sorted(range(len(boxes)), key=lambda number: -boxes[number].area):
        label = _place(faces[number], sizes[number], frame, busy)
        if label is not None:
            placed[number] = label
            busy.append(label.rectangle)
    return placed


def _place(face: Rectangle, sizes: Sequence[Size], frame: Size, busy: Sequence[Rectangle]) -> PlacedLabel | None:
    for choice, size in enumerate(sizes):
        for rectangle in _candidates(face, size, frame):
            if not any(rectangle.meets(other) for other in busy):
                return PlacedLabel(choice, rectangle)
    return None


def _candidates(face: Rectangle, size: Size, frame: Size) -> Iterator[Rectangle]:
    """Rectangles that touch the face: above, below, right, left; each at three positions, moved into the frame."""
    width, height = size
    across = (face.x1, (face.x1 + face.x2 - width) / 2, face.x2 - width)
    down = (face.y1, (face.y1 + face.y2 - height) / 2, face.y2 - height)
    corners = [
        *((min(max(x, 0.0), frame.width - width), y) for y in (face.y1 - height, face.y2) for x in across),
        *((x, min(max(y, 0.0), frame.height - height)) for x in (face.x2, face.x1 - width) for y in down),
    ]
    for x, y in corners:
        if x >= 0 and y >= 0 and x + width <= frame.width and y + height <= frame.height:
            yield Rectangle(x, y, x + width, y + height)
