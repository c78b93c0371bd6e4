"""Figures of a cross-validation as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smilecam.evaluation.cross_validation import CrossValidated, Spread

DECIDED = ("accuracy", "balanced_accuracy", "f1", "precision", "true_positive_rate", "false_positive_rate", "threshold")
"""Figures that depend on the operating point."""

UNDECIDED = ("auc", "average_precision", "expected_calibration_error", "brier")
"""Figures that do not."""


def fold_lines(found: CrossValidated) -> list[str]:
    """The table of ``spread_rows`` in columns, and the remarks."""
    rows = spread_rows(found)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, *remarks(found)]


def remarks(found: CrossValidated) -> list[str]:
    """What has to be known of the figures."""
    return [_pooled_remark(found), _fold_remark(found)]


def spread_rows(found: CrossValidated) -> list[list[str]]:
    """Mean, deviation and interval of every figure, below a header."""
    rows = [["figure", "operating point", "mean", "std", "95 % interval", "n"]]
    first = next(iter(found.figures.values()))
    rows += [_spread_row(name, "-", first[name]) for name in UNDECIDED]
    return rows + [_spread_row(name, at, found.figures[at][name]) for at in found.figures for name in DECIDED]


def _spread_row(name: str, point: str, of: Spread) -> list[str]:
    figures = [f"{of.mean:.4f}", f"{of.std:.4f}", f"{max(of.low, 0):.4f} to {min(of.high, 1):.4f}", str(of.n)]
    return [name.replace("_", " "), point, *figures]


def _pooled_remark(found: CrossValidated) -> str:
    pooled = found.pooled
    return (
        f"all {pooled.n:,} faces at once: AUC {pooled.auc:.4f}, expected calibration error "
        f"{pooled.expected_calibration_error:.4f}, Brier score {pooled.brier:.4f}"
    )


def _fold_remark(found: CrossValidated) -> str:
    networks = found.seeds * found.folds
    return (
        f"{networks} networks, {found.seeds} x {found.folds} folds of {found.faces:,} faces; each face is judged by a "
        "network that has not seen it, calibrated and with thresholds chosen on the other folds"
    )
