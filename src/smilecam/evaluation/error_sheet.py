"""A contact sheet of faces with their labels and predictions."""

from __future__ import annotations

import numpy as np

from smilecam.evaluation.scored import Scored
from smilecam.opencv import cv2
from smilecam.types import GreyImage, IntArray

COLUMNS, TILE, LINE = 12, 96, 18
"""Faces per row, their side in pixels, and the height of the text below them in pixels."""


def error_sheet(scored: Scored, rows: IntArray) -> GreyImage:
    """A contact sheet of the faces of these rows, each with its label and probability of a smile in percent.

    Returns:
        uint8 grey (height, width), ``COLUMNS`` faces wide.
    """
    height = TILE + LINE
    sheet = np.full((-(-len(rows) // COLUMNS) * height, COLUMNS * TILE), 255, np.uint8)
    for tile, row in enumerate(rows):
        top, left = tile // COLUMNS * height, tile % COLUMNS * TILE
        sheet[top : top + TILE, left : left + TILE] = cv2.resize(scored.images[row], (TILE, TILE))
        text = f"{'smile' if scored.labels[row] else 'not'} {scored.probabilities[row]:.0%}"
        cv2.putText(sheet, text, (left + 4, top + TILE + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 0, 1, cv2.LINE_AA)
    return sheet
