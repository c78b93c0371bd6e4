"""Requests to end this process: taken once, remembered, and given to the running command as KeyboardInterrupt."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_requested = False
_ending_since = 0.0


@dataclass(slots=True)
class Deadline:
    """Whether the time of a block is over."""

    passed: bool = False


class _DeadlinePassed(KeyboardInterrupt):
    """A deadline's own interrupt, to tell it from the user's."""


_over: Deadline | None = None
_deadline_passed = False
"""Whether a block that a deadline has ended is still on its way out."""


def requested() -> bool:
    """Whether this process has been asked to end."""
    return _requested


def ending_since() -> float | None:
    """When this process was asked to end or a deadline passed, on the monotonic clock; None while it goes on."""
    return _ending_since if _requested or _deadline_passed else None


@contextmanager
def deadline(seconds: float | None) -> Iterator[Deadline]:
    """End the block after so many seconds, as an interrupt would, but as if it had finished.

    For the main thread, after ``take``. Open results are finished on the way out, and nothing interrupts that: neither
    a request to end after the deadline nor the deadline after a request.
    """
    global _deadline_passed
    state = Deadline()
    if seconds is None:
        yield state
        return
    timer = threading.Timer(seconds, _pass, (state,))
    timer.daemon = True
    with _sigint_reaches_us():
        timer.start()
        try:
            yield state
        except _DeadlinePassed:
            pass
        finally:
            timer.cancel()
            _deadline_passed = False


@contextmanager
def _sigint_reaches_us() -> Iterator[None]:
    """Have SIGINT handled for a while, also where our parent has us ignore it.

    A shell starts what a script runs in the background that way. Python raises an interrupt in the main thread by a
    handler of ours only; Ctrl-C itself stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt_by_deadline)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _pass(state: Deadline) -> None:
    global _over
    _over = state
    _thread.interrupt_main()


def _interrupt_by_deadline(number: int, frame: FrameType | None) -> None:
    if _over is not None:
        _interrupt(number, frame)


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
    """Report that the command ended before its time."""
    if sys.stderr is not None:  # closed, where the process was started without one
        sys.stderr.write("smilecam: interrupted\n")


def _signals() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Interrupt once: open results are being finished while further requests come in."""
    global _requested, _over, _deadline_passed, _ending_since
    over, _over = _over, None
    if _requested or _deadline_passed:
        return
    _ending_since = time.monotonic()
    if over is not None:
        over.passed = _deadline_passed = True
        raise _DeadlinePassed
    _requested = True
    raise KeyboardInterrupt
