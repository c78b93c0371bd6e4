"""From options to the parts they describe. Imported by commands when they run, since it is heavy."""

from __future__ import annotations

from typing import Any

from smilecam.pipeline.detector import SmileDetector
from smilecam.sources.base import SourceOptions
from smilecam.sources.decoding import Decoding
from smilecam.tracking.smile_state import DecisionSettings


def make_detector(**options: Any) -> SmileDetector:  # noqa: ANN401 - options are of several types
    """The detector that ``model_options``, ``detector_options`` and ``stream_options`` describe.

    Raises:
        ModelFileError: a model file is missing or invalid.
        UsageProblem: options contradict each other.
    """
    return SmileDetector(
        options["model"],
        options["threshold"],
        policy=options["policy"],
        operating_point=options["operating_point"],
        decision=decision_settings(**options),
        detector=options["detector"],
        detection_size=options["detection_size"],
        every_frame=options.get("every_frame", False),
    )


def decision_settings(**options: Any) -> DecisionSettings:  # noqa: ANN401 - options are of several types
    """When smiles begin and end, as ``stream_options`` say."""
    return DecisionSettings(
        smoothing=options["smoothing"],
        hysteresis=options["hysteresis"],
        min_smile=options["min_smile"],
        min_pause=options["min_pause"],
        relative=options["relative"],
    )


def source_options(**options: Any) -> SourceOptions:  # noqa: ANN401 - options are of several types
    """How ``stream_options`` say that sources are opened."""
    return SourceOptions(
        open_timeout=options["open_timeout"],
        read_timeout=options["read_timeout"],
        reconnect=options["reconnect_timeout"] != 0,
        reconnect_timeout=options["reconnect_timeout"],
        realtime=options["realtime"],
        ca_file=options["ca_file"],
        insecure=options["insecure"],
        decoding=Decoding(options.get("decode", Decoding.FULL.value)),
    )
