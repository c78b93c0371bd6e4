"""Classification metrics for probabilities of a smile."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smilecam.types import IntArray

HALF = "at 0.5"
"""Name of the operating point at a threshold of 0.5, besides those of ``OperatingPoint``."""

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics at one threshold.

    Attributes:
        n: number of images.
        smiles: number of images labelled smiling.
        accuracy: share of correct predictions.
        balanced_accuracy: mean of the accuracies on smiles and on the rest.
        auc: area under the ROC curve, independent of the threshold.
        threshold: scores from here on are predicted as smiling.
        true_positive_rate: share of the smiles predicted as smiling.
        false_positive_rate: share of the rest predicted as smiling.
        precision: share of smiles among faces predicted as smiling; 1 without any.
        f1: harmonic mean of precision and true positive rate.
        average_precision: area under the precision-recall curve, by steps; independent of the threshold.
        expected_calibration_error: mean difference of probability and share of smiles over 15 bins of equal width,
            weighted by the number of faces (C. Guo et al., 2017).
        brier: mean squared difference of probability and label (G. Brier, 1950).
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
    precision: float
    f1: float
    average_precision: float
    expected_calibration_error: float
    brier: float
    accuracy_low: float
    accuracy_high: float


def measure(labels: IntArray, scores: Scores, threshold: float) -> Metrics:
    """Compute every metric.

    Args:
        labels: int (n,), 1 smiling, 0 not; both must occur.
        scores: float (n,), probabilities of a smile.
        threshold: scores from here on are predicted as smiling.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    positives, negatives = _classes(labels, scores)
    found, false = int((positives >= threshold).sum()), int((negatives >= threshold).sum())
    sensitivity, false_alarms = found / len(positives), false / len(negatives)
    right = found + len(negatives) - false
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
        precision=found / (found + false) if found + false else 1.0,
        f1=2 * found / (found + false + len(positives)),
        average_precision=average_precision(labels, scores),
        expected_calibration_error=expected_calibration_error(labels, scores),
        brier=float(np.mean((scores - labels) ** 2)),
        accuracy_low=low,
        accuracy_high=high,
    )


def area_under_curve(labels: IntArray, scores: Scores) -> float:
    """The probability that a random smile has a higher score than a random non-smile; ties count half.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    positives, negatives = _classes(labels, scores)
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    not_above = np.searchsorted(ordered, positives, side="right")
    return float((below + not_above).sum() / (2 * len(positives) * len(negatives)))


def average_precision(labels: IntArray, scores: Scores) -> float:
    """Mean precision over the scores, weighted by the increase of recall at each; ties count as one step.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    counts = counts_by_threshold(labels, scores)
    precision = counts.found / (counts.found + counts.false)
    gained = np.diff(counts.found, prepend=0) / counts.smiles
    return float((precision * gained).sum())


CALIBRATION_BINS = 15


@dataclass(frozen=True, slots=True)
class Reliability:
    """Reliability diagram: faces in ``CALIBRATION_BINS`` bins of probability, of equal width, without empty bins.

    Attributes:
        probability: float (bins,), mean of each bin.
        share: float (bins,), of smiles in each bin.
        count: int (bins,), of faces in each bin.
    """

    probability: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    count: IntArray


def reliability(labels: IntArray, scores: Scores) -> Reliability:
    """Compute the reliability diagram of labels, int (n,), and scores, float (n,) from 0 to 1."""
    bins = np.minimum((np.asarray(scores, np.float64) * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    count = np.bincount(bins, minlength=CALIBRATION_BINS)
    filled = count > 0
    sums = [np.bincount(bins, weights=values, minlength=CALIBRATION_BINS)[filled] for values in (scores, labels)]
    return Reliability(sums[0] / count[filled], sums[1] / count[filled], count[filled])


def expected_calibration_error(labels: IntArray, scores: Scores) -> float:
    """Mean difference of probability and share of smiles over the bins of ``reliability``, weighted by faces."""
    bins = reliability(labels, scores)
    return float((np.abs(bins.probability - bins.share) * bins.count).sum() / len(labels))


@dataclass(frozen=True, slots=True)
class Counts:
    """True and false positives at each possible threshold, from the highest down.

    Attributes:
        thresholds: float (levels,), midpoints between neighbouring scores; the last one is the lowest score.
        found: float (levels,), true positives.
        false: float (levels,), false positives.
        smiles: total weight of the faces labelled smiling.
        rest: total weight of the others.
    """

    thresholds: npt.NDArray[np.float64]
    found: npt.NDArray[np.float64]
    false: npt.NDArray[np.float64]
    smiles: float
    rest: float


def counts_by_threshold(labels: IntArray, scores: Scores, weights: npt.NDArray[np.float64] | None = None) -> Counts:
    """Count true and false positives at each threshold.

    Args:
        labels: int (n,), both classes.
        scores: float (n,).
        weights: float (n,), weight of each face; 1 by default.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    _classes(labels, scores)
    counted = np.ones(len(labels)) if weights is None else weights
    levels, level_of = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    found, false = (
        np.bincount(level_of, weights=counted * (labels == label), minlength=len(levels))[::-1].cumsum()
        for label in (1, 0)
    )
    down = levels[::-1]
    thresholds = np.append((down[:-1] + down[1:]) / 2, down[-1])
    return Counts(thresholds, found, false, float(found[-1]), float(false[-1]))


def best_threshold(labels: IntArray, scores: Scores) -> float:
    """The threshold of the highest balanced accuracy, midway between neighbouring scores; on a plateau, its middle.

    Choose it on training or validation data, never on the data whose metrics are reported.

    Raises:
        ValueError: lengths differ, or a class is missing.
    """
    return most_balanced(counts_by_threshold(labels, scores))


def most_balanced(counts: Counts) -> float:
    """The threshold of the highest balanced accuracy."""
    return _middle(counts, (1 + counts.found / counts.smiles - counts.false / counts.rest) / 2)


def most_accurate(counts: Counts) -> float:
    """The threshold of the highest accuracy."""
    return _middle(counts, (counts.found + counts.rest - counts.false) / (counts.smiles + counts.rest))


def _middle(counts: Counts, accuracy: npt.NDArray[np.float64]) -> float:
    """The middle of the plateau around the best threshold, all of it within one standard error of the best.

    Where on it the best lies is chance, so its middle is the better guess for other faces.
    """
    best = int(np.argmax(accuracy))
    error = math.sqrt(accuracy[best] * (1 - accuracy[best]) / (counts.smiles + counts.rest))
    worse = np.flatnonzero(accuracy < accuracy[best] - error)
    highest = worse[worse < best].max(initial=-1) + 1
    lowest = worse[worse > best].min(initial=len(accuracy)) - 1
    return float((counts.thresholds[highest] + counts.thresholds[lowest]) / 2)


def most_found(counts: Counts, precision: float) -> float:
    """The threshold of the highest recall at this precision, or the highest threshold if none reaches it."""
    good = counts.found / (counts.found + counts.false) >= precision
    # Of thresholds with the same recall, argmax takes the first, with the fewest false positives.
    return float(counts.thresholds[np.argmax(np.where(good, counts.found, -1))])


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (E. B. Wilson, 1927); z = 1.96."""
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
