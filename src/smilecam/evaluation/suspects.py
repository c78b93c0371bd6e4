"""Labels that look wrong: faces whose label a network that has not seen them contradicts surely."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from smilecam.evaluation.error_sheet import error_sheet
from smilecam.evaluation.scored import Scored
from smilecam.opencv import cv2
from smilecam.storage import make_folder, write_bytes, write_text
from smilecam.types import IntArray

SURE = 0.9
"""Probability of the other label from which a face is listed; calibrated, so most of them are wrong or in doubt."""

SHEET = 120
"""Faces on the sheet."""


def find_suspects(scored: Scored) -> IntArray:
    """Rows of the faces whose label has a probability of less than 1 - ``SURE``, the least probable first."""
    against = np.abs(scored.labels - scored.probabilities)
    rows = np.flatnonzero(against > SURE)
    return rows[np.argsort(-against[rows], kind="stable")]


def write_suspects(scored: Scored, folder: Path) -> IntArray:
    """Write ``suspects.csv`` (name, label, probability of a smile) and ``contact_sheet_suspects.png``.

    Args:
        scored: faces with probabilities from networks that have not seen them.
        folder: made where it is missing.

    Returns:
        Rows of the suspects.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = find_suspects(scored)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "label", "probability"])
    table.writerows([scored.names[row], scored.labels[row], f"{scored.probabilities[row]:.4f}"] for row in rows)
    write_text(make_folder(folder) / "suspects.csv", text.getvalue())
    sheet_path = folder / "contact_sheet_suspects.png"
    sheet_path.unlink(missing_ok=True)  # of an earlier call
    if len(rows):
        sheet = cv2.imencode(".png", error_sheet(scored, rows[:SHEET]))[1]
        write_bytes(sheet_path, sheet.tobytes())
    return rows
