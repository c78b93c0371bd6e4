"""Requests to end this process: taken once, remembered, and given to the running command as KeyboardInterrupt."""

from __future__ import annotations

import signal
import sys
from types import FrameType

_requested = False


def requested() -> bool:
    """Whether this process has been asked to end."""
    return _requested


def take() -> None:
    """Listen to Ctrl-C, to a request to end, and to the terminal going away, where the system knows them."""
    for number in _signals():
        # A signal that our parent has us ignore (nohup) stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore() -> None:
    """Listen no more: the process is about to end by itself."""
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


def report() -> None:
    """Tell the user that the command ended before its time."""
    if sys.stderr is not None:  # closed, where the process was started without one
        sys.stderr.write("smilecam: interrupted\n")


def _signals() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Interrupt once: open results are being finished while further requests come in."""
    global _requested
    if not _requested:
        _requested = True
        raise KeyboardInterrupt
