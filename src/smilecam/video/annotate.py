"""Drawing results into a picture."""

from __future__ import annotations

import numpy as np

from smilecam.opencv import cv2
from smilecam.types import Box, Face, Picture

# Blue and orange of Okabe and Ito's palette, which people with any colour vision tell apart (blue-green-red order).
SMILE_COLOUR = (0, 159, 230)
NO_SMILE_COLOUR = (178, 114, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def label_text(face: Face) -> str:
    """The label in words, with the probability of a smile."""
    return f"{'smile' if face.smiling else 'no smile'} {face.smile:.0%}"


def annotate(image: Picture, faces: tuple[Face, ...]) -> Picture:
    """Draw a box and a label in words for every face.

    Smiling faces have a thick frame and the others a thin one, so that colour never says it alone.

    Args:
        image: uint8 (height, width, 3), blue-green-red, or (height, width) grey; left as it is.
        faces: boxes in pixels of ``image``.

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
        _draw_label(drawn, label_text(face), box, colour, unit)
    return drawn


def _draw_label(image: Picture, text: str, box: Box, colour: tuple[int, int, int], unit: float) -> None:
    """Write on a filled strip above the box, or below or inside it where there is no room above."""
    height, width = image.shape[:2]
    scale, thickness, margin = 0.55 * unit, max(1, round(1.2 * unit)), round(5 * unit)
    (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, scale, thickness)
    strip_width, strip_height = text_width + 2 * margin, text_height + baseline + margin
    top = box.y1 - strip_height
    if top < 0:
        top = min(box.y2, height - strip_height)
    left = max(0, min(box.x1, width - strip_width))
    cv2.rectangle(image, (left, top), (left + strip_width, top + strip_height), colour, cv2.FILLED)
    ink = (0, 0, 0) if colour == SMILE_COLOUR else (255, 255, 255)
    place = (left + margin, top + strip_height - baseline)
    cv2.putText(image, text, place, _FONT, scale, ink, thickness, cv2.LINE_AA)
