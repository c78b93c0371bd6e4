"""A network that nobody knows, run once within limits of memory and time."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from smilecam.errors import ModelFileError
from smilecam.onnx_runtime import cpu_options, make_network, onnxruntime
from smilecam.types import FloatArray

if TYPE_CHECKING:
    from smilecam.onnx_runtime import Network

TRIAL_BYTES = 512 * 2**20
"""A network may take so much memory for three faces; ours take a few megabytes."""

TRIAL_SECONDS = 20.0
"""A network may take so long for three faces; ours take milliseconds."""

POLL_SECONDS = 0.25
"""On Windows, no signal interrupts a wait, so waits are short."""

_AS_REQUESTED = 1
"""ONNX Runtime's number for memory that grows by what is asked for, not by powers of two."""


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


def _load_limited(content: bytes) -> Network:
    """Load a network so that all its memory comes from ``_limit_memory``; what is folded ahead would not."""
    options = cpu_options()
    options.add_session_config_entry("session.use_env_allocators", "1")
    return make_network(content, options, ["ConstantFolding"])
