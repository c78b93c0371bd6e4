"""Label issues: faces whose label is contradicted by a confident out-of-fold prediction."""

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

CONFIDENT = 0.9
"""Minimum probability of the other label; it is calibrated, so most of the listed labels are wrong or doubtful."""

SHEET = 120
"""Maximum number of faces on the contact sheet."""


def find_label_issues(scored: Scored) -> IntArray:
    """Rows of the faces whose label has a probability below 1 - ``CONFIDENT``, the least probable first."""
    against = np.abs(scored.labels - scored.probabilities)
    rows = np.flatnonzero(against > CONFIDENT)
    return rows[np.argsort(-against[rows], kind="stable")]


def write_label_issues(scored: Scored, folder: Path) -> IntArray:
    """Write ``label_issues.csv`` (name, label, probability of a smile) and ``contact_sheet_label_issues.png``.

    Args:
        scored: faces with out-of-fold probabilities.
        folder: created if missing.

    Returns:
        Rows of the listed faces.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = find_label_issues(scored)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "label", "probability"])
    table.writerows([scored.names[row], scored.labels[row], f"{scored.probabilities[row]:.4f}"] for row in rows)
    write_text(make_folder(folder) / "label_issues.csv", text.getvalue())
    sheet_path = folder / "contact_sheet_label_issues.png"
    sheet_path.unlink(missing_ok=True)  # from an earlier call
    if len(rows):
        sheet = cv2.imencode(".png", error_sheet(scored, rows[:SHEET]))[1]
        write_bytes(sheet_path, sheet.tobytes())
    return rows
