"""Calibration of policies: probabilities and thresholds for a network's outputs, fitted on unseen faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smilecam.classification.calibration import apply_calibration
from smilecam.classification.model_info import Policy
from smilecam.data.faces import load_faces
from smilecam.data.label_files import LabelFile
from smilecam.errors import DataError, TrainingError
from smilecam.evaluation.calibration import choose_thresholds, even_weights, fit_calibration
from smilecam.evaluation.predictions import Predictions, read_predictions
from smilecam.evaluation.score_folds import pool, read_folds
from smilecam.presets import Calibration
from smilecam.training.engine import plain_inputs, predict_logits
from smilecam.training.run_loading import RunNetwork, read_json
from smilecam.types import BoolArray, IntArray

POLICY = "smile"
"""Name of the one policy of a model that is exported without any other."""


def uncalibrated(run: Path, trained: RunNetwork) -> Policy:
    """A policy of the uncalibrated first output, with thresholds from the run's validation set."""
    held_out = read_predictions(run / "predictions.csv")
    calibration = Calibration((1.0,) + (0.0,) * (trained.recipe.training.policies - 1), 0.0)
    return make_policy(POLICY, [held_out], "thresholds: the run's validation set; not calibrated", calibration)


@dataclass(frozen=True, slots=True)
class PolicySource:
    """Name of a policy and the faces to fit it on.

    Attributes:
        name: of the policy.
        paths: folders of cross-validations by the same recipe, whose faces are scored out of fold; or labelled data
            sets that the run was not trained on. With several, each class of each has the same weight.
        labels: label files, each for the data set whose images it names, in place of its own labels; images without
            a label there are left out.
        shares: relative weight of each output in the mean that several data sets need; () for equal weights.
    """

    name: str
    paths: tuple[Path, ...]
    labels: tuple[LabelFile, ...] = ()
    shares: tuple[float, ...] = ()

    def fit(self, trained: RunNetwork) -> Policy:
        """Fit the calibration and choose the thresholds.

        Raises:
            DataError: a source cannot be read, or a label file leaves no image of a class.
            TrainingError: a cross-validation was trained by another recipe than the run, or there are not as many
                shares as outputs.
        """
        if self.shares and len(self.shares) != trained.recipe.training.policies:
            raise TrainingError(f"policy {self.name}: the run has {trained.recipe.training.policies} outputs")
        unseen = (_unseen_faces(path, trained, self.labels) for path in self.paths)
        predictions, descriptions = zip(*unseen, strict=True)
        return make_policy(self.name, list(predictions), " and ".join(descriptions), shares=self.shares)


def _unseen_faces(path: Path, trained: RunNetwork, labels: tuple[LabelFile, ...]) -> tuple[Predictions, str]:
    """Outputs and labels of a source, and its description."""
    folders = [folder for folder in path.glob("seed*-fold*") if folder.is_dir()]
    if not folders:
        return _unseen_set(path, trained, labels)
    for folder in folders:
        if read_json(folder / "config.json").get("recipe") != trained.recipe.as_dict():
            raise TrainingError(f"{folder} was trained by another recipe than the run")
    pooled = pool([fold.predictions for fold in read_folds(path)])
    source = f"cross-validation of {len(folders)} networks by the same recipe"
    for file in labels:
        if file.count(pooled.names):
            pooled = _select(file, pooled)
            source += f" with the labels of {file.path.resolve().name}"
    return pooled, f"{source}, n {len(pooled)} out of fold"


def _select(file: LabelFile, predictions: Predictions) -> Predictions:
    """The faces that have a label in this file, with that label."""
    rows, labels = file.labelled(predictions.names)
    if not 0 < labels.sum() < len(labels):
        raise DataError(f"label file {file.path} does not name images of both classes in the cross-validation")
    return Predictions(tuple(predictions.names[row] for row in rows), labels, predictions.logits[rows])


def _unseen_set(path: Path, trained: RunNetwork, labels: tuple[LabelFile, ...]) -> tuple[Predictions, str]:
    """Outputs and labels of a data set, and its description."""
    faces = load_faces(path)
    digest = faces.content_digest
    if digest in {source["content_digest"] for source in trained.config["data"]["sources"]}:
        raise TrainingError(f"{path} was trained on: calibrate on faces that the network has not seen")
    source = path.resolve().name
    for file in labels:
        if file.count(faces.names):
            faces, source = file.select(faces), f"{source} with the labels of {file.path.resolve().name}"
            if not 0 < faces.labels.sum() < len(faces):
                raise DataError(f"label file {file.path} does not name images of both classes in {path}")
    inputs = plain_inputs(faces.framed, trained.recipe.input)
    logits = predict_logits(trained.network, inputs).double().numpy()
    return Predictions(faces.names, faces.labels, logits), f"{source}, n {len(faces)}, content digest {digest}"


def make_policy(
    name: str,
    predictions: list[Predictions],
    source: str,
    calibration: Calibration | None = None,
    shares: tuple[float, ...] = (),
) -> Policy:
    """Fit a policy on faces that a network was not trained on.

    With one data set, logistic regression weighs the outputs. Several data sets have different labelling rules, and
    weights fitted on one of them would favour its own output; so the outputs are averaged, with given shares, and each
    class of each data set has the same weight.

    Args:
        name: of the policy.
        predictions: outputs and labels of each data set.
        source: description of the data sets.
        calibration: in place of a fitted one.
        shares: relative weight of each output in the mean, with several data sets; () for equal weights.
    """
    pooled = pool(predictions)
    weights = even_weights([each.labels for each in predictions]) if len(predictions) > 1 else None
    if calibration is None and weights is not None:
        of_output = np.array(shares or (1.0,) * pooled.logits.shape[1])
        of_output /= of_output.sum()
        fitted = fit_calibration((pooled.logits @ of_output)[:, None], pooled.labels, weights)
        calibration = Calibration(tuple(float(share * fitted.weights[0]) for share in of_output), fitted.offset)
    calibration = _rounded(calibration or fit_calibration(pooled.logits, pooled.labels))
    probabilities = apply_calibration(calibration, pooled.logits)
    chosen = choose_thresholds(pooled.labels, probabilities, weights)
    thresholds = {point: round(threshold, 4) for point, threshold in chosen.items()}
    costs = {
        point.value: _cost(pooled.labels, probabilities >= threshold, weights)
        for point, threshold in thresholds.items()
    }
    return Policy(name, calibration, thresholds, costs, source)


def _cost(labels: IntArray, smiling: BoolArray, weights: npt.NDArray[np.float64] | None) -> dict[str, float]:
    """Metrics of a threshold on the faces that it was chosen on, to four decimal places."""
    counted = np.ones(len(labels)) if weights is None else weights
    found, false = (float(counted[smiling & (labels == label)].sum()) for label in (1, 0))
    smiles, rest = (float(counted[labels == label].sum()) for label in (1, 0))
    metrics = {
        "accuracy": (found + rest - false) / (smiles + rest),
        "precision": found / (found + false) if found + false else 1.0,
        "true_positive_rate": found / smiles,
        "false_positive_rate": false / rest,
    }
    return {name: round(value, 4) for name, value in metrics.items()}


def _rounded(calibration: Calibration) -> Calibration:
    return Calibration(tuple(round(weight, 6) for weight in calibration.weights), round(calibration.offset, 6))
