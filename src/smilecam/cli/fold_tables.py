"""Tables and remarks about a cross-validation as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smilecam.evaluation.score_folds import CrossValidationResult, Spread

AT_THRESHOLD = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "true_positive_rate",
    "false_positive_rate",
    "threshold",
)
"""Metrics that depend on the operating point."""

WITHOUT_THRESHOLD = ("auc", "average_precision", "expected_calibration_error", "brier")
"""Metrics that do not."""


def fold_lines(found: CrossValidationResult) -> list[str]:
    """The table of ``spread_rows`` in columns, and the remarks."""
    rows = spread_rows(found)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, *remarks(found)]


def remarks(found: CrossValidationResult) -> list[str]:
    """Explanations of the metrics."""
    return [_pooled_remark(found), _fold_remark(found)]


def spread_rows(found: CrossValidationResult) -> list[list[str]]:
    """Mean, deviation and interval of every metric, below a header."""
    rows = [["metric", "operating point", "mean", "std", "95 % interval", "n"]]
    first = next(iter(found.metrics.values()))
    rows += [_spread_row(name, "-", first[name]) for name in WITHOUT_THRESHOLD]
    return rows + [_spread_row(name, at, found.metrics[at][name]) for at in found.metrics for name in AT_THRESHOLD]


def _spread_row(name: str, point: str, of: Spread) -> list[str]:
    cells = [f"{of.mean:.4f}", f"{of.std:.4f}", f"{max(of.low, 0):.4f} to {min(of.high, 1):.4f}", str(of.n)]
    return [name.replace("_", " "), point, *cells]


def _pooled_remark(found: CrossValidationResult) -> str:
    pooled = found.pooled
    return (
        f"all {pooled.n:,} faces together: AUC {pooled.auc:.4f}, expected calibration error "
        f"{pooled.expected_calibration_error:.4f}, Brier score {pooled.brier:.4f}"
    )


def _fold_remark(found: CrossValidationResult) -> str:
    networks = found.seeds * found.folds
    return (
        f"{networks} networks, {found.seeds} x {found.folds} folds of {found.faces:,} faces; each face is classified "
        "by a network that has not seen it, with calibration and thresholds from the other folds"
    )
