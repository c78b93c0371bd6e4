"""Inside a worker process: limits on its memory, and its end with the process that started it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MEMORY_EXIT = 70
"""Exit code of a worker that took more memory than it may."""

ORPHAN_EXIT = 71

POLL_SECONDS = 0.05
ADDRESS_FACTOR = 4
"""Address space a worker may reserve for each byte of memory it may use: libraries reserve more than they touch."""


def run_confined(target: Callable[[Connection], None], connection: Connection, pixels: int) -> None:
    """The whole life of a worker process.

    No module that is imported for this may import OpenCV, which takes its limit of pixels while it is imported.

    Args:
        target: called with the connection; imports what it needs and then calls ``confine``.
        connection: to the server.
        pixels: limit of an image or frame.
    """
    silence()
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(pixels)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the server has ended
        target(connection)


def silence() -> None:
    """Leave the terminal and its Ctrl-C to the server: libraries print by themselves, and it ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def confine(memory_bytes: int) -> None:
    """End this process when it needs more memory, or when the server is gone; to be called once it is loaded.

    Where the system can limit address space, an allocation beyond it fails, which ends the decoding and not yet the
    process. Everywhere, a thread looks at the memory in use.

    Args:
        memory_bytes: allowed beyond what the process holds now.
    """
    import psutil

    process = psutil.Process()
    now = process.memory_info()
    _limit_address_space(now.vms + ADDRESS_FACTOR * memory_bytes)
    threading.Thread(target=_end_above, args=(process, now.rss + memory_bytes), daemon=True).start()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _limit_address_space(limit: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    except (OSError, ValueError):  # macOS refuses some values
        return


def _end_above(process: psutil.Process, limit: int) -> None:
    while process.memory_info().rss <= limit:
        time.sleep(POLL_SECONDS)
    os._exit(MEMORY_EXIT)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(ORPHAN_EXIT)
