import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from smilecam.classification.calibration import logistic
from smilecam.errors import DataError
from smilecam.evaluation.predictions import Predictions, read_predictions, write_predictions
from smilecam.evaluation.score_folds import Fold, as_scored, read_folds, score_folds, spread


def fold(seed, number, n=400):
    rng = np.random.default_rng([seed, number])
    logits = rng.normal(0, 3, (n, 1))
    labels = (rng.random(n) < logistic(logits[:, 0])).astype(np.int64)
    return Fold(seed, number, Predictions(tuple(f"{number}-{row}" for row in range(n)), labels, logits))


FOLDS = [fold(seed, number) for seed in (0, 1) for number in (0, 1, 2)]


def test_a_fold_does_not_judge_itself():
    """Turning a fold's own labels round changes its figures, but neither its probabilities nor its calls."""
    mine = FOLDS[0].predictions
    turned = Fold(0, 0, Predictions(mine.names, 1 - mine.labels, mine.logits))
    one, other = score_folds(FOLDS[:3]), score_folds([turned, *FOLDS[1:3]])
    assert np.array_equal(one.probabilities[:400], other.probabilities[:400])
    assert np.array_equal(one.smiling[:400], other.smiling[:400])
    assert not np.array_equal(one.probabilities[400:], other.probabilities[400:])
    assert one.runs[0]["points"]["balanced"]["accuracy"] > 0.5 > other.runs[0]["points"]["balanced"]["accuracy"]


def test_figures_are_means_over_the_runs():
    found = score_folds(FOLDS)
    assert (found.seeds, found.folds, found.faces, len(found.runs)) == (2, 3, 1200, 6)
    for point, figures in found.metrics.items():
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


def write_folds(folder, folds, count=3):
    for one in folds:
        path = folder / f"seed{one.seed}-fold{one.number}"
        path.mkdir()
        write_predictions(path / "predictions.csv", one.predictions)
        (path / "config.json").write_text(json.dumps({"fold": {"number": one.number, "count": count}}))


def test_folds_are_read_in_order(tmp_path):
    write_folds(tmp_path, reversed(FOLDS))
    assert [(one.seed, one.number) for one in read_folds(tmp_path)] == [(one.seed, one.number) for one in FOLDS]


@pytest.mark.parametrize("missing", [0, 1, 2, 5])
def test_any_missing_fold_is_noticed(tmp_path, missing):
    write_folds(tmp_path, [one for row, one in enumerate(FOLDS) if row != missing])
    with pytest.raises(DataError, match=f"of seed {missing // 3}, fold {missing % 3} is not finished"):
        read_folds(tmp_path)


def test_folds_that_do_not_belong_together(tmp_path):
    write_folds(tmp_path, FOLDS[:3])
    write_folds(tmp_path, FOLDS[3:], count=4)
    with pytest.raises(DataError, match="mixes folds"):
        read_folds(tmp_path)


def test_folds_with_other_outputs_or_one_class(tmp_path):
    write_folds(tmp_path, FOLDS[:3])
    one = FOLDS[1].predictions
    path = tmp_path / "seed0-fold1" / "predictions.csv"
    write_predictions(path, Predictions(one.names, one.labels, np.repeat(one.logits, 2, axis=1)))
    with pytest.raises(DataError, match="mixes folds"):
        read_folds(tmp_path)
    write_predictions(path, Predictions(one.names, np.zeros_like(one.labels), one.logits))
    with pytest.raises(DataError, match="one class only"):
        read_folds(tmp_path)


@pytest.mark.parametrize("config", ["{}", "no json", '{"fold": null}', '{"fold": {"count": "3"}}'])
def test_folds_that_do_not_say_of_what(tmp_path, config):
    write_folds(tmp_path, FOLDS[:3])
    (tmp_path / "seed0-fold0" / "config.json").write_text(config)
    with pytest.raises(DataError, match="does not say of which cross-validation"):
        read_folds(tmp_path)


def test_the_data_may_lie_in_another_folder():
    found = score_folds(FOLDS[:3])
    names = tuple(
        f"archive-1/set/{'smile' if label else 'not'}/{name}"
        for name, label in zip(found.names, found.labels, strict=True)
    )
    found = dataclasses.replace(found, names=names)
    order = np.random.default_rng(0).permutation(1200)
    moved = [names[row].replace("archive-1/set", "archive-2") for row in order]
    data = SimpleNamespace(names=tuple(moved), labels=found.labels[order], framed=np.zeros((1200, 64, 64), np.uint8))
    assert len(as_scored(found, data)) == 1200
    data.labels = 1 - data.labels
    with pytest.raises(DataError, match="other labels"):
        as_scored(found, data)
    data.names = tuple(f"{name}.png" for name in moved)
    with pytest.raises(DataError, match="is not in the data set"):
        as_scored(found, data)
