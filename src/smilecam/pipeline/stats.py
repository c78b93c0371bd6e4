"""Statistics of a run: how fast frames come, how fast they are read, and how late the results are."""

from __future__ import annotations

from collections import deque

import numpy as np

from smilecam.sources.base import Counts
from smilecam.types import STATS_WINDOW, StreamStats


class StatsMeter:
    """Measures a stream as its results are taken."""

    def __init__(self, counts: Counts) -> None:
        """Keep the source's counts, which grow while it is read."""
        self._counts = counts
        self._frames = 0
        self._moments: deque[tuple[float, int]] = deque(maxlen=STATS_WINDOW)
        self._latencies: deque[float] = deque(maxlen=STATS_WINDOW)

    def result(self, now: float, capture_time: float | None) -> None:
        """Note a result.

        Args:
            now: monotonic clock, in seconds.
            capture_time: the same clock when the frame arrived, or None.
        """
        self._frames += 1
        self._moments.append((now, self._counts.received))
        if capture_time is not None:
            self._latencies.append(now - capture_time)

    def stats(self) -> StreamStats:
        """How the stream goes."""
        input_rate = rate = 0.0
        if len(self._moments) > 1:
            (first, received_then), (last, received_now) = self._moments[0], self._moments[-1]
            span = max(last - first, 1e-9)
            rate, input_rate = (len(self._moments) - 1) / span, (received_now - received_then) / span
        latency = None
        if self._latencies:
            p50, p95, p99 = (1000 * np.quantile(self._latencies, (0.5, 0.95, 0.99))).tolist()
            latency = (p50, p95, p99)
        counts = self._counts
        return StreamStats(self._frames, counts.received, counts.dropped, counts.reconnects, input_rate, rate, latency)
