"""Optional packages: one sentence when they are missing."""

from __future__ import annotations

from importlib.util import find_spec

from smilecam.errors import MissingExtra

MODULES = {
    "train": ("torch", "onnx", "onnxscript", "matplotlib"),
    "report": ("matplotlib",),
    "scan": ("pyarrow", "fsspec"),
    "web": ("starlette", "uvicorn", "websockets", "python_multipart", "prometheus_client"),
    "mqtt": ("paho",),
    "demo": ("skimage", "matplotlib"),
}


def require(extra: str, what: str) -> None:
    """Check that the packages of an extra are installed.

    Raises:
        MissingExtra: one is not.
    """
    if any(find_spec(module) is None for module in MODULES[extra]):
        raise MissingExtra(what, extra)
