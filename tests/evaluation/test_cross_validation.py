import numpy as np
import pytest

from smilecam.errors import DataError
from smilecam.evaluation.cross_validation import Fold, cross_validated, judge, read_folds, spread
from smilecam.evaluation.metrics import logistic
from smilecam.evaluation.predictions import Predictions, read_predictions, write_predictions


def fold(seed, number, n=400):
    rng = np.random.default_rng([seed, number])
    logits = rng.normal(0, 3, (n, 1))
    labels = (rng.random(n) < logistic(logits[:, 0])).astype(np.int64)
    return Fold(seed, number, Predictions(tuple(f"{number}-{row}" for row in range(n)), labels, logits))


FOLDS = [fold(seed, number) for seed in (0, 1) for number in (0, 1, 2)]


def test_a_fold_does_not_judge_itself():
    """Turning a fold's own labels round changes its figures, but neither its probabilities nor its thresholds."""
    mine, others = FOLDS[0].predictions, [other.predictions for other in FOLDS[1:3]]
    turned = Predictions(mine.names, 1 - mine.labels, mine.logits)
    one, other = judge(mine, others), judge(turned, others)
    assert np.array_equal(one.probabilities, other.probabilities)
    assert one.thresholds == other.thresholds


def test_figures_are_means_over_the_runs():
    found = cross_validated(FOLDS)
    assert (found.seeds, found.folds, found.faces, len(found.runs)) == (2, 3, 1200, 6)
    for point, figures in found.figures.items():
        values = [run["points"][point]["accuracy"] for run in found.runs]
        assert figures["accuracy"].mean == pytest.approx(np.mean(values))
        assert figures["accuracy"].std == pytest.approx(np.std(values, ddof=1))
        assert figures["accuracy"].n == 6
    assert len(found.names) == len(found.labels) == len(found.probabilities) == 1200
    assert found.pooled.n == 1200
    assert found.pooled.expected_calibration_error < 0.05


def test_spread_by_hand():
    of = spread([1.0, 2.0, 3.0])
    assert (of.mean, of.std, of.n) == (2.0, 1.0, 3)
    assert of.high == pytest.approx(2 + 4.303 / 3**0.5)
    assert of.low == pytest.approx(2 - 4.303 / 3**0.5)


def test_predictions_survive_their_file(tmp_path):
    names = ("a, with comma.png", 'b "quoted".png', "ü.png")
    before = Predictions(names, np.array([0, 1, 1]), np.array([[1.25, -2.0], [0.5, 0.0], [-3.1234, 9.0]]))
    write_predictions(tmp_path / "predictions.csv", before)
    after = read_predictions(tmp_path / "predictions.csv")
    assert after.names == names
    assert np.array_equal(after.labels, before.labels)
    assert np.allclose(after.logits, before.logits, atol=1e-4)


@pytest.mark.parametrize(
    "content",
    [b"", b"name,label\n", b"name,label,logit_0\nx,2,0.5\n", b"name,label,logit_0\nx,1,nan\n", b"\xff\xfe",
     b"name,label,logit_0\nx,1\n", b"name,label,logit_0\n"],
)  # fmt: skip
def test_predictions_that_are_none(tmp_path, content):
    (tmp_path / "predictions.csv").write_bytes(content)
    with pytest.raises(DataError, match="does not hold the predictions"):
        read_predictions(tmp_path / "predictions.csv")


def test_folds_are_read_in_order(tmp_path):
    for one in reversed(FOLDS):
        folder = tmp_path / f"seed{one.seed}-fold{one.number}"
        folder.mkdir()
        write_predictions(folder / "predictions.csv", one.predictions)
    assert [(one.seed, one.number) for one in read_folds(tmp_path)] == [(one.seed, one.number) for one in FOLDS]
