"""Figures over all folds of a cross-validation, each fold judged by what was learned from the others.

A face's probability comes from a network that was not trained on it, and calibration and thresholds are fitted on the
other folds. The folder holds ``seedS-foldK/predictions.csv`` for each run, as ``smilecam train --folds`` makes it.
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
"""The 97.5 % point of Student's t for 1 to 15 degrees of freedom; from there on 2.13 is a little too wide."""


@dataclass(frozen=True)
class Fold:
    """What one network says of the faces that it has not seen.

    Attributes:
        seed: of the run.
        number: of the fold, from 0.
        predictions: of the fold's faces.
    """

    seed: int
    number: int
    predictions: Predictions


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over several runs.

    Attributes:
        mean: over the runs.
        std: standard deviation over the runs, of a sample.
        low: lower end of the mean's 95 % interval (Student's t); runs share training data, so it is a little narrow.
        high: its upper end.
        n: runs.
    """

    mean: float
    std: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class CrossValidated:
    """Everything that a cross-validation says.

    Attributes:
        seeds: number of seeds.
        folds: folds of each.
        faces: faces of each seed.
        figures: operating point -> figure -> spread over the runs.
        pooled: figures at even odds on all faces of the first seed at once. The calibration error is best read here:
            bins of few faces exaggerate it.
        runs: a row for each run: seed, fold and, for each operating point, its figures.
        names: n paths of the first seed's faces.
        labels: int64 (n,) of them.
        probabilities: float64 (n,) of them, calibrated out of fold.
        smiling: bool (n,), called smiling at the balanced point, whose threshold was chosen out of fold.
    """

    seeds: int
    folds: int
    faces: int
    figures: dict[str, dict[str, Spread]]
    pooled: Metrics
    runs: list[dict[str, Any]]
    names: tuple[str, ...]
    labels: IntArray
    probabilities: npt.NDArray[np.float64]
    smiling: BoolArray

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values, without the faces."""
        return {
            "seeds": self.seeds,
            "folds": self.folds,
            "faces": self.faces,
            "figures": {
                point: {
                    name: {slot: getattr(spread, slot) for slot in Spread.__slots__} for name, spread in row.items()
                }
                for point, row in self.figures.items()
            },
            "pooled": _plain(self.pooled),
            "runs": self.runs,
        }


def read_folds(folder: Path) -> list[Fold]:
    """Read the predictions of all finished runs of a cross-validation, by seed and fold.

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
    """Of how many folds a run is one."""
    try:
        count = json.loads(config.read_text("utf-8"))["fold"]["count"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{config} does not say of which cross-validation it is") from error
    if not isinstance(count, int) or count < 2:
        raise DataError(f"{config} does not say of which cross-validation it is")
    return count


def cross_validated(folds: list[Fold]) -> CrossValidated:
    """Calibrate, choose thresholds and score, each fold by the others of its seed.

    Args:
        folds: all folds of one or more seeds, in order.
    """
    runs, probabilities, smiling = [], [], []
    for fold in folds:
        others = [other.predictions for other in folds if other.seed == fold.seed and other.number != fold.number]
        judged = judge(fold.predictions, others)
        figures = {
            point: measure(fold.predictions.labels, judged.probabilities, threshold)
            for point, threshold in judged.thresholds.items()
        }
        rows = {point: _plain(metrics) for point, metrics in figures.items()}
        runs.append({"seed": fold.seed, "fold": fold.number, "points": rows})
        probabilities.append(judged.probabilities)
        smiling.append(judged.probabilities >= judged.thresholds[OperatingPoint.BALANCED.value])
    first = [row for row, fold in enumerate(folds) if fold.seed == folds[0].seed]
    labels = np.concatenate([folds[row].predictions.labels for row in first])
    pooled = np.concatenate([probabilities[row] for row in first])
    return CrossValidated(
        seeds=len({fold.seed for fold in folds}),
        folds=len(first),
        faces=len(labels),
        figures=_spreads(runs),
        pooled=measure(labels, pooled, 0.5),
        runs=runs,
        names=tuple(name for row in first for name in folds[row].predictions.names),
        labels=labels,
        probabilities=pooled,
        smiling=np.concatenate([smiling[row] for row in first]),
    )


@dataclass(frozen=True)
class Judged:
    """A fold's calibrated probabilities, float64 (n,), and the thresholds for them by operating point."""

    probabilities: npt.NDArray[np.float64]
    thresholds: dict[str, float]


def judge(fold: Predictions, others: list[Predictions]) -> Judged:
    """Calibrate one fold, and choose its thresholds, by the others."""
    known = pool(others)
    calibration = fit_calibration(known.logits, known.labels)
    thresholds = choose_thresholds(known.labels, apply_calibration(calibration, known.logits))
    named = {HALF: 0.5} | {point.value: threshold for point, threshold in thresholds.items()}
    return Judged(apply_calibration(calibration, fold.logits), named)


def pool(parts: list[Predictions]) -> Predictions:
    """All faces of several predictions."""
    return Predictions(
        tuple(name for part in parts for name in part.names),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.logits for part in parts]),
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
    """Mean, standard deviation and 95 % interval of two values or more."""
    mean, std = statistics.fmean(values), statistics.stdev(values)
    half = STUDENT_T[min(len(values) - 1, len(STUDENT_T)) - 1] * std / math.sqrt(len(values))
    return Spread(mean, std, mean - half, mean + half, len(values))


def _plain(metrics: Metrics) -> dict[str, float]:
    return {field.name: getattr(metrics, field.name) for field in fields(Metrics)}


def as_scored(found: CrossValidated, data: FaceSet) -> Scored:
    """The faces of the first seed with what was said of them, as a report shows them.

    Args:
        found: the figures.
        data: the data set that was divided into folds; the folder that holds it may bear another name, as archives
            of one commit do. Its pictures are of one size, so ``sides`` says nothing here.

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
    pictures = data.framed[rows]
    sides = np.full(len(rows), pictures.shape[1], np.int64)
    return Scored(found.names, found.labels, found.probabilities, found.smiling, pictures, sides)


def _below_common_folder(names: tuple[str, ...]) -> list[str]:
    common = posixpath.commonpath(map(posixpath.dirname, names))
    return [name.removeprefix(common).lstrip("/") for name in names]
