"""The process of the command line: ``smilecam``, or ``python -m smilecam``.

Nothing heavy is imported before signals are looked after, so that an interrupt is one from the first moment.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
_interrupted = False


def run() -> NoReturn:
    """Run the command that this process was started for, and end the process."""
    _take_signals()
    try:
        if "--debug" not in sys.argv:
            _silence_native_libraries()
        for stream in (sys.stdout, sys.stderr):
            # File names may hold what the terminal's encoding cannot say.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        from smilecam.cli.main import call

        code = call(sys.argv[1:])
        if _interrupted and code != INTERRUPTED:
            raise KeyboardInterrupt  # it came while a library was at work, which made another error of it
    except KeyboardInterrupt:
        code = INTERRUPTED
        if sys.stderr is not None:
            sys.stderr.write("smilecam: interrupted\n")
    _ignore_signals()
    sys.exit(code)


def _signals() -> list[signal.Signals]:
    """Requests to end: Ctrl-C, kill, and the terminal that goes away, where the system knows them."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _take_signals() -> None:
    for number in _signals():
        # A signal that our parent has us ignore (nohup) stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _ignore_signals() -> None:
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Interrupt once: open results are being finished while further requests come in."""
    global _interrupted
    if not _interrupted:
        _interrupted = True
        raise KeyboardInterrupt


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


if __name__ == "__main__":
    run()
