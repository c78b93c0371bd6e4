"""Calibration of raw outputs to probabilities, and choice of thresholds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from smilecam.classification.calibration import logistic
from smilecam.evaluation.metrics import (
    Scores,
    counts_by_threshold,
    most_accurate,
    most_balanced,
    most_found,
)
from smilecam.presets import Calibration, OperatingPoint
from smilecam.types import IntArray

RIDGE = 1e-3
"""L2 regularisation, in units of one face, so that weights stay finite for separable data."""

STEPS = 100
"""Maximum number of Newton steps; about ten are needed."""

PRECISION = 0.98
"""Precision at the operating point "precision"."""


def fit_calibration(
    logits: npt.NDArray[np.float64], labels: IntArray, weights: npt.NDArray[np.float64] | None = None
) -> Calibration:
    """Fit calibrated log odds = weights . logits + offset by logistic regression (J. Platt, 1999).

    With one output this is a temperature and an offset; two outputs are also weighed against each other.

    Args:
        logits: float (n, outputs), of faces that the network was not trained on.
        labels: int (n,), 1 smiling, 0 not; both must occur.
        weights: float (n,), weight of each face; 1 by default.

    Raises:
        ValueError: a class is missing.
    """
    if not 0 < labels.sum() < len(labels):
        raise ValueError("both classes are needed")
    columns = np.column_stack([logits, np.ones(len(logits))])
    beta = np.zeros(columns.shape[1])
    counted = np.ones(len(labels)) if weights is None else weights
    # Platt's targets: slightly inside 0 and 1, by the number of faces.
    smiles, rest = int(labels.sum()), len(labels) - int(labels.sum())
    targets = np.where(labels == 1, (smiles + 1) / (smiles + 2), 1 / (rest + 2))
    for _ in range(STEPS):
        probabilities = logistic(columns @ beta)
        slope = columns.T @ (counted * (targets - probabilities)) - RIDGE * beta
        curvature = (columns * (counted * probabilities * (1 - probabilities))[:, None]).T @ columns
        step = np.linalg.solve(curvature + RIDGE * np.eye(len(beta)), slope)
        # Far from the optimum a full step can overshoot.
        beta += step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(tuple(float(weight) for weight in beta[:-1]), float(beta[-1]))


def choose_thresholds(
    labels: IntArray, probabilities: Scores, weights: npt.NDArray[np.float64] | None = None
) -> dict[OperatingPoint, float]:
    """Choose the threshold of each operating point.

    Args:
        labels: int (n,), of faces that are not evaluated with it.
        probabilities: float (n,).
        weights: float (n,), weight of each face; 1 by default.
    """
    counts = counts_by_threshold(labels, probabilities, weights)
    return {
        OperatingPoint.BALANCED: most_balanced(counts),
        OperatingPoint.ACCURACY: most_accurate(counts),
        OperatingPoint.PRECISION: most_found(counts, PRECISION),
    }


def even_weights(sets: list[IntArray]) -> npt.NDArray[np.float64]:
    """Weights that give each class of each data set the same total; their mean is 1.

    Args:
        sets: labels of each data set, both classes in each.

    Returns:
        float64, for the concatenated faces of all sets.
    """
    total, groups = sum(map(len, sets)), 2 * len(sets)
    return np.concatenate([total / groups / np.bincount(labels, minlength=2)[labels] for labels in sets])
