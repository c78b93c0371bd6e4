"""Metrics over all folds of a cross-validation.

A face's probability comes from a network that was not trained on it; its calibration and thresholds are fitted on the
other folds. The folder holds ``seedS-foldK/predictions.csv`` for each run, as written by ``smilecam train --folds``.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
import statistics
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smilecam.classification.calibration import apply_calibration
from smilecam.data.faces import FaceSet
from smilecam.errors import DataError
from smilecam.evaluation.calibration import choose_thresholds, fit_calibration
from smilecam.evaluation.metrics import HALF, Metrics, measure
from smilecam.evaluation.predictions import Predictions, read_predictions
from smilecam.evaluation.scored import Scored
from smilecam.presets import OperatingPoint
from smilecam.types import BoolArray, IntArray

FOLDER = re.compile(r"seed(\d+)-fold(\d+)")

STUDENT_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""The 97.5 % point of Student's t for 1 to 15 degrees of freedom; from there on 2.13 is slightly too large."""


@dataclass(frozen=True)
class Fold:
    """Predictions of one network for its validation set.

    Attributes:
        seed: of the run.
        number: of the fold, from 0.
        predictions: for the fold's faces.
    """

    seed: int
    number: int
    predictions: Predictions


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and dispersion of a metric over several runs.

    Attributes:
        mean: over the runs.
        std: sample standard deviation over the runs.
        low: lower end of the mean's 95 % interval (Student's t); slightly too narrow, since runs share training data.
        high: its upper end.
        n: number of runs.
    """

    mean: float
    std: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class CrossValidationResult:
    """Metrics of a cross-validation, and the out-of-fold predictions of its first seed.

    Attributes:
        seeds: number of seeds.
        folds: number of folds of each seed.
        faces: number of faces of each seed.
        metrics: operating point -> metric -> spread over the runs.
        pooled: metrics at a threshold of 0.5 on all faces of the first seed together. Its calibration error is the
            most reliable one: bins of few faces exaggerate it.
        runs: a row for each run: seed, fold and the metrics at each operating point.
        names: n paths of the first seed's faces.
        labels: int64 (n,), likewise.
        probabilities: float64 (n,), likewise, calibrated out of fold.
        smiling: bool (n,), likewise, at the balanced operating point, with out-of-fold thresholds.
    """

    seeds: int
    folds: int
    faces: int
    metrics: dict[str, dict[str, Spread]]
    pooled: Metrics
    runs: list[dict[str, Any]]
    names: tuple[str, ...]
    labels: IntArray
    probabilities: npt.NDArray[np.float64]
    smiling: BoolArray

    def as_dict(self) -> dict[str, Any]:
        """The metrics as plain values, without the faces."""
        return {
            "seeds": self.seeds,
            "folds": self.folds,
            "faces": self.faces,
            "figures": {
                point: {
                    name: {slot: getattr(spread, slot) for slot in Spread.__slots__} for name, spread in row.items()
                }
                for point, row in self.metrics.items()
            },
            "pooled": _plain(self.pooled),
            "runs": self.runs,
        }


def read_folds(folder: Path) -> list[Fold]:
    """Read the predictions of all runs of a cross-validation, sorted by seed and fold.

    Raises:
        DataError: there are none, one is damaged, or a fold is missing.
    """
    folds, counts = [], set()
    for path in sorted(folder.glob("*/predictions.csv")):
        found = FOLDER.fullmatch(path.parent.name)
        if found:
            folds.append(Fold(int(found[1]), int(found[2]), read_predictions(path)))
            counts.add(_fold_count(path.parent / "config.json"))
    if not folds:
        raise DataError(f"{folder} does not hold the finished folds of a cross-validation")
    if len(counts) > 1 or len({fold.predictions.logits.shape[1] for fold in folds}) > 1:
        raise DataError(f"{folder} mixes folds of several cross-validations")
    wanted = set(range(counts.pop()))
    for seed in {fold.seed for fold in folds}:
        missing = sorted(wanted - {fold.number for fold in folds if fold.seed == seed})
        if missing:
            raise DataError(f"{folder}: of seed {seed}, fold {missing[0]} is not finished")
    for fold in folds:
        if not 0 < fold.predictions.labels.sum() < len(fold.predictions):
            raise DataError(f"{folder}: fold {fold.number} of seed {fold.seed} holds one class only")
    return sorted(folds, key=lambda fold: (fold.seed, fold.number))


def _fold_count(config: Path) -> int:
    """Number of folds of a run's cross-validation."""
    try:
        count = json.loads(config.read_text("utf-8"))["fold"]["count"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{config} does not say of which cross-validation it is") from error
    if not isinstance(count, int) or count < 2:
        raise DataError(f"{config} does not say of which cross-validation it is")
    return count


def score_folds(folds: list[Fold]) -> CrossValidationResult:
    """Compute the metrics of each fold, calibrated and with thresholds from the other folds of its seed.

    Args:
        folds: all folds of one or more seeds, in order.
    """
    runs, probabilities, smiling = [], [], []
    for fold in folds:
        others = [other.predictions for other in folds if other.seed == fold.seed and other.number != fold.number]
        scores = score_fold(fold.predictions, others)
        rows = {
            point: _plain(measure(fold.predictions.labels, scores.probabilities, threshold))
            for point, threshold in scores.thresholds.items()
        }
        runs.append({"seed": fold.seed, "fold": fold.number, "points": rows})
        probabilities.append(scores.probabilities)
        smiling.append(scores.probabilities >= scores.thresholds[OperatingPoint.BALANCED.value])
    first = [row for row, fold in enumerate(folds) if fold.seed == folds[0].seed]
    labels = np.concatenate([folds[row].predictions.labels for row in first])
    pooled = np.concatenate([probabilities[row] for row in first])
    return CrossValidationResult(
        seeds=len({fold.seed for fold in folds}),
        folds=len(first),
        faces=len(labels),
        metrics=_spreads(runs),
        pooled=measure(labels, pooled, 0.5),
        runs=runs,
        names=tuple(name for row in first for name in folds[row].predictions.names),
        labels=labels,
        probabilities=pooled,
        smiling=np.concatenate([smiling[row] for row in first]),
    )


@dataclass(frozen=True)
class FoldScores:
    """Calibrated probabilities of a fold, float64 (n,), and the threshold of each operating point."""

    probabilities: npt.NDArray[np.float64]
    thresholds: dict[str, float]


def score_fold(fold: Predictions, others: list[Predictions]) -> FoldScores:
    """Calibrate one fold and choose its thresholds on the others."""
    pooled = pool(others)
    calibration = fit_calibration(pooled.logits, pooled.labels)
    thresholds = choose_thresholds(pooled.labels, apply_calibration(calibration, pooled.logits))
    named = {HALF: 0.5} | {point.value: threshold for point, threshold in thresholds.items()}
    return FoldScores(apply_calibration(calibration, fold.logits), named)


def pool(predictions: list[Predictions]) -> Predictions:
    """Concatenate predictions."""
    return Predictions(
        tuple(name for each in predictions for name in each.names),
        np.concatenate([each.labels for each in predictions]),
        np.concatenate([each.logits for each in predictions]),
    )


def _spreads(runs: list[dict[str, Any]]) -> dict[str, dict[str, Spread]]:
    names = [
        field.name for field in fields(Metrics) if field.name not in ("n", "smiles", "accuracy_low", "accuracy_high")
    ]
    return {
        point: {name: spread([run["points"][point][name] for run in runs]) for name in names}
        for point in runs[0]["points"]
    }


def spread(values: list[float]) -> Spread:
    """Mean, standard deviation and 95 % interval of two or more values."""
    mean, std = statistics.fmean(values), statistics.stdev(values)
    half = STUDENT_T[min(len(values) - 1, len(STUDENT_T)) - 1] * std / math.sqrt(len(values))
    return Spread(mean, std, mean - half, mean + half, len(values))


def _plain(metrics: Metrics) -> dict[str, float]:
    return {field.name: getattr(metrics, field.name) for field in fields(Metrics)}


def as_scored(found: CrossValidationResult, data: FaceSet) -> Scored:
    """The faces of the first seed with their out-of-fold predictions.

    Args:
        found: the cross-validation.
        data: the data set that was split into folds; its top folder may have another name, as in archives of one
            commit. Its images are of one size, so ``sides`` is constant.

    Raises:
        DataError: a face is not in the data set, or has another label there.
    """
    row_of = {name: row for row, name in enumerate(_below_common_folder(data.names))}
    wanted = _below_common_folder(found.names)
    missing = [name for name in wanted if name not in row_of]
    if missing:
        raise DataError(f"{missing[0]} of the cross-validation is not in the data set")
    rows = np.array([row_of[name] for name in wanted], np.int64)
    if (data.labels[rows] != found.labels).any():
        raise DataError("the cross-validation was made with other labels than the data set has")
    images = data.framed[rows]
    sides = np.full(len(rows), images.shape[1], np.int64)
    return Scored(found.names, found.labels, found.probabilities, found.smiling, images, sides)


def _below_common_folder(names: tuple[str, ...]) -> list[str]:
    common = posixpath.commonpath(map(posixpath.dirname, names))
    return [name.removeprefix(common).lstrip("/") for name in names]
