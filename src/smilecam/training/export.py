"""Export of a finished run to a model file."""

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
from smilecam.training.calibrate import PolicySource, uncalibrated
from smilecam.training.run_loading import load_run_network, read_json

OPSET = 18
"""ONNX operator set: supported by every ONNX Runtime version that smilecam allows."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """Network and description of a finished run."""

    network: nn.Module
    info: ModelInfo


def load_run(run: Path, name: str, version: str, policies: list[PolicySource] | None = None) -> TrainedModel:
    """Load the network of a finished run, with the weights that were evaluated.

    Args:
        run: folder of the run.
        name: of the model.
        version: of the model.
        policies: data to calibrate on; by default the first output stays uncalibrated, and the thresholds come from
            the run's validation set.

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
    """Write the model file of a finished run, and check that it loads as at run time.

    Args:
        run: folder of the run.
        output: the file to write.
        name: of the model.
        version: of the model.
        policies: data to calibrate on, the default policy first; see ``load_run``.

    Raises:
        TrainingError: the folder does not hold a finished run.
        OutputError: the file cannot be written.
        ModelFileError: the file does not load.
        UsageProblem: the file's name does not end in .onnx.
    """
    if output.suffix.lower() != ".onnx":
        raise UsageProblem(f"{output}: a model file's name ends in .onnx")
    trained = load_run(run, name, version, policies)
    make_folder(output.parent)
    with whole_or_absent(output) as temporary:
        temporary.write_bytes(to_onnx(trained))
        return SmileClassifier(temporary).info


def to_onnx(trained: TrainedModel) -> bytes:
    """The network as the bytes of an ONNX file, with its description as metadata."""
    return network_to_onnx(trained.network, trained.info.input.size, {METADATA_KEY: trained.info.to_json()})


def network_to_onnx(network: nn.Module, size: int, metadata: dict[str, str]) -> bytes:
    """A network for square grey images as the bytes of an ONNX file, without paths of this machine.

    Args:
        network: from float32 (n, 1, size, size) to float32 (n, outputs), in evaluation mode.
        size: side of the images, in pixels.
        metadata: what the file says of itself.

    Raises:
        TrainingError: PyTorch cannot export it.
    """
    with _quiet_exporter():
        program = torch.onnx.export(
            network,
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
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Suppress PyTorch's warnings about its internals and about optional packages; errors are still raised."""
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
    """Remove the exporter's annotations, whose stack traces contain paths of this machine."""
    graph = model.graph
    for entry in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        entry.doc_string = ""
        del entry.metadata_props[:]
    model.doc_string = ""
