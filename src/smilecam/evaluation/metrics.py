"""Figures of merit for probabilities of a smile."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smilecam.types import IntArray

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a set of scores is worth at one threshold.

    Attributes:
        n: pictures scored.
        smiles: how many of them are labelled smiling.
        accuracy: share called right.
        balanced_accuracy: mean of the shares called right among smiles and among the rest.
        auc: area under the ROC curve, which needs no threshold.
        threshold: a score that reaches it is called smiling.
        true_positive_rate: share of the smiles called smiling.
        false_positive_rate: share of the rest called smiling.
        accuracy_low: lower end of the 95 % interval of the accuracy (Wilson).
        accuracy_high: its upper end.
    """

    n: int
    smiles: int
    accuracy: float
    balanced_accuracy: float
    auc: float
    threshold: float
    true_positive_rate: float
    false_positive_rate: float
    accuracy_low: float
    accuracy_high: float


def measure(labels: IntArray, scores: Scores, threshold: float) -> Metrics:
    """Compute every figure.

    Args:
        labels: int (n,), 1 smiling, 0 not; both must occur.
        scores: float (n,), higher for a smile.
        threshold: a score that reaches it counts as smiling.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    positives, negatives = _classes(labels, scores)
    sensitivity = float((positives >= threshold).mean())
    false_alarms = float((negatives >= threshold).mean())
    right = int((positives >= threshold).sum() + (negatives < threshold).sum())
    low, high = wilson_interval(right, len(labels))
    return Metrics(
        n=len(labels),
        smiles=len(positives),
        accuracy=right / len(labels),
        balanced_accuracy=(sensitivity + 1 - false_alarms) / 2,
        auc=area_under_curve(labels, scores),
        threshold=threshold,
        true_positive_rate=sensitivity,
        false_positive_rate=false_alarms,
        accuracy_low=low,
        accuracy_high=high,
    )


def area_under_curve(labels: IntArray, scores: Scores) -> float:
    """The probability that a random smile scores above a random non-smile, ties counted half.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    positives, negatives = _classes(labels, scores)
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    not_above = np.searchsorted(ordered, positives, side="right")
    return float((below + not_above).sum() / (2 * len(positives) * len(negatives)))


def best_threshold(labels: IntArray, scores: Scores) -> float:
    """The threshold of the highest balanced accuracy, half-way between neighbouring scores.

    Choose it on training or validation data, never on the data whose figures are reported.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    positives, negatives = (np.sort(part) for part in _classes(labels, scores))
    levels = np.unique(np.asarray(scores, dtype=np.float64))
    between = (levels[1:] + levels[:-1]) / 2
    if len(between) == 0:
        return float(levels[0])
    missed = np.searchsorted(positives, between, side="left") / len(positives)
    rejected = np.searchsorted(negatives, between, side="left") / len(negatives)
    return float(between[np.argmax(rejected - missed)])


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, 1927); z = 1.96."""
    z = 1.96
    share, spread = right / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return centre - half, centre + half


def _classes(labels: IntArray, scores: Scores) -> tuple[Scores, Scores]:
    if len(labels) != len(scores):
        raise ValueError("as many labels as scores are needed")
    positives, negatives = scores[labels == 1], scores[labels == 0]
    if len(positives) == 0 or len(negatives) == 0:
        raise ValueError("both classes are needed")
    return positives, negatives
