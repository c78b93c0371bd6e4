"""When the frames of recorded video are due that is played in real time."""

from __future__ import annotations

import threading
import time

from smilecam.sources.base import Clock

POLL_SECONDS = 0.05
"""How long a frame waits at once: playing may be paused or stopped meanwhile."""

STILL_SECONDS = 0.02
"""Frames so close to the first one are due at once, also while it is paused."""


class RealtimeClock:
    """Paces the frames of one recorded video after another. Any thread may pause it; one waits for frames."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        """Begin with a video that starts with its first frame.

        Args:
            clock: seconds.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._zero: float | None = None
        self._first = 0.0
        self._paused_since: float | None = None

    def restart(self) -> None:
        """Another video begins, or the same one elsewhere: its first frame is due at once, also while it is paused."""
        with self._lock:
            self._zero = None

    def pause(self, *, paused: bool) -> None:
        """Stand still, or go on; harmless when it does already."""
        now = self._clock()
        with self._lock:
            if paused and self._paused_since is None:
                self._paused_since = now
            elif not paused and self._paused_since is not None:
                if self._zero is not None:
                    self._zero += now - self._paused_since
                self._paused_since = None

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused_since is not None

    def wait(self, at: float, stop: threading.Event) -> bool:
        """Wait until a frame is due.

        Args:
            at: its time in seconds.
            stop: ends the wait.

        Returns:
            Whether it is due; otherwise ``stop`` is set.
        """
        if self._is_first(at):
            return not stop.is_set()
        while not stop.is_set():
            left = self._left(at)
            if left <= 0:
                return True
            stop.wait(min(left, POLL_SECONDS))
        return False

    def _is_first(self, at: float) -> bool:
        now = self._clock()
        with self._lock:
            if self._zero is not None:
                return False
            self._zero, self._first = now - at, at
            if self._paused_since is not None:
                self._paused_since = now
            return True

    def _left(self, at: float) -> float:
        with self._lock:
            if at - self._first < STILL_SECONDS:
                return 0.0
            if self._paused_since is not None or self._zero is None:
                return POLL_SECONDS
            return self._zero + at - self._clock()
