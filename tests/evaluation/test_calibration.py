import numpy as np
import pytest

from smilecam.classification.calibration import apply_calibration, logistic
from smilecam.evaluation.calibration import (
    choose_thresholds,
    even_weights,
    fit_calibration,
)
from smilecam.evaluation.metrics import expected_calibration_error, measure
from smilecam.presets import OperatingPoint


def draws(n, weights, offset, seed=0):
    """Outputs whose true calibration is known."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, len(weights)))
    labels = (rng.random(n) < logistic(logits @ np.array(weights) + offset)).astype(np.int64)
    return logits, labels


@pytest.mark.parametrize(("weights", "offset"), [((0.5,), 0.0), ((2.0,), -1.0), ((1.5, -0.25), 0.7)])
def test_the_true_calibration_is_found(weights, offset):
    logits, labels = draws(20_000, weights, offset)
    found = fit_calibration(logits, labels)
    assert found.weights == pytest.approx(weights, abs=0.1)
    assert found.offset == pytest.approx(offset, abs=0.1)
    fresh, fresh_labels = draws(20_000, weights, offset, seed=1)
    assert expected_calibration_error(fresh_labels, apply_calibration(found, fresh)) < 0.015
    assert expected_calibration_error(fresh_labels, logistic(fresh[:, 0] * 4)) > 0.05


def test_separable_data_stay_finite():
    logits = np.array([[-3.0], [-2.0], [2.0], [3.0]])
    found = fit_calibration(logits, np.array([0, 0, 1, 1]))
    assert np.isfinite([*found.weights, found.offset]).all()
    assert (apply_calibration(found, logits) > 0.5).tolist() == [False, False, True, True]


def test_both_classes_are_needed():
    with pytest.raises(ValueError, match="both classes"):
        fit_calibration(np.zeros((3, 1)), np.array([1, 1, 1]))


def test_even_weights_make_every_class_of_every_part_count_the_same():
    parts = [np.array([0] * 90 + [1] * 10), np.array([0] * 5 + [1] * 15)]
    weights = even_weights(parts)
    assert weights.mean() == pytest.approx(1)
    sums = [weights[:100][parts[0] == label].sum() for label in (0, 1)]
    sums += [weights[100:][parts[1] == label].sum() for label in (0, 1)]
    assert sums == pytest.approx([30] * 4)
    logits, labels = draws(4_000, (1.0,), 0.0)
    repeated = np.repeat(np.arange(len(labels)), 1 + labels)  # every smile twice
    doubled = fit_calibration(logits[repeated], labels[repeated])
    weighted = fit_calibration(logits, labels, 1.0 + labels)
    assert weighted.weights == pytest.approx(doubled.weights, rel=1e-2)
    assert weighted.offset == pytest.approx(doubled.offset, abs=0.02)
    assert weighted.offset > fit_calibration(logits, labels).offset + 0.5


def test_operating_points_are_the_best_of_all_thresholds():
    logits, labels = draws(500, (1.0,), -1.5)
    scores = logistic(logits[:, 0])
    chosen = choose_thresholds(labels, scores)
    every = [measure(labels, scores, at) for at in scores]
    at = {point: measure(labels, scores, threshold) for point, threshold in chosen.items()}
    balanced, accurate = (max(getattr(each, name) for each in every) for name in ("balanced_accuracy", "accuracy"))
    # Within one standard error: the middle of the plateau, not its highest point.
    for found, best in (
        (at[OperatingPoint.BALANCED].balanced_accuracy, balanced),
        (at[OperatingPoint.ACCURACY].accuracy, accurate),
    ):
        assert best - (best * (1 - best) / 500) ** 0.5 - 1e-9 <= found <= best + 1e-9
    precise = [metrics.true_positive_rate for metrics in every if metrics.precision >= 0.98]
    assert at[OperatingPoint.PRECISION].precision >= 0.98
    assert at[OperatingPoint.PRECISION].true_positive_rate == pytest.approx(max(precise))


def test_precise_threshold_calls_no_more_false_smiles_than_it_must():
    labels, scores = np.array([1, 1, 1] + [0] * 5), np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1, 0.05, 0.01])
    assert choose_thresholds(labels, scores)[OperatingPoint.PRECISION] == pytest.approx(0.5)


def test_precise_threshold_where_none_is_precise():
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.6])
    assert choose_thresholds(labels, scores)[OperatingPoint.PRECISION] == pytest.approx(0.85)


def test_logistic_does_not_overflow():
    assert logistic(np.array([-1e5, 0.0, 1e5])).tolist() == [0.0, 0.5, 1.0]
