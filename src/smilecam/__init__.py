"""Detect smiles in images, video files, streams and cameras.

>>> import smilecam
>>> with smilecam.SmileDetector() as detector:
...     result = detector(smilecam.load_image("party.jpg"))
...     for item in detector.stream("clip.mp4"): ...
>>> with smilecam.start_stream(0, on_event=print) as handle: ...

Importing the package reads no file, opens nothing and loads no library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smilecam.errors import (
        DataError,
        DownloadError,
        InvalidImage,
        MissingExtra,
        ModelFileError,
        NonFiniteLoss,
        OutputError,
        SmilecamError,
        SourceEmpty,
        SourceError,
        SourceLost,
        SourceNotFound,
        SourceTooLarge,
        SourceUnreadable,
        TrainingError,
        UsageProblem,
    )
    from smilecam.pipeline.background import StreamHandle, start_stream
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.pipeline.stream_item import StreamItem
    from smilecam.results import FrameResult
    from smilecam.sources.base import SourceOptions
    from smilecam.sources.frame import Frame
    from smilecam.sources.images import load_image
    from smilecam.sources.synthetic_face import SyntheticFace
    from smilecam.tracking.smile_state import DecisionSettings
    from smilecam.types import Box, Event, EventKind, Face, StreamStats

__version__ = "0.1.0"

_ERRORS = (
    "DataError",
    "DownloadError",
    "InvalidImage",
    "MissingExtra",
    "ModelFileError",
    "NonFiniteLoss",
    "OutputError",
    "SmilecamError",
    "SourceEmpty",
    "SourceError",
    "SourceLost",
    "SourceNotFound",
    "SourceTooLarge",
    "SourceUnreadable",
    "TrainingError",
    "UsageProblem",
)
_HOMES = {
    "Box": "smilecam.types",
    "DecisionSettings": "smilecam.tracking.smile_state",
    "Event": "smilecam.types",
    "EventKind": "smilecam.types",
    "Face": "smilecam.types",
    "Frame": "smilecam.sources.frame",
    "FrameResult": "smilecam.results",
    "SmileDetector": "smilecam.pipeline.detector",
    "SourceOptions": "smilecam.sources.base",
    "StreamHandle": "smilecam.pipeline.background",
    "StreamItem": "smilecam.pipeline.stream_item",
    "StreamStats": "smilecam.types",
    "SyntheticFace": "smilecam.sources.synthetic_face",
    "load_image": "smilecam.sources.images",
    "start_stream": "smilecam.pipeline.background",
    **dict.fromkeys(_ERRORS, "smilecam.errors"),
}

__all__ = [
    "Box",
    "DataError",
    "DecisionSettings",
    "DownloadError",
    "Event",
    "EventKind",
    "Face",
    "Frame",
    "FrameResult",
    "InvalidImage",
    "MissingExtra",
    "ModelFileError",
    "NonFiniteLoss",
    "OutputError",
    "SmileDetector",
    "SmilecamError",
    "SourceEmpty",
    "SourceError",
    "SourceLost",
    "SourceNotFound",
    "SourceOptions",
    "SourceTooLarge",
    "SourceUnreadable",
    "StreamHandle",
    "StreamItem",
    "StreamStats",
    "SyntheticFace",
    "TrainingError",
    "UsageProblem",
    "__version__",
    "load_image",
    "start_stream",
]


def __getattr__(name: str) -> object:
    """Import what is asked for only now, so that ``import smilecam`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'smilecam' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted({*__all__, *globals()})
