"""What waits to be delivered: whoever puts something in never waits."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, TypeVar

from smilecam import interrupts

T = TypeVar("T")

Warn = Callable[[str], None]
"""Takes a line for people; any thread calls it."""

WAITING = 1000
"""Of more, the oldest are dropped."""

IDLE_SECONDS = 2.0
"""At the end, so long after the last delivery the rest is given up; after an interrupt, so long after that."""

LEAST_SECONDS = 0.25
"""At the end, the shortest wait: for what came with the end itself."""

END_SECONDS = 30.0
"""At the end, the longest wait for what is still being delivered."""


class Outbox(Generic[T]):
    """Delivers things in threads of its own, in order where there is one thread.

    Attributes:
        stopped: set when nothing is to be delivered any more.
    """

    def __init__(self, title: str, deliver: Callable[[T], None], warn: Warn, threads: int = 1) -> None:
        """Prepare; the threads start with the first thing.

        Args:
            title: of the kind of delivery, in warnings.
            deliver: called in a thread of the outbox with one thing; an error of the system becomes a warning.
            warn: takes warnings; the same one is given once, and counted at the end.
            threads: how many deliver at the same time.
        """
        self.title, self._deliver, self._threads = title, deliver, threads
        self._log_warning = warn
        self._warned: Counter[str] = Counter()
        self._waiting: deque[T] = deque()
        self._condition = threading.Condition()
        self._running: list[threading.Thread] = []
        self._active = self._dropped = 0
        self._progress_at = 0.0
        self.stopped = threading.Event()

    def put(self, thing: T) -> None:
        """Have something delivered."""
        with self._condition:
            if len(self._waiting) >= WAITING:
                self._waiting.popleft()
                self._dropped += 1
            if not self._waiting and not self._active:
                self._progress_at = time.monotonic()
            self._waiting.append(thing)
            if len(self._running) < self._threads and len(self._running) < self._active + len(self._waiting):
                thread = threading.Thread(target=self._work, name="smilecam-notify", daemon=True)
                self._running.append(thread)
                thread.start()
            self._condition.notify()
            first_drop = self._dropped == 1
        if first_drop:
            self.warn(f"more than {WAITING} notifications wait: the oldest are dropped")

    def warn(self, line: str) -> None:
        """Warn people, once for all equal lines."""
        with self._condition:
            self._warned[line] += 1
            is_new = self._warned[line] == 1
        if is_new:
            self._log_warning(f"{self.title}: {line}")

    def close(self) -> None:
        """Wait for the rest as long as it is being delivered, then end; say what was not delivered."""
        begun = time.monotonic()
        with self._condition:
            while self._waiting or self._active:
                now, ending = time.monotonic(), interrupts.ending_since()
                since = self._progress_at if ending is None else ending
                if now - begun >= END_SECONDS or (now - since >= IDLE_SECONDS and now - begun >= LEAST_SECONDS):
                    break
                self._condition.wait(0.05)
            left = len(self._waiting) + self._active + self._dropped
            self._waiting.clear()
            self.stopped.set()
            self._condition.notify_all()
            repeated = sum(self._warned.values()) - len(self._warned)
        if repeated:
            self._log_warning(f"{self.title}: further warnings like these: {repeated}")
        if left:
            self._log_warning(f"{self.title}: {left} not delivered at the end")

    def _work(self) -> None:
        while (thing := self._next()) is not None:
            try:
                self._deliver(thing[0])
            except OSError as error:
                self.warn(error.strerror or str(error))
            except Exception as error:  # noqa: BLE001 - a thread's edge: the others go on
                self.warn(f"internal error, {type(error).__name__}")
            finally:
                with self._condition:
                    self._active -= 1
                    self._progress_at = time.monotonic()
                    self._condition.notify_all()

    def _next(self) -> tuple[T] | None:
        """Something to deliver; None once nothing is to be delivered any more."""
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self.stopped.is_set())
            if self.stopped.is_set():
                return None
            self._active += 1
            return (self._waiting.popleft(),)
