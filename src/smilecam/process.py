"""The process of the command line.

Nothing heavy is imported before signals are looked after, so that an interrupt is one from the first moment.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from typing import NoReturn, TextIO

from smilecam import interrupts
from smilecam.cli import exit_codes


def run_command() -> NoReturn:
    """Run the command that this process was started for, and end the process."""
    try:
        interrupts.take()
        if "--debug" not in sys.argv:
            _silence_native_libraries()
        for stream in (sys.stdout, sys.stderr):
            # File names may hold what the terminal's encoding cannot say.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        from smilecam.cli.main import call

        code = call(sys.argv[1:])
    except (KeyboardInterrupt, ImportError):
        # A library that is interrupted while it is loaded makes another error of it.
        if not interrupts.requested():
            raise
        interrupts.report()
        code = exit_codes.INTERRUPTED
    interrupts.ignore()
    _exit(code)


def _exit(code: int) -> NoReturn:
    """End the process, also while threads are inside a native library.

    Such a thread would come back to a Python that is taking itself apart, which ends in ``std::terminate``. All results
    are closed by now, so that nothing is lost by leaving at once.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            _flush(stream)
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)


def _flush(stream: TextIO) -> None:
    """Write what a stream still holds; where that is impossible, drop it, or Python would end with its own code."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _silence_native_libraries() -> None:
    """Keep what image and video libraries print by themselves off the terminal; we report errors in our own words.

    They write to file descriptor 2. Python's own standard error goes on through a copy of it.
    """
    if sys.stderr is None:
        return
    try:
        copy = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    except OSError:
        return
    sys.stderr = open(copy, "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)  # noqa: PTH123, SIM115
