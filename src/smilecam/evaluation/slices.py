"""Figures for parts of a data set: dark faces, blurred ones, small ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smilecam.evaluation.metrics import area_under_curve
from smilecam.evaluation.scored import Scored
from smilecam.opencv import cv2
from smilecam.types import BoolArray

PARTS = 4
"""Slices of each property, with nearly as many faces in each."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the faces.

    Attributes:
        property: by which the faces were ordered.
        low: of the property in this part.
        high: likewise.
        n: faces.
        smiles: of them labelled smiling.
        accuracy: share called right.
        balanced_accuracy: mean of the shares called right among smiles and the rest; None where one is missing.
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
    """Order the faces by each property, cut them into quarters, and score each one."""
    seen = scored.sides > 0  # where no face was found, there is nothing to measure
    scored = scored.take(np.flatnonzero(seen))
    slices: list[Slice] = []
    if len(scored) == 0:
        return slices
    for name, values in properties(scored).items():
        if np.ptp(values) == 0:
            continue
        bounds = np.quantile(values, np.linspace(0, 1, PARTS + 1)[1:-1])
        part_of = np.searchsorted(bounds, values, side="right")
        slices += [_slice(name, values, scored, part_of == part) for part in range(PARTS) if (part_of == part).any()]
    return slices


def properties(scored: Scored) -> dict[str, npt.NDArray[np.float64]]:
    """What faces are sliced by, each float64 (n,).

    Brightness and contrast are mean and standard deviation of grey values; sharpness is the standard deviation of
    the Laplacian over the contrast; size is the side of what the network read, in pixels before it was resized.
    """
    values = scored.pictures.astype(np.float64)
    contrast = values.std(axis=(1, 2))
    edges = np.array([float(cv2.Laplacian(picture, cv2.CV_32F).std()) for picture in scored.pictures])
    return {
        "brightness": values.mean(axis=(1, 2)),
        "contrast": contrast,
        "sharpness": edges / np.maximum(contrast, 1),
        "size": scored.sides.astype(np.float64),
    }


def _slice(name: str, values: npt.NDArray[np.float64], scored: Scored, rows: BoolArray) -> Slice:
    labels, right = scored.labels[rows], (scored.smiling == (scored.labels == 1))[rows]
    both = 0 < labels.sum() < len(labels)
    return Slice(
        property=name,
        low=round(float(values[rows].min()), 3),
        high=round(float(values[rows].max()), 3),
        n=len(labels),
        smiles=int(labels.sum()),
        accuracy=float(right.mean()),
        balanced_accuracy=float((right[labels == 1].mean() + right[labels == 0].mean()) / 2) if both else None,
        auc=area_under_curve(labels, scored.probabilities[rows]) if both else None,
    )
