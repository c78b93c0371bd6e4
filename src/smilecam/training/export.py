"""From the folder of a run to the one file that run time reads."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from torch import nn

from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.model_info import METADATA_KEY, ModelInfo
from smilecam.errors import TrainingError, UsageProblem
from smilecam.presets import HAAR_TO_SMILES
from smilecam.storage import make_folder, whole_or_absent
from smilecam.training.finished import load_run_network, read_json
from smilecam.training.policies import PolicySource, uncalibrated

OPSET = 18
"""ONNX operator set: understood by every ONNX Runtime that smilecam allows."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A finished run's network and its description."""

    network: nn.Module
    info: ModelInfo


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
    fitted = [source.fit(trained) for source in policies or []] or [uncalibrated(run, trained)]
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
