"""Turns of many streams at few cores: first come, first served."""

from __future__ import annotations

import os
import threading
from collections import deque
from types import TracebackType
from typing import Self


def usable_cores() -> int:
    """Cores that this process may use: in a container, often fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class FairGate:
    """Lets a few threads in at a time, in the order in which they came; use it in a ``with`` block.

    A stream that waits goes on receiving, and the frame that it holds is its next: so where there are more frames than
    time, every stream gives up the same share of its own.
    """

    def __init__(self, places: int | None = None) -> None:
        """Open the gate for so many threads at a time; by default for as many as ``usable_cores``."""
        self._free = places or usable_cores()
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> Self:
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                return self
            admitted = threading.Event()
            self._waiting.append(admitted)
        try:
            admitted.wait()
        except BaseException:  # an interrupt of the main thread, which gives its place to the next
            with self._lock:
                if admitted in self._waiting:
                    self._waiting.remove(admitted)
                    raise
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
