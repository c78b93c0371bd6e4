"""Metrics of slices of a data set: dark faces, blurred ones, small ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smilecam.evaluation.metrics import area_under_curve
from smilecam.evaluation.scored import Scored
from smilecam.opencv import cv2
from smilecam.types import BoolArray

BINS = 4
"""Slices per property, of nearly equal size."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Faces in one range of a property.

    Attributes:
        property: by which the faces are sliced.
        low: minimum of the property in this slice.
        high: maximum of the property in this slice.
        n: number of faces.
        smiles: number of faces labelled smiling.
        accuracy: share of correct predictions.
        balanced_accuracy: mean of the accuracies on smiles and on the rest; None if a class is missing.
        auc: area under the ROC curve; likewise.
    """

    property: str
    low: float
    high: float
    n: int
    smiles: int
    accuracy: float
    balanced_accuracy: float | None
    auc: float | None


def measure_slices(scored: Scored) -> list[Slice]:
    """Compute the metrics of the faces' quarters by each property."""
    scored = scored.take(np.flatnonzero(scored.sides > 0))  # without a detected face there are no properties
    slices: list[Slice] = []
    if len(scored) == 0:
        return slices
    for name, values in properties(scored).items():
        if np.ptp(values) == 0:
            continue
        bounds = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
        bins = np.searchsorted(bounds, values, side="right")
        slices += [_slice(name, values, scored, bins == number) for number in range(BINS) if (bins == number).any()]
    return slices


def properties(scored: Scored) -> dict[str, npt.NDArray[np.float64]]:
    """The properties by which faces are sliced, each float64 (n,).

    Brightness and contrast are mean and standard deviation of the grey values; sharpness is the standard deviation of
    the Laplacian divided by the contrast; size is the side of the classified crop in pixels of its original image.
    """
    values = scored.images.astype(np.float64)
    contrast = values.std(axis=(1, 2))
    edges = np.array([float(cv2.Laplacian(image, cv2.CV_32F).std()) for image in scored.images])
    return {
        "brightness": values.mean(axis=(1, 2)),
        "contrast": contrast,
        "sharpness": edges / np.maximum(contrast, 1),
        "size": scored.sides.astype(np.float64),
    }


def _slice(name: str, values: npt.NDArray[np.float64], scored: Scored, rows: BoolArray) -> Slice:
    labels, correct = scored.labels[rows], (scored.smiling == (scored.labels == 1))[rows]
    both = 0 < labels.sum() < len(labels)
    return Slice(
        property=name,
        low=round(float(values[rows].min()), 3),
        high=round(float(values[rows].max()), 3),
        n=len(labels),
        smiles=int(labels.sum()),
        accuracy=float(correct.mean()),
        balanced_accuracy=float((correct[labels == 1].mean() + correct[labels == 0].mean()) / 2) if both else None,
        auc=area_under_curve(labels, scored.probabilities[rows]) if both else None,
    )
