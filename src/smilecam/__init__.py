"""Detect smiles in pictures, video files and cameras.

>>> import smilecam
>>> detector = smilecam.SmileDetector()
>>> result = detector(image)
>>> for result in detector.stream("clip.mp4"): ...
>>> with smilecam.start_stream(0, on_event=print) as handle: ...

Importing the package reads no file, opens nothing and needs no extra.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smilecam.errors import SmilecamError
    from smilecam.pipeline.background import StreamHandle, start_stream
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.types import Box, Event, Face, FrameResult

__version__ = "0.1.0"
__all__ = [
    "Box",
    "Event",
    "Face",
    "FrameResult",
    "SmileDetector",
    "SmilecamError",
    "StreamHandle",
    "__version__",
    "start_stream",
]

_HOMES = {
    "Box": "smilecam.types",
    "Event": "smilecam.types",
    "Face": "smilecam.types",
    "FrameResult": "smilecam.types",
    "SmileDetector": "smilecam.pipeline.detector",
    "SmilecamError": "smilecam.errors",
    "StreamHandle": "smilecam.pipeline.background",
    "start_stream": "smilecam.pipeline.background",
}


def __getattr__(name: str) -> object:
    """Import what is asked for only now, so that ``import smilecam`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'smilecam' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
