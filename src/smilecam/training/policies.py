"""Policies: from a network's outputs to calibrated probabilities and thresholds, fitted on faces it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smilecam.classification.calibration import apply_calibration
from smilecam.classification.model_info import Policy
from smilecam.data.faces import load_faces
from smilecam.errors import TrainingError
from smilecam.evaluation.calibration import choose_thresholds, even_weights, fit_calibration
from smilecam.evaluation.cross_validation import pool, read_folds
from smilecam.evaluation.predictions import Predictions, read_predictions
from smilecam.presets import Calibration
from smilecam.training.engine import classify_faces, plain_inputs
from smilecam.training.finished import RunNetwork, read_json
from smilecam.types import BoolArray, IntArray

POLICY = "smile"
"""Name of the one policy of a model that is exported without any other."""


def uncalibrated(run: Path, trained: RunNetwork) -> Policy:
    """The first output as it is, with thresholds from the run's validation part."""
    held_out = read_predictions(run / "predictions.csv")
    calibration = Calibration((1.0,) + (0.0,) * (trained.recipe.training.policies - 1), 0.0)
    return make_policy(POLICY, [held_out], "thresholds: the run's validation part; not calibrated", calibration)


@dataclass(frozen=True, slots=True)
class PolicySource:
    """What to fit a policy on.

    Attributes:
        name: of the policy.
        paths: each the folder of a cross-validation of the same recipe, whose faces are scored by networks that have
            not seen them; or a labelled data set that the run was not trained on. With several, each class of each
            counts the same.
    """

    name: str
    paths: tuple[Path, ...]

    def fit(self, trained: RunNetwork) -> Policy:
        """Calibrate, and choose the thresholds.

        Raises:
            DataError: a source cannot be read.
            TrainingError: the networks of a cross-validation are of another kind than the run's.
        """
        parts, words = zip(*(_known_faces(path, trained) for path in self.paths), strict=True)
        return make_policy(self.name, list(parts), " and ".join(words))


def _known_faces(path: Path, trained: RunNetwork) -> tuple[Predictions, str]:
    """Outputs and labels of a source, and what it is in words."""
    folders = [folder for folder in path.glob("seed*-fold*") if folder.is_dir()]
    if not folders:
        faces = load_faces(path)
        if faces.content_digest in {source["content_digest"] for source in trained.config["data"]["sources"]}:
            raise TrainingError(f"{path} was trained on: calibrate on faces that the network has not seen")
        inputs = plain_inputs(faces.framed, trained.recipe.input)
        logits = classify_faces(trained.network, trained.network.state_dict(), inputs).double().numpy()
        words = f"{path.resolve().name}, n {len(faces)}, content digest {faces.content_digest}"
        return Predictions(faces.names, faces.labels, logits), words
    for folder in folders:
        if read_json(folder / "config.json").get("recipe") != trained.recipe.as_dict():
            raise TrainingError(f"{folder} was trained by another recipe than the run")
    known = pool([fold.predictions for fold in read_folds(path)])
    return known, f"cross-validation of {len(folders)} networks by the same recipe, n {len(known)} out of fold"


def make_policy(name: str, parts: list[Predictions], source: str, calibration: Calibration | None = None) -> Policy:
    """Fit a policy on faces that a network was not trained on.

    On one part, logistic regression weighs the outputs. Several parts follow different rules of what a smile is;
    weights fitted to one of them would favour its own output, so the outputs are averaged, and each class of each
    part counts the same.

    Args:
        name: of the policy.
        parts: outputs and labels.
        source: what ``parts`` are, in words.
        calibration: in place of a fitted one.
    """
    known = pool(parts)
    weights = even_weights([part.labels for part in parts]) if len(parts) > 1 else None
    if calibration is None and weights is not None:
        outputs = known.logits.shape[1]
        fitted = fit_calibration(known.logits.mean(axis=1, keepdims=True), known.labels, weights)
        calibration = Calibration((fitted.weights[0] / outputs,) * outputs, fitted.offset)
    calibration = _rounded(calibration or fit_calibration(known.logits, known.labels))
    probabilities = apply_calibration(calibration, known.logits)
    chosen = choose_thresholds(known.labels, probabilities, weights)
    thresholds = {point: round(threshold, 4) for point, threshold in chosen.items()}
    costs = {
        point.value: _cost(known.labels, probabilities >= threshold, weights) for point, threshold in thresholds.items()
    }
    return Policy(name, calibration, thresholds, costs, source)


def _cost(labels: IntArray, smiling: BoolArray, weights: npt.NDArray[np.float64] | None) -> dict[str, float]:
    """What a threshold gives on the faces that it was chosen on, to four decimal places."""
    counted = np.ones(len(labels)) if weights is None else weights
    found, false = (float(counted[smiling & (labels == label)].sum()) for label in (1, 0))
    smiles, rest = (float(counted[labels == label].sum()) for label in (1, 0))
    figures = {
        "accuracy": (found + rest - false) / (smiles + rest),
        "precision": found / (found + false) if found + false else 1.0,
        "true_positive_rate": found / smiles,
        "false_positive_rate": false / rest,
    }
    return {name: round(figure, 4) for name, figure in figures.items()}


def _rounded(calibration: Calibration) -> Calibration:
    return Calibration(tuple(round(weight, 6) for weight in calibration.weights), round(calibration.offset, 6))
