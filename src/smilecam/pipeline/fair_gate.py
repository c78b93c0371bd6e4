"""Turns of many streams at few cores: first come, first served."""

from __future__ import annotations

import os
import threading
from collections import deque
from types import TracebackType
from typing import Self

MAX_STRAIN = 4.0
"""So many times as long the intervals of streams become at most, so that a face is still looked at twice a second."""

STRAIN_WEIGHT = 0.02
"""Of the newest entry, in the mean of those that wait: some tenths of a second where there are many streams."""


def usable_cores() -> int:
    """Cores that this process may use: in a container, often fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class FairGate:
    """Lets a few threads in at a time, in the order in which they came; use it in a ``with`` block.

    A stream that waits goes on receiving, and the frame that it holds is its next: so where there are more frames than
    time, every stream gives up the same share of its own.

    Attributes:
        strain: from 1, where nobody waits, to ``MAX_STRAIN``: the same for all streams, which do so much less of what
            can wait before frames are dropped.
    """

    def __init__(self, places: int | None = None) -> None:
        """Open the gate for so many threads at a time; by default for as many as ``usable_cores``."""
        self._places = self._free = places or usable_cores()
        self.strain = 1.0
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> Self:
        with self._lock:
            strain = min(MAX_STRAIN, 1 + len(self._waiting) / self._places)
            self.strain += STRAIN_WEIGHT * (strain - self.strain)
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
