"""Learning curves of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from smilecam.storage import whole_or_absent

CURVES = (
    ("loss", "training loss", "tab:blue", "-"),
    ("val_loss", "validation loss", "tab:orange", "--"),
    ("acc", "training accuracy", "tab:blue", "-"),
    ("val_acc", "validation accuracy", "tab:orange", "--"),
)


def loss_over_accuracy(title: str) -> tuple[Figure, Axes, Axes]:
    """An empty figure over epochs, with axes for losses above axes for accuracies."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, name in ((upper, "loss per face"), (lower, "accuracy")):
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    lower.set_xlabel("epoch")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(title)
    return figure, upper, lower


def plot_curves(rows: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """Plot the four curves of a run, losses above accuracies, as a PNG.

    Args:
        rows: one per epoch, with ``epoch``, ``loss``, ``acc``, ``val_loss`` and ``val_acc``.
        path: of the PNG.
        title: above the plot.

    Raises:
        OutputError: it cannot be written.
    """
    figure, upper, lower = loss_over_accuracy(title)
    epochs = [row["epoch"] for row in rows]
    for key, label, colour, style in CURVES:
        axes = upper if key.endswith("loss") else lower
        axes.plot(epochs, [row[key] for row in rows], style, color=colour, marker=".", label=label)
    upper.legend()
    lower.legend()
    with whole_or_absent(path) as temporary:
        figure.savefig(temporary, dpi=100)
