"""From the folder of a run to the one file that run time reads."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import nn

from smilecam.config import HAAR_TO_SMILES, Calibration
from smilecam.data.faces import load_faces
from smilecam.errors import TrainingError, UsageProblem
from smilecam.evaluation.calibration import apply_calibration, choose_thresholds, even_weights, fit_calibration
from smilecam.evaluation.cross_validation import pool, read_folds
from smilecam.evaluation.predictions import Predictions, read_predictions
from smilecam.storage import make_folder, whole_or_absent
from smilecam.training.engine import plain_inputs, read_faces
from smilecam.training.run import RunNetwork, load_run_network, read_json
from smilecam.types import BoolArray, IntArray
from smilecam.vision.classify import SmileClassifier
from smilecam.vision.model_info import METADATA_KEY, ModelInfo, Policy

OPSET = 18
"""ONNX operator set: understood by every ONNX Runtime that smilecam allows."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A finished run's network and its description."""

    network: nn.Module
    info: ModelInfo


POLICY = "smile"
"""Name of the one policy of a model that is exported without any other."""


def load_run(run: Path, name: str, version: str, policies: list[PolicySource] | None = None) -> TrainedModel:
    """Read the network of a finished run, with the weights that were evaluated.

    Args:
        run: folder of the run.
        name: to give the model.
        version: to give the model.
        policies: what to calibrate on; by default the run's own validation part gives the thresholds, and the first
            output is taken as it is.

    Raises:
        TrainingError: the folder does not hold a finished run.
        DataError: a source of calibration cannot be read.
    """
    trained = load_run_network(run)
    fitted = [source.fit(trained) for source in policies or []] or [_uncalibrated(run, trained)]
    keys = ("recipe", "seed", "fold", "teachers", "data", "class_weights", "device", "machine", "versions")
    info = ModelInfo(
        name=name,
        version=version,
        input=trained.recipe.input,
        crops={"haar": HAAR_TO_SMILES},
        policies={policy.name: policy for policy in fitted},
        training={key: trained.config.get(key) for key in keys},
        metrics={"validation": read_json(run / "metrics.json")},
        commit=trained.config["commit"],
    )
    return TrainedModel(trained.network, info)


def _uncalibrated(run: Path, trained: RunNetwork) -> Policy:
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
        inputs = plain_inputs(faces.framed, trained.recipe.input)
        logits = read_faces(trained.network, trained.network.state_dict(), inputs).double().numpy()
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


def export_run(
    run: Path, output: Path, name: str, version: str, policies: list[PolicySource] | None = None
) -> ModelInfo:
    """Write the model file of a finished run, and read it back as run time does.

    Args:
        run: folder of the run.
        output: the file to write.
        name: to give the model.
        version: to give the model.
        policies: what to calibrate on, the default policy first; see ``load_run``.

    Raises:
        TrainingError: the folder does not hold a finished run.
        OutputError: the file cannot be written.
        ModelFileError: run time would refuse what came out.
    """
    if output.suffix.lower() != ".onnx":
        raise UsageProblem(f"{output}: a model file's name ends in .onnx")
    trained = load_run(run, name, version, policies)
    make_folder(output.parent)
    with whole_or_absent(output) as temporary:
        temporary.write_bytes(to_onnx(trained))
        return SmileClassifier(temporary).info


def to_onnx(trained: TrainedModel) -> bytes:
    """The network as the bytes of an ONNX file, its description in the metadata."""
    size = trained.info.input.size
    with _quiet_exporter():
        program = torch.onnx.export(
            trained.network,
            (torch.zeros(2, 1, size, size),),
            input_names=["faces"],
            output_names=["log_odds"],
            dynamic_shapes={"faces": {0: torch.export.Dim("batch")}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise TrainingError("PyTorch exported nothing")
    model = program.model_proto
    _strip(model)
    onnx.helper.set_model_props(model, {METADATA_KEY: trained.info.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide PyTorch's remarks on its own internals and on packages that are not needed; errors still come."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _strip(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes, which hold stack traces and with them paths of the machine."""
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        part.doc_string = ""
        del part.metadata_props[:]
    model.doc_string = ""
