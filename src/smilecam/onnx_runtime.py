"""ONNX Runtime, with the settings that every network here is run with. No other module imports it by itself.

Version 1.32 carries a library that reports its use to its makers, on Linux too: importing it leaves a file ``.ses``
with an identifier in the temporary folder. Smilecam sends nothing anywhere, so telemetry is turned off while ONNX
Runtime is imported, and again by its own function for builds that do not know the variable. Where the host program has
imported it before, or has set the variable itself, the host's choice holds.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeAlias

from smilecam.errors import ModelFileError
from smilecam.opencv import variable_set

_TELEMETRY_VARIABLE = "ORT_DISABLE_TELEMETRY"
_HOST_DECIDES = "onnxruntime" in sys.modules or _TELEMETRY_VARIABLE in os.environ

with nullcontext() if _HOST_DECIDES else variable_set(_TELEMETRY_VARIABLE, "1"):
    import onnxruntime

if not _HOST_DECIDES:
    onnxruntime.disable_telemetry_events()

__all__ = ["cpu_options", "load_network", "make_network", "onnxruntime", "providers"]

if TYPE_CHECKING:
    Network: TypeAlias = onnxruntime.InferenceSession

_loaded: weakref.WeakValueDictionary[bytes, onnxruntime.InferenceSession] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def load_network(content: bytes) -> onnxruntime.InferenceSession:
    """Load a network for the CPU, with one thread and no messages.

    Whoever loads the same content while it is in use gets the same object: its ``run`` may be called by several
    threads at a time, and weights and buffers are in memory once.

    Args:
        content: of an ONNX file that may be trusted.

    Raises:
        ModelFileError: ONNX Runtime does not accept it.
    """
    digest = hashlib.sha256(content).digest()
    with _lock:
        network = _loaded.get(digest)
        if network is None:
            network = _loaded[digest] = _load(content)
        return network


def providers() -> list[str]:
    """What this ONNX Runtime can run networks on, by its own names, the CPU last."""
    return list(onnxruntime.get_available_providers())


def _load(content: bytes) -> Network:
    return make_network(content, cpu_options())


def cpu_options() -> onnxruntime.SessionOptions:
    """One thread, no messages, and ONNX files only."""
    options = onnxruntime.SessionOptions()
    # Networks this small lose more by waking threads than they gain.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # The runtime also takes a format of its own, which onnx_file cannot look through.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def make_network(content: bytes, options: onnxruntime.SessionOptions, left_out: Sequence[str] = ()) -> Network:
    """Make a network for the CPU.

    Args:
        content: of an ONNX file.
        options: of ``cpu_options``.
        left_out: optimizers of ONNX Runtime that are not run.

    Raises:
        ModelFileError: ONNX Runtime does not accept it.
    """
    try:
        return onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(left_out)
        )
    except Exception as error:
        raise ModelFileError("is not a network that ONNX Runtime accepts") from error
