"""Labels and outputs of a network as a CSV file with a row per face."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smilecam.errors import DataError
from smilecam.storage import write_text
from smilecam.types import IntArray


@dataclass(frozen=True)
class Predictions:
    """Labels and raw outputs of faces.

    Attributes:
        names: n paths of the images inside their data set.
        labels: int64 (n,), 1 smiling, 0 not smiling.
        logits: float64 (n, policies), log odds of a smile before calibration.
    """

    names: tuple[str, ...]
    labels: IntArray
    logits: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a CSV file with the columns name, label, logit_0 and so on; logits to four decimal places.

    Raises:
        OutputError: the file cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "label", *(f"logit_{column}" for column in range(predictions.logits.shape[1]))])
    for name, label, logits in zip(predictions.names, predictions.labels, predictions.logits, strict=True):
        table.writerow([name, label, *(f"{logit:.4f}" for logit in logits)])
    write_text(path, text.getvalue())


def read_predictions(path: Path) -> Predictions:
    """Read such a file.

    Raises:
        DataError: the file is missing, damaged or empty.
    """
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            header, *rows = list(csv.reader(file))
        if header[:2] != ["name", "label"] or len(header) < 3:
            raise ValueError("another header")
        logits = np.array([[float(value) for value in row[2:]] for row in rows], dtype=np.float64)
        labels = np.array([int(row[1]) for row in rows], dtype=np.int64)
        if logits.shape != (len(rows), len(header) - 2) or not np.isfinite(logits).all() or set(labels) - {0, 1}:
            raise ValueError("rows of another form")
    except (OSError, ValueError, OverflowError, IndexError, csv.Error) as error:
        raise DataError(f"{path} does not hold the predictions of a finished run") from error
    return Predictions(tuple(row[0] for row in rows), labels, logits)
