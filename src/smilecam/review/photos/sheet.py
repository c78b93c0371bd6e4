"""A contact sheet of ranked photos: group by group, the best photo of each first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smilecam.drawing import NO_SMILE_COLOUR, SMILE_COLOUR
from smilecam.errors import SourceError
from smilecam.opencv import cv2
from smilecam.review.photos.ranking import PhotoGroup, RatedPhoto
from smilecam.sources.images import load_image
from smilecam.types import Image

TILE = (320, 240)
"""Width and height of a photo in pixels."""

GAP, LINE = 16, 22
"""Pixels between photos, and the height of a line of text."""

INK, QUIET, PAPER = (30, 26, 24), (107, 97, 90), 255
_FONT, _SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.5


def photo_sheet(groups: Sequence[PhotoGroup], columns: int) -> Image:
    """Draw a contact sheet.

    Args:
        groups: at least one.
        columns: photos shown of each group, at most.

    Returns:
        uint8 (height, width, 3), blue-green-red; white where nothing is.
    """
    places = _places([min(columns, len(group.photos)) for group in groups], columns)
    across, down = TILE[0] + GAP, TILE[1] + 2 * LINE + 2 * GAP
    size = (max(row for row, _ in places) + 1, max(column for _, column in places) + 1)
    sheet = np.full((size[0] * down + GAP, size[1] * across + GAP, 3), PAPER, np.uint8)
    tiles = iter(places)
    for number, group in enumerate(groups, 1):
        for rank, photo in enumerate(group.photos[:columns], 1):
            row, column = next(tiles)
            place = (GAP + column * across, GAP + row * down)
            _draw_photo(sheet, place, photo)
            if rank == 1 and photo.smiling:
                _frame(sheet, place)
            _write(sheet, f"{number}.{rank}  {verdict(group, photo)}", place, TILE[1] + LINE, INK)
            _write(sheet, photo.path.name, place, TILE[1] + 2 * LINE, QUIET)
    return sheet


def _places(counts: Sequence[int], columns: int) -> list[tuple[int, int]]:
    """Row and column of each photo: groups follow each other, and none is broken over two rows.

    Args:
        counts: photos of each group, each from 1 to ``columns``.
        columns: of the sheet.
    """
    places, row, column = [], 0, 0
    for count in counts:
        if column + count > columns:
            row, column = row + 1, 0
        places += [(row, column + offset) for offset in range(count)]
        column += count
    return places


def verdict(group: PhotoGroup, photo: RatedPhoto) -> str:
    """What a photo shows, in a few words of ASCII."""
    if not photo.faces:
        return "no face"
    smiling = "everybody smiles" if group.everybody_smiles(photo) else f"{photo.smiling} of {group.faces} smile"
    return f"{smiling}, eyes open in {photo.eyes_open}" if photo.eyes_open else smiling


def _draw_photo(sheet: Image, place: tuple[int, int], photo: RatedPhoto) -> None:
    """Draw a photo into its tile, with the boxes of its faces."""
    try:
        image = load_image(photo.path)
    except SourceError:  # it was there a moment ago
        return
    height, width = image.shape[:2]
    scale = min(TILE[0] / width, TILE[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    for rated in photo.faces:
        box, smiling = rated.face.box, rated.face.smiling
        colour, thickness = (SMILE_COLOUR, 3) if smiling else (NO_SMILE_COLOUR, 1)
        upper, lower = (round(box.x1 * scale), round(box.y1 * scale)), (round(box.x2 * scale), round(box.y2 * scale))
        cv2.rectangle(small, upper, lower, colour, thickness, cv2.LINE_AA)
    left, top = place[0] + (TILE[0] - size[0]) // 2, place[1] + (TILE[1] - size[1]) // 2
    sheet[top : top + size[1], left : left + size[0]] = small


def _frame(sheet: Image, place: tuple[int, int]) -> None:
    corner = (place[0] + TILE[0] + 3, place[1] + TILE[1] + 3)
    cv2.rectangle(sheet, (place[0] - 4, place[1] - 4), corner, SMILE_COLOUR, 4)


def _write(sheet: Image, text: str, place: tuple[int, int], below: int, ink: tuple[int, int, int]) -> None:
    """Write a line under a photo, cut to its width; the font has no letters but those of ASCII."""
    plain = text.encode("ascii", "replace").decode()
    while cv2.getTextSize(plain, _FONT, _SIZE, 1)[0][0] > TILE[0]:
        plain = f"{plain.removesuffix('...')[:-1]}..."
    cv2.putText(sheet, plain, (place[0], place[1] + below), _FONT, _SIZE, ink, 1, cv2.LINE_AA)
