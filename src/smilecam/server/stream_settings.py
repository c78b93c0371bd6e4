"""The settings of streams and uploads as pages and programs send them, and the models to choose from."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from smilecam.classification.classifier import SmileClassifier, model_names
from smilecam.classification.model_info import ModelInfo
from smilecam.detection.registry import available_detectors, resolve_detector
from smilecam.errors import ModelFileError
from smilecam.pipeline.components import Components, StreamSetup, load_components
from smilecam.pipeline.detector import SmileDetector
from smilecam.presets import OperatingPoint
from smilecam.server.problems import Problem
from smilecam.tracking.smile_state import DecisionSettings

NUMBERS = {"smoothing": 60.0, "hysteresis": 6.0, "min_smile": 60.0, "min_pause": 60.0}
"""Settings that are numbers from 0 to this."""

MAX_FACES = 64
"""Faces that are followed in one stream: each costs time in every frame, which is everybody's."""

NAMES = ("model", "policy", "operating_point", "detector")


@dataclass(frozen=True, slots=True)
class Settings:
    """How smiles are decided.

    Attributes:
        model: its name.
        policy: what counts as a smile; None for the model's first policy.
        operating_point: which of the model's thresholds.
        threshold: in place of those; None for them.
        detector: what finds faces; by default what "auto" stands for when the settings are made.
        decision: when smiles begin and end in a stream.
    """

    model: str
    policy: str | None = None
    operating_point: str = OperatingPoint.BALANCED.value
    threshold: float | None = None
    detector: str = field(default_factory=lambda: resolve_detector().spec.name)
    decision: DecisionSettings = field(default_factory=DecisionSettings)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values."""
        return {**{name: getattr(self, name) for name in NAMES}, "threshold": self.threshold, **asdict(self.decision)}


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """What a detector is made of, for another process.

    Attributes:
        model: a packaged model's name, or an ``.onnx`` file's path.
        info: what the file said when the server was started.
        settings: that were chosen.
        threshold: what they come to.
        detection_size: of the face search; None for the detector's own.
    """

    model: str | Path
    info: ModelInfo
    settings: Settings
    threshold: float
    detection_size: int | None

    def make_detector(self) -> SmileDetector:
        """Load it.

        Raises:
            SmilecamError: a file is not what it was.
        """
        settings = self.settings
        detector = SmileDetector(
            self.model,
            self.threshold,
            policy=settings.policy,
            decision=settings.decision,
            detector=settings.detector,
            detection_size=self.detection_size,
        )
        if detector.classifier.info != self.info:
            raise ModelFileError(f"model file {self.model}: is not the one that the server was started with")
        return detector


class Models:
    """The models and face detectors at hand, each loaded once. Threads may share it."""

    def __init__(self, model: str | Path, detection_size: int | None = None) -> None:
        """Load the packaged models, and one more where ``model`` is a file.

        Args:
            model: a packaged model's name, or an ``.onnx`` file's path.
            detection_size: of the face search; None for each detector's own.

        Raises:
            ModelFileError: a model is missing or invalid.
        """
        self._files: dict[str, str | Path] = {name: name for name in model_names()}
        self.infos: dict[str, ModelInfo] = {name: SmileClassifier(name).info for name in self._files}
        self.default = str(model)
        if str(model) not in self._files:
            info = SmileClassifier(model).info
            self.default = f"{info.name} (file)" if info.name in self._files else info.name
            self._files[self.default], self.infos[self.default] = model, info
        self._detection_size = detection_size
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, str | None, str], Components] = {}

    @property
    def detectors(self) -> list[str]:
        """Names of the face detectors that can be used now."""
        return available_detectors()

    def check(self, settings: Settings) -> Settings:
        """Give the settings with the policy's name in them.

        Raises:
            Problem: they name what is not there.
        """
        if settings.model not in self.infos:
            raise _bad("model", ", ".join(self.infos))
        info = self.infos[settings.model]
        if settings.policy is not None and settings.policy not in info.policies:
            raise _bad("policy", ", ".join(info.policies))
        points = [point.value for point in OperatingPoint]
        if settings.operating_point not in points:
            raise _bad("operating_point", ", ".join(points))
        if settings.detector not in self.detectors:
            raise _bad("detector", ", ".join(self.detectors))
        return replace(settings, policy=settings.policy or info.policy().name)

    def changed(self, settings: Settings, wanted: Mapping[str, Any]) -> Settings:
        """Take some settings anew and keep the others.

        Args:
            settings: in force so far.
            wanted: new values by the names that ``Settings.as_dict`` gives.

        Raises:
            Problem: a value is of another type, out of range, or names what is not there.
        """
        values: dict[str, Any] = {}
        decision: dict[str, Any] = {}
        for name, value in wanted.items():
            if name in NAMES:
                values[name] = _name(name, value)
            elif name == "threshold":
                values[name] = None if value is None else _number(name, value, 1.0)
            elif name in NUMBERS:
                decision[name] = _number(name, value, NUMBERS[name])
            elif name == "relative" and isinstance(value, bool):
                decision[name] = value
            else:
                raise Problem(400, "bad_settings", "There is no such setting, or it has no value of this kind.")
        if "model" in values and "policy" not in values:
            known = self.infos.get(values["model"])
            values["policy"] = settings.policy if known and settings.policy in known.policies else None
        return self.check(replace(settings, **values, decision=replace(settings.decision, **decision)))

    def threshold(self, settings: Settings) -> float:
        """The probability from which a face is called smiling."""
        policy = self.infos[settings.model].policy(settings.policy)
        return policy.threshold(settings.threshold, OperatingPoint(settings.operating_point))

    def in_force(self, settings: Settings) -> dict[str, Any]:
        """The settings as plain values, and what they come to."""
        return {**settings.as_dict(), "threshold_in_force": self.threshold(settings)}

    def components(self, settings: Settings) -> Components:
        """The loaded parts that settings name, shared by all who name them.

        Raises:
            SmilecamError: a file is not what it was.
        """
        key = (settings.model, settings.policy, settings.detector)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load_components(
                    self._files[settings.model], settings.policy, settings.detector, self._detection_size
                )
            return self._loaded[key]

    def setup(self, settings: Settings) -> StreamSetup:
        """How the frames of a stream with these settings are processed; raises as ``components`` does.

        Without a gate: the scheduler has given a frame its turn, and it would wait there for costly ones.
        """
        return StreamSetup(self.components(settings), self.threshold(settings), settings.decision, max_faces=MAX_FACES)

    def choice(self, settings: Settings) -> DetectorChoice:
        """What a detector with these settings is made of."""
        model = self._files[settings.model]
        return DetectorChoice(
            model, self.infos[settings.model], settings, self.threshold(settings), self._detection_size
        )

    def detector(self, settings: Settings) -> SmileDetector:
        """A detector with these settings, of the shared parts; raises as ``components`` does."""
        return SmileDetector.sharing(self.components(settings), self.threshold(settings), settings.decision)

    def close(self) -> None:
        """End the threads of what was loaded."""
        with self._lock:
            for components in self._loaded.values():
                components.close()


def _name(name: str, value: object) -> str | None:
    if isinstance(value, str) or (value is None and name == "policy"):
        return value
    raise Problem(400, "bad_settings", f"{name} is not a text.")


def _number(name: str, value: object, most: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
        return float(value)
    raise Problem(400, "bad_settings", f"{name} is not a number from 0 to {most:g}.")


def _bad(name: str, known: str) -> Problem:
    return Problem(400, "bad_settings", f"There is no such {name}: choose {known}.")
