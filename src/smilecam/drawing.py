"""Drawing results into an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from smilecam.label_layout import PlacedLabel, Rectangle, Size, place_labels
from smilecam.opencv import cv2, reduced
from smilecam.types import Face, Image

# Blue and orange of Okabe and Ito's palette, which people with any colour vision tell apart (blue-green-red order).
SMILE_COLOUR = (0, 159, 230)
NO_SMILE_COLOUR = (178, 114, 0)
_STATUS_PAPER = (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SCALE = 0.55
_SCALE_OF_FACE = 0.0042
"""Size of a label's letters for each pixel of its face's width; cv2's unit, in which 1 is about 22 pixels high."""

_SMALLEST_SCALE = 0.32
"""Letters smaller than this cannot be read."""

_SHRINKING = (1.0, 0.8, 0.65, 0.5)


class _Style(NamedTuple):
    """A text in a size: which of a label's fits depends on the room around its face."""

    text: str
    scale: float


def label_text(face: Face, *, numbers: bool = False) -> str:
    """What a face's label says: "Smiling", and nothing for a face that does not smile.

    Args:
        face: that is labelled.
        numbers: also the number of the track where there is one, and the probability that the state rests on.
    """
    state = "Smiling" if face.smiling else "Not smiling"
    if not numbers:
        return state if face.smiling else ""
    track = "" if face.track is None else f"#{face.track} "
    return f"{track}{state} {face.probability:.0%}"


def annotate(image: Image, faces: tuple[Face, ...], status: str | None = None, *, numbers: bool = False) -> Image:
    """Draw a box for every face, and a label where it smiles.

    Smiling faces have a thick frame and a label, the others a thin frame and none, so that colour never says it alone.
    Labels cover no face and no other label: they become smaller where there is little room, and are left out where
    there is none.

    Args:
        image: uint8 (height, width, 3), blue-green-red, or (height, width) grey; left as it is.
        faces: boxes in pixels of ``image``.
        status: a line for the upper left corner, or for the first one without a face; of ASCII characters; None for
            none.
        numbers: label every face, with its number and probability.

    Returns:
        A new image, uint8 (height, width, 3).
    """
    drawn = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy(), np.uint8)
    height, width = drawn.shape[:2]
    unit = max(1.0, min(height, width) / 480)
    for face in faces:
        colour = SMILE_COLOUR if face.smiling else NO_SMILE_COLOUR
        box = face.box
        cv2.rectangle(drawn, (box.x1, box.y1), (box.x2 - 1, box.y2 - 1), colour, _thickness(face, unit))
    taken = []
    if status:
        style = _Style(status, _SCALE * unit)
        taken.append(_corner(_text_size(style), Size(width, height), [Rectangle(*face.box) for face in faces]))
        _draw_text(drawn, style, taken[0], _STATUS_PAPER)
    for face, label in zip(faces, placed_labels(faces, (height, width), taken, numbers=numbers), strict=True):
        if label is not None:
            style = _styles(face, unit, numbers=numbers)[label.choice]
            _draw_text(drawn, style, label.rectangle, SMILE_COLOUR if face.smiling else NO_SMILE_COLOUR)
    return drawn


def placed_labels(
    faces: Sequence[Face], shape: tuple[int, int], taken: Sequence[Rectangle] = (), *, numbers: bool = False
) -> list[PlacedLabel | None]:
    """Where ``annotate`` puts the label of each face; None for those without one.

    Args:
        faces: boxes in pixels of the image.
        shape: height and width of the image.
        taken: rectangles that stay free.
        numbers: as for ``annotate``.
    """
    height, width = shape
    unit = max(1.0, min(shape) / 480)
    gap = max((_thickness(face, unit) for face in faces), default=0) // 2 + 1
    sizes = [[_text_size(style) for style in _styles(face, unit, numbers=numbers)] for face in faces]
    return place_labels([face.box for face in faces], sizes, Size(width, height), gap, taken)


def _corner(size: Size, frame: Size, faces: Sequence[Rectangle]) -> Rectangle:
    """The first corner of the image where a text of this size covers no face, otherwise the upper left one."""
    right, bottom = max(0.0, frame.width - size.width), max(0.0, frame.height - size.height)
    corners = [Rectangle(x, y, x + size.width, y + size.height) for y in (0.0, bottom) for x in (0.0, right)]
    return next((corner for corner in corners if not any(map(corner.meets, faces))), corners[0])


def encode_png(image: Image, longest: int) -> bytes:
    """A PNG file of an image.

    Args:
        image: uint8 (height, width, 3), blue-green-red.
        longest: the image is reduced to this many pixels on its longer side.
    """
    return np.asarray(cv2.imencode(".png", reduced(image, longest))[1], np.uint8).tobytes()


def _thickness(face: Face, unit: float) -> int:
    """Of the frame in pixels: small faces have thin ones, but always thicker where they smile."""
    of_face = min(1.0, face.box.width / (120 * unit))
    return max(2, round(4 * unit * of_face)) if face.smiling else max(1, round(2 * unit * of_face))


def _styles(face: Face, unit: float, *, numbers: bool) -> list[_Style]:
    """A face's label, the best size first: letters that fit the face, smaller ones, the number alone."""
    full = label_text(face, numbers=numbers)
    if not full:
        return []
    best = min(max(_SMALLEST_SCALE, _SCALE_OF_FACE * face.box.width), 1.2 * unit)
    scales = dict.fromkeys(max(_SMALLEST_SCALE, best * part) for part in _SHRINKING)
    short = [_Style(f"{face.probability:.0%}", _SMALLEST_SCALE)] if numbers else []
    return [*(_Style(full, scale) for scale in scales), *short]


def _text_size(style: _Style) -> Size:
    """Width and height of the strip that a text is written on."""
    (width, height), baseline = cv2.getTextSize(style.text, _FONT, style.scale, _stroke(style))
    margin = _margin(style)
    return Size(width + 2 * margin, height + baseline + margin)


def _margin(style: _Style) -> int:
    return max(2, round(9 * style.scale))


def _stroke(style: _Style) -> int:
    return max(1, round(2.2 * style.scale))


def _draw_text(image: Image, style: _Style, place: Rectangle, paper: tuple[int, int, int]) -> None:
    """Write on a filled strip."""
    left, top = round(place.x1), round(place.y1)
    width, height = (round(side) for side in _text_size(style))
    cv2.rectangle(image, (left, top), (left + width - 1, top + height - 1), paper, cv2.FILLED)
    baseline = cv2.getTextSize(style.text, _FONT, style.scale, _stroke(style))[1]
    ink = (0, 0, 0) if paper == SMILE_COLOUR else (255, 255, 255)
    at = (left + _margin(style), top + height - baseline)
    cv2.putText(image, style.text, at, _FONT, style.scale, ink, _stroke(style), cv2.LINE_AA)
