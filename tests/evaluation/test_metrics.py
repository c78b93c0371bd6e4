import itertools

import numpy as np
import pytest

from smilecam.classification.calibration import logistic
from smilecam.evaluation.metrics import (
    area_under_curve,
    average_precision,
    best_threshold,
    expected_calibration_error,
    measure,
    wilson_interval,
)

LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.35, 0.65, 0.8, 0.9])


def test_by_hand():
    metrics = measure(LABELS, SCORES, 0.5)
    assert metrics.n == 10
    assert metrics.smiles == 4
    assert metrics.accuracy == pytest.approx(7 / 10)
    assert metrics.true_positive_rate == pytest.approx(3 / 4)
    assert metrics.false_positive_rate == pytest.approx(2 / 6)
    assert metrics.balanced_accuracy == pytest.approx((3 / 4 + 4 / 6) / 2)
    assert metrics.accuracy_low < metrics.accuracy < metrics.accuracy_high


def test_what_else_is_measured_by_hand():
    metrics = measure(LABELS, SCORES, 0.5)
    assert metrics.precision == pytest.approx(3 / 5)
    assert metrics.f1 == pytest.approx(2 * 3 / (3 + 2 + 4))
    assert metrics.brier == pytest.approx(np.mean((SCORES - LABELS) ** 2))
    assert measure(LABELS, SCORES, 0.95).precision == 1  # nothing is called smiling


def test_average_precision_by_hand():
    # From the highest score down: smile, smile, other, smile, other, other, smile.
    assert average_precision(LABELS, SCORES) == pytest.approx((1 + 1 + 3 / 4 + 4 / 7) / 4)
    assert average_precision(np.array([0, 1]), np.array([0.5, 0.5])) == 0.5


def test_calibration_error_by_hand():
    labels, scores = np.array([1, 1, 0, 0, 1, 0]), np.array([0.9, 0.92, 0.91, 0.1, 0.1, 1.0])
    # Bins of 1/15: two of three at .91, one of two at .1, none of one at 1.
    expected = (3 * abs(0.91 - 2 / 3) + 2 * abs(0.1 - 0.5) + 1) / 6
    assert expected_calibration_error(labels, scores) == pytest.approx(expected)


def test_area_is_the_share_of_ordered_pairs():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 60), rng.integers(0, 10, 60) / 10  # with many ties
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(scores[labels == 1], scores[labels == 0])]
    assert area_under_curve(labels, scores) == pytest.approx(np.mean(pairs))


def test_best_threshold_is_within_a_standard_error_of_the_best():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 300)
    scores = logistic(rng.normal(labels * 0.8, 1))
    best = measure(labels, scores, best_threshold(labels, scores)).balanced_accuracy
    highest = max(measure(labels, scores, at).balanced_accuracy for at in scores)
    assert highest - (highest * (1 - highest) / 300) ** 0.5 - 1e-9 <= best <= highest + 1e-9


def test_best_threshold_is_the_middle_of_a_plateau():
    scores = np.concatenate([np.linspace(0, 0.2, 50), np.linspace(0.8, 1, 50)])
    assert best_threshold(np.repeat([0, 1], 50), scores) == pytest.approx(0.5)
    # Between .2 and .8 smiles and others alternate; three more at the edge do not decide.
    spread = np.linspace(0, 1, 10_000)
    drawn = np.where(spread < 0.2, 0, np.where(spread > 0.8, 1, np.arange(10_000) % 2))
    drawn[2001:2004] = 1
    assert best_threshold(drawn, spread) == pytest.approx(0.5, abs=0.02)


def test_a_score_at_the_threshold_is_smiling():
    assert measure(np.array([0, 1]), np.array([0.2, 0.5]), 0.5).accuracy == 1


def test_equal_scores():
    labels, scores = np.array([0, 1]), np.array([0.5, 0.5])
    assert area_under_curve(labels, scores) == 0.5
    assert best_threshold(labels, scores) == 0.5


def test_interval_of_a_known_case():
    low, high = wilson_interval(90, 100)
    assert low == pytest.approx(0.82563, abs=1e-4)
    assert high == pytest.approx(0.94478, abs=1e-4)


@pytest.mark.parametrize(("labels", "scores"), [([0, 0], [0.1, 0.2]), ([1], [0.5]), ([0, 1], [0.5])])
def test_both_classes_are_needed(labels, scores):
    with pytest.raises(ValueError, match="needed"):
        measure(np.array(labels), np.array(scores), 0.5)
