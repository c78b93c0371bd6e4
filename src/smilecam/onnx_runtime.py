"""ONNX Runtime, with the settings that every network here is run with. No other module imports it.

Version 1.32 carries a library that reports its use to its makers, on Linux too: importing it leaves a file ``.ses``
with an identifier in the temporary folder. Smilecam sends nothing anywhere, so telemetry is turned off while ONNX
Runtime is imported, and again by its own function for builds that do not know the variable. Where the host program has
imported it before, or has set the variable itself, the host's choice holds.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import nullcontext, suppress
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from smilecam.errors import ModelFileError
from smilecam.opencv import variable_set
from smilecam.types import FloatArray

TRIAL_BYTES = 512 * 2**20
"""A network may take so much memory for three faces; ours take a few megabytes."""

TRIAL_SECONDS = 20.0
"""A network may take so long for three faces; ours take milliseconds."""

POLL_SECONDS = 0.25
"""On Windows, no signal interrupts a wait, so waits are short."""

_AS_REQUESTED = 1
"""ONNX Runtime's number for memory that grows by what is asked for, not by powers of two."""

_TELEMETRY_VARIABLE = "ORT_DISABLE_TELEMETRY"
_HOST_DECIDES = "onnxruntime" in sys.modules or _TELEMETRY_VARIABLE in os.environ

with nullcontext() if _HOST_DECIDES else variable_set(_TELEMETRY_VARIABLE, "1"):
    import onnxruntime

if not _HOST_DECIDES:
    onnxruntime.disable_telemetry_events()

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


def try_network(content: bytes, faces: FloatArray, check: Callable[[Network], None]) -> FloatArray:
    """Run a network once, within limits of memory and time; an interrupt ends it.

    A small file can ask for any amount of both. The runtime has a limit on memory for what it allocates while a network
    runs; so nothing is computed while it is loaded.

    Args:
        content: of an ONNX file.
        faces: its one input.
        check: raises ModelFileError where inputs and outputs are not the expected ones.

    Returns:
        Its first output.

    Raises:
        ModelFileError: ONNX Runtime does not accept it, it cannot be run on this input, or it takes too much.
    """
    run = onnxruntime.RunOptions()
    done: Future[FloatArray] = Future()
    threading.Thread(target=_try, args=(content, faces, check, run, done), name="smilecam-model", daemon=True).start()
    try:
        for _ in range(
            math.ceil(TRIAL_SECONDS / POLL_SECONDS)
        ):  # not by a clock: this process may be stopped meanwhile
            if wait([done], POLL_SECONDS).done:
                break
    finally:
        run.terminate = True  # before the next operator
    if not done.done():
        raise ModelFileError(f"does not classify three faces within {TRIAL_SECONDS:g} s")
    return done.result()


def _try(
    content: bytes,
    faces: FloatArray,
    check: Callable[[Network], None],
    run: onnxruntime.RunOptions,
    done: Future[FloatArray],
) -> None:
    try:
        _limit_memory()
        network = _load_limited(content)
        check(network)
        done.set_result(np.asarray(network.run(None, {network.get_inputs()[0].name: faces}, run)[0]))
    except ModelFileError as error:
        done.set_exception(error)
    except Exception:  # noqa: BLE001 - the thread's edge: raised where the result is waited for
        done.set_exception(ModelFileError("cannot be run on a batch of three faces, or takes too much memory for it"))


@cache
def _limit_memory() -> None:
    """Make the memory for trials: once in a process, which may have made one of its own before."""
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    with suppress(RuntimeError):
        onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(TRIAL_BYTES, _AS_REQUESTED, -1, -1))


def providers() -> list[str]:
    """What this ONNX Runtime can run networks on, by its own names, the CPU last."""
    return list(onnxruntime.get_available_providers())


def _load(content: bytes) -> Network:
    return _make_network(content, _options())


def _load_limited(content: bytes) -> Network:
    """Load a network so that all its memory comes from ``_limit_memory``; what is folded ahead would not."""
    options = _options()
    options.add_session_config_entry("session.use_env_allocators", "1")
    return _make_network(content, options, ["ConstantFolding"])


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # Networks this small lose more by waking threads than they gain.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # The runtime also takes a format of its own, which onnx_file cannot look through.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _make_network(content: bytes, options: onnxruntime.SessionOptions, left_out: Sequence[str] = ()) -> Network:
    try:
        return onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(left_out)
        )
    except Exception as error:
        raise ModelFileError("is not a network that ONNX Runtime accepts") from error
