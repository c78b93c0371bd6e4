"""Drawing results into a picture."""

from __future__ import annotations

import numpy as np

from smilecam.opencv import cv2
from smilecam.types import Box, Face, Image

# Blue and orange of Okabe and Ito's palette, which people with any colour vision tell apart (blue-green-red order).
SMILE_COLOUR = (0, 159, 230)
NO_SMILE_COLOUR = (178, 114, 0)
_STATUS_PAPER = (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SCALE = 0.55


def label_text(face: Face) -> str:
    """The label in words: the number of the track where there is one, and the probability that it rests on."""
    track = "" if face.track is None else f"#{face.track} "
    return f"{track}{'smile' if face.smiling else 'no smile'} {face.probability:.0%}"


def annotate(image: Image, faces: tuple[Face, ...], status: str | None = None) -> Image:
    """Draw a box and a label in words for every face, and a bar for how much of a smile it is where that is known.

    Smiling faces have a thick frame and the others a thin one, so that colour never says it alone.

    Args:
        image: uint8 (height, width, 3), blue-green-red, or (height, width) grey; left as it is.
        faces: boxes in pixels of ``image``.
        status: a line for the upper left corner, of ASCII characters; None for none.

    Returns:
        A new picture, uint8 (height, width, 3).
    """
    drawn = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy(), np.uint8)
    unit = max(1.0, min(drawn.shape[:2]) / 480)
    for face in faces:
        colour = SMILE_COLOUR if face.smiling else NO_SMILE_COLOUR
        thickness = round((4 if face.smiling else 2) * unit)
        box = face.box
        cv2.rectangle(drawn, (box.x1, box.y1), (box.x2 - 1, box.y2 - 1), colour, thickness)
        below = 0 if face.intensity is None else _draw_bar(drawn, face.intensity, box, colour, unit)
        _draw_label(drawn, label_text(face), box, colour, unit, below)
    if status:
        _draw_text(drawn, status, (0, 0), _STATUS_PAPER, unit)
    return drawn


def encode_png(image: Image, longest: int) -> bytes:
    """A PNG file of an image.

    Args:
        image: uint8 (height, width, 3), blue-green-red.
        longest: the image is reduced to this many pixels on its longer side.
    """
    factor = longest / max(image.shape[:2])
    if factor < 1:
        image = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.imencode(".png", image)[1], np.uint8).tobytes()


def _draw_bar(image: Image, share: float, box: Box, colour: tuple[int, int, int], unit: float) -> int:
    """Fill a frame as wide as the box from the left, below the box or inside it; give the pixels taken below it."""
    gap, thick = round(4 * unit), round(8 * unit)
    top = box.y2 + gap
    if top + thick > image.shape[0]:
        top = max(0, min(box.y2, image.shape[0]) - gap - thick)
    line = max(1, round(unit))
    cv2.rectangle(image, (box.x1, top), (box.x2 - 1, top + thick - 1), (255, 255, 255), cv2.FILLED)
    filled = round(min(1.0, max(0.0, share)) * box.width)
    if filled:
        cv2.rectangle(image, (box.x1, top), (box.x1 + filled - 1, top + thick - 1), colour, cv2.FILLED)
    cv2.rectangle(image, (box.x1, top), (box.x2 - 1, top + thick - 1), (0, 0, 0), line)
    return gap + thick if top > box.y2 else 0


def _draw_label(image: Image, text: str, box: Box, colour: tuple[int, int, int], unit: float, below: int = 0) -> None:
    """Write on a filled strip above the box, or below or inside it where there is no room above."""
    width, height = _strip(text, unit)[:2]
    top = box.y1 - height
    if top < 0:
        top = min(box.y2 + below, image.shape[0] - height)
    _draw_text(image, text, (max(0, min(box.x1, image.shape[1] - width)), top), colour, unit)


def _strip(text: str, unit: float) -> tuple[int, int, int]:
    """Width and height of the strip that a text is written on, and how far its letters reach below their line."""
    (width, height), baseline = cv2.getTextSize(text, _FONT, _SCALE * unit, _stroke(unit))
    margin = round(5 * unit)
    return width + 2 * margin, height + baseline + margin, baseline


def _stroke(unit: float) -> int:
    return max(1, round(1.2 * unit))


def _draw_text(image: Image, text: str, place: tuple[int, int], paper: tuple[int, int, int], unit: float) -> None:
    """Write on a filled strip whose upper left corner is ``place``."""
    left, top = place
    width, height, baseline = _strip(text, unit)
    cv2.rectangle(image, (left, top), (left + width, top + height), paper, cv2.FILLED)
    ink = (0, 0, 0) if paper == SMILE_COLOUR else (255, 255, 255)
    at = (left + round(5 * unit), top + height - baseline)
    cv2.putText(image, text, at, _FONT, _SCALE * unit, ink, _stroke(unit), cv2.LINE_AA)
