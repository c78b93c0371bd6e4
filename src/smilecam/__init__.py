"""Detect smiles in pictures, video files and cameras.

>>> import smilecam
>>> detector = smilecam.SmileDetector()
>>> result = detector(image)

Importing the package reads no file, opens nothing and needs no extra.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smilecam.errors import SmilecamError
    from smilecam.pipeline import SmileDetector
    from smilecam.types import Box, Face, FrameResult

__version__ = "0.1.0"
__all__ = ["Box", "Face", "FrameResult", "SmileDetector", "SmilecamError", "__version__"]

_HOMES = {
    "Box": "smilecam.types",
    "Face": "smilecam.types",
    "FrameResult": "smilecam.types",
    "SmileDetector": "smilecam.pipeline",
    "SmilecamError": "smilecam.errors",
}


def __getattr__(name: str) -> object:
    """Import what is asked for only now, so that ``import smilecam`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'smilecam' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
