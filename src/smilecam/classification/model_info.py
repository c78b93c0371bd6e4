"""The description in a model file, and the checks of every value in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from smilecam.errors import ModelFileError, UsageProblem
from smilecam.presets import Calibration, CropGeometry, InputSpec, Normalization, OperatingPoint

METADATA_KEY = "smilecam"
"""Key of the ONNX metadata that holds the description, as JSON."""

FORMAT = 2
"""Version of the description's format."""

MAX_WEIGHT = 1e6
"""Largest absolute value of a calibration's weight or offset."""

MAX_INPUT_SIZE = 512
"""Side of the largest input accepted, in pixels."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as a smile, and how a network's outputs are calibrated for that.

    Attributes:
        name: of the policy.
        calibration: from the network's outputs to the probability of a smile.
        thresholds: for each operating point, the probability from which a face is called smiling.
        costs: for each operating point, what was measured with it, and on what.
        source: what calibration and thresholds were fitted on.
    """

    name: str
    calibration: Calibration
    thresholds: dict[OperatingPoint, float]
    costs: dict[str, Any]
    source: str

    def threshold(self, wanted: float | None = None, point: OperatingPoint = OperatingPoint.BALANCED) -> float:
        """The threshold to use: the wanted one, or for None that of an operating point.

        Raises:
            UsageProblem: it is not from 0 to 1.
        """
        if wanted is None:
            return self.thresholds[point]
        if not 0 <= wanted <= 1:
            raise UsageProblem(f"the threshold is {wanted}, not from 0 to 1")
        return float(wanted)

    def as_dict(self) -> dict[str, Any]:
        """The policy as plain values."""
        return {
            "weights": list(self.calibration.weights),
            "offset": self.calibration.offset,
            "thresholds": {point.value: threshold for point, threshold in self.thresholds.items()},
            "costs": self.costs,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Everything that run time needs to know about a network.

    Attributes:
        name: what the model is called.
        version: of the model.
        input: size and normalisation of its input.
        crops: by face detector, the square inside its boxes that goes in.
        policies: by name; the first one is the default.
        training: data with its digest, recipe, seed and versions.
        metrics: measured when it was made, with their conditions.
        commit: of the code that trained it.
    """

    name: str
    version: str
    input: InputSpec
    crops: dict[str, CropGeometry]
    policies: dict[str, Policy]
    training: dict[str, Any]
    metrics: dict[str, Any]
    commit: str

    def crop_for(self, detector: str) -> CropGeometry:
        """The square inside a detector's boxes that goes in.

        Raises:
            ModelFileError: the model has no crop for this detector.
        """
        if detector not in self.crops:
            raise ModelFileError(f"model {self.name} has no crop for {detector} boxes")
        return self.crops[detector]

    def policy(self, name: str | None = None) -> Policy:
        """A policy by its name, or the default one for None.

        Raises:
            UsageProblem: the model has no policy of this name.
        """
        wanted = next(iter(self.policies)) if name is None else name
        if wanted not in self.policies:
            raise UsageProblem(f"model {self.name} has no policy {wanted!r}: choose {', '.join(self.policies)}")
        return self.policies[wanted]

    def to_json(self) -> str:
        """The description as JSON, for the file's metadata."""
        crops = {
            detector: {"side": crop.side, "shift_x": crop.shift_x, "shift_y": crop.shift_y}
            for detector, crop in self.crops.items()
        }
        content = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "input": {"size": self.input.size, "normalization": self.input.normalization.value},
            "crops": crops,
            "policies": {policy.name: policy.as_dict() for policy in self.policies.values()},
            "default_policy": self.policy().name,
            "training": self.training,
            "metrics": self.metrics,
            "commit": self.commit,
        }
        return json.dumps(content, sort_keys=True)


def parse_model_info(text: str) -> ModelInfo:
    """Parse a description and check every value in it.

    Raises:
        ModelFileError: naming the first thing that is missing or makes no sense.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError("its metadata is not valid JSON") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelFileError(f"its metadata is not of format {FORMAT}")
    name, version, commit = (_get(content, key, str) for key in ("name", "version", "commit"))
    return ModelInfo(
        name=name,
        version=version,
        input=_input(_get(content, "input", dict)),
        crops=_crops(_get(content, "crops", dict)),
        policies=_policies(_get(content, "policies", dict), _get(content, "default_policy", str)),
        training=_get(content, "training", dict),
        metrics=_get(content, "metrics", dict),
        commit=commit,
    )


def _get(content: dict[str, Any], key: str, kind: type) -> Any:  # noqa: ANN401 - plain JSON
    if not isinstance(content.get(key), kind):
        raise ModelFileError(f"its metadata has no {key}, or not as {kind.__name__}")
    return content[key]


def _number(content: dict[str, Any], key: str, low: float, high: float) -> float:
    value = content.get(key)
    # Not-a-number fails the comparison; whole numbers of any length pass through it unharmed.
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise ModelFileError(f"its {key} is {str(value)[:40]!r}, not a number from {low:g} to {high:g}")
    return float(value)


def _input(content: dict[str, Any]) -> InputSpec:
    size = _number(content, "size", 8, MAX_INPUT_SIZE)
    known = [rule.value for rule in Normalization]
    if size != int(size) or content.get("normalization") not in known:
        raise ModelFileError(f"its input is not a whole size with a normalization of {', '.join(known)}")
    return InputSpec(int(size), Normalization(content["normalization"]))


def _crops(content: dict[str, Any]) -> dict[str, CropGeometry]:
    if not content:
        raise ModelFileError("its metadata names no crop")
    crops = {}
    for detector, crop in content.items():
        if not isinstance(crop, dict):
            raise ModelFileError(f"its crop for {detector} is not described")
        side = _number(crop, "side", 0.1, 4)
        crops[detector] = CropGeometry(side, _number(crop, "shift_x", -1, 1), _number(crop, "shift_y", -1, 1))
    return crops


def _policies(content: dict[str, Any], default: str) -> dict[str, Policy]:
    if default not in content:
        raise ModelFileError(f"its default policy {default[:40]!r} is none of its policies")
    ordered = [default, *(name for name in content if name != default)]
    policies = {name: _policy(name, content[name]) for name in ordered}
    if len({len(policy.calibration.weights) for policy in policies.values()}) > 1:
        raise ModelFileError("its policies disagree about the number of outputs")
    return policies


def _policy(name: str, content: object) -> Policy:
    if not isinstance(content, dict):
        raise ModelFileError(f"its policy {name[:40]!r} is not described")
    weights = _get(content, "weights", list)
    if not weights:
        raise ModelFileError(f"its policy {name[:40]!r} weighs no output")
    numbered = {f"weight {row}": weight for row, weight in enumerate(weights)}
    thresholds = _get(content, "thresholds", dict)
    return Policy(
        name=name,
        calibration=Calibration(
            tuple(_number(numbered, key, -MAX_WEIGHT, MAX_WEIGHT) for key in numbered),
            _number(content, "offset", -MAX_WEIGHT, MAX_WEIGHT),
        ),
        thresholds={point: _number(thresholds, point.value, 0, 1) for point in OperatingPoint},
        costs=_get(content, "costs", dict),
        source=_get(content, "source", str),
    )
