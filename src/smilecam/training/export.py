"""From the folder of a run to the one file that run time reads."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from smilecam.config import HAAR_TO_SMILES, LABELS, InputSpec, Normalization
from smilecam.errors import TrainingError, UsageProblem
from smilecam.storage import make_folder, whole_or_absent
from smilecam.training.checkpoint import load_checkpoint
from smilecam.training.engine import Learner, WeightAverage, make_optimizer
from smilecam.training.models import build
from smilecam.training.recipe import ModelRecipe, OptimizerRecipe
from smilecam.training.run import read_json
from smilecam.vision.classify import SmileClassifier
from smilecam.vision.model_info import METADATA_KEY, ModelInfo

OPSET = 18
"""ONNX operator set: understood by every ONNX Runtime that smilecam allows."""


class WithProbabilities(nn.Module):
    """A network with softmax behind it, as it is exported."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network that gives logits (n, 2)."""
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor) -> Tensor:
        """float32 (n, 1, size, size) -> float32 (n, 2): probabilities of not smiling and smiling."""
        probabilities: Tensor = self.network(faces).softmax(1)
        return probabilities


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A finished run's network and its description."""

    network: WithProbabilities
    info: ModelInfo


def load_run(run: Path, name: str, version: str) -> TrainedModel:
    """Read the network of a finished run, with the weights that were evaluated.

    Args:
        run: folder of the run.
        name: to give the model.
        version: to give the model.

    Raises:
        TrainingError: the folder does not hold a finished run.
    """
    config, metrics = read_json(run / "config.json"), read_json(run / "metrics.json")
    try:
        recipe = config["recipe"]
        spec = InputSpec(recipe["input"]["size"], Normalization(recipe["input"]["normalization"]))
        model = build(ModelRecipe(**recipe["model"]), spec, config["seed"])
        optimizer = OptimizerRecipe(**recipe["optimizer"])
        info = _describe(config, metrics, spec, name, version)
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{run / 'config.json'} does not describe a run of this version") from error
    average = WeightAverage(model, optimizer.average_decay) if optimizer.average_decay else None
    learner = Learner(model, make_optimizer(model, optimizer), average)
    load_checkpoint(run / "checkpoint.npz", learner)
    model.load_state_dict(learner.weights())
    return TrainedModel(WithProbabilities(model).eval(), info)


def _describe(config: dict[str, Any], metrics: dict[str, Any], spec: InputSpec, name: str, version: str) -> ModelInfo:
    best = metrics["at_best_balanced_accuracy"]
    training = {
        key: config[key] for key in ("recipe", "seed", "data", "class_weights", "device", "machine", "versions")
    }
    return ModelInfo(
        name=name,
        version=version,
        input=spec,
        crops={"haar": HAAR_TO_SMILES},
        labels=LABELS,
        threshold=round(best["threshold"], 4),
        training=training,
        metrics={"validation": metrics},
        commit=config["commit"],
    )


def export_run(run: Path, output: Path, name: str, version: str) -> ModelInfo:
    """Write the model file of a finished run, and read it back as run time does.

    Raises:
        TrainingError: the folder does not hold a finished run.
        OutputError: the file cannot be written.
        ModelFileError: run time would refuse what came out.
    """
    if output.suffix.lower() != ".onnx":
        raise UsageProblem(f"{output}: a model file's name ends in .onnx")
    trained = load_run(run, name, version)
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
            output_names=["probabilities"],
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
