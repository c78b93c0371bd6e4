"""The network at run time: a batch of normalised faces in, probabilities of a smile out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smilecam.classification.augmented import DOUBTFUL, average_outputs
from smilecam.classification.calibration import apply_calibration, calibrated_log_odds
from smilecam.classification.model_info import METADATA_KEY, ModelInfo, parse_model_info
from smilecam.classification.onnx_file import check_model, model_metadata, read_content
from smilecam.errors import ModelFileError
from smilecam.onnx_runtime import load_network
from smilecam.types import FloatArray

if TYPE_CHECKING:
    from smilecam.onnx_runtime import Network

DEFAULT_MODEL = "smilenet"

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

CHECKED = frozenset(
    {
        "b92a59ef3daaa6a0732fd6f43f69f92c69d37edecdedc03ded63c99612b49aa0",  # lenet 3
        "77bdb5fa76a51f9590932fe0b69b77f6e8994347969615511204ddceaf322b79",  # smilenet 2
    }
)
"""SHA-256 of the packaged models, which a test puts through all checks: a file of this content needs none again."""


def model_names() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.stem for path in WEIGHTS.glob("*.onnx"))


def model_path(model: str | Path) -> Path:
    """The file of a packaged model by its name, or any ``.onnx`` file by its path.

    Raises:
        ModelFileError: neither is there.
    """
    if str(model) in model_names():
        return WEIGHTS / f"{model}.onnx"
    path = Path(model)
    try:
        there = path.is_file()
    except OSError as error:
        raise ModelFileError(f"model file {str(model)[:200]}: {error.strerror or error}") from error
    if not there:
        raise ModelFileError(f"no model {str(model)!r}: choose {', '.join(model_names())}, or an .onnx file")
    return path


class SmileClassifier:
    """A network from an ONNX file. Threads may share it.

    Attributes:
        info: the model file's description.
        policy: what counts as a smile.
    """

    def __init__(self, model: str | Path = DEFAULT_MODEL, policy: str | None = None) -> None:
        """Load a packaged model by name or an ONNX file by path. Models of one content share one network in memory.

        Args:
            model: name or path.
            policy: one of ``info.policies``; by default the model's first.

        Raises:
            UsageProblem: the model has no such policy.
            ModelFileError: the file is missing, too large, damaged, refers to other files, or its metadata is
                missing, makes no sense or does not agree with the network.
        """
        path = model_path(model)
        try:
            content = read_content(path)
            checked = hashlib.sha256(content).hexdigest() in CHECKED
            metadata = model_metadata(content) if checked else check_model(content)
            if METADATA_KEY not in metadata:
                raise ModelFileError(f"has no {METADATA_KEY!r} metadata: was it made by smilecam export?")
            self.info: ModelInfo = parse_model_info(metadata[METADATA_KEY])
            self._outputs = len(self.info.policy().calibration.weights)
            if not checked:
                self._check_network(content)
            self._network = load_network(content)
        except ModelFileError as error:
            raise ModelFileError(f"model file {path}: {error}") from error
        self.policy = self.info.policy(policy)

    def __call__(self, faces: FloatArray) -> FloatArray:
        """Classify a batch of faces. Doubtful ones are read again, moved a little and mirrored, and averaged.

        Args:
            faces: float32 (n, 1, size, size), normalised by the rule of ``info.input``.

        Returns:
            float32 (n,): the probability of a visible smile.

        Raises:
            ModelFileError: the network gives no finite number for a face.
        """
        calibration, outputs = self.policy.calibration, self.outputs(faces)
        doubtful = np.abs(calibrated_log_odds(calibration, outputs)) < DOUBTFUL
        averaged = average_outputs(faces, outputs, doubtful, self.outputs)
        return apply_calibration(calibration, averaged).astype(np.float32)

    def outputs(self, faces: FloatArray) -> FloatArray:
        """The network's own outputs for the faces as they are, before calibration.

        Args:
            faces: as above.

        Returns:
            float32 (n, outputs): log odds of a smile by the labels of each data set that it was trained on.

        Raises:
            ModelFileError: they are not finite.
        """
        if len(faces) == 0:
            return np.empty((0, self._outputs), np.float32)
        outputs = np.asarray(self._network.run(None, {self._network.get_inputs()[0].name: faces})[0])
        if not np.isfinite(outputs).all():
            raise ModelFileError(f"model {self.info.name} gives no finite number for a face")
        return outputs

    def _check_shapes(self, network: Network) -> None:
        size = self.info.input.size
        inputs, outputs = network.get_inputs(), network.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelFileError(f"has {len(inputs)} inputs and {len(outputs)} outputs, not one of each")
        for tensor, wanted in ((inputs[0], [1, size, size]), (outputs[0], [self._outputs])):
            batch, *rest = tensor.shape or [None]
            if isinstance(batch, int) or rest != wanted or tensor.type != "tensor(float)":
                expected = ", ".join(["batch", *map(str, wanted)])
                raise ModelFileError(f"{tensor.name} is {tensor.type} {tensor.shape}, not tensor(float) [{expected}]")

    def _check_network(self, content: bytes) -> None:
        """Refuse a network whose log odds are not finite, or that takes no batch of three faces."""
        from smilecam.onnx_trial import try_network

        size = self.info.input.size
        ramp = np.linspace(-1, 1, 3 * size * size, dtype=np.float32).reshape(3, 1, size, size)
        output = try_network(content, ramp, self._check_shapes)
        if output.shape != (3, self._outputs) or not np.isfinite(output).all():
            raise ModelFileError("does not give finite log odds for each face")
