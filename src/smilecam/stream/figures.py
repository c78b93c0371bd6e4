"""Live figures: how fast frames come, how fast they are read, and how late the results are."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from smilecam.video.sources import Counts

WINDOW = 1024
"""Results over which rates and latencies are taken: about half a minute of a live stream."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How a stream goes, over its last ``WINDOW`` results; counts are of the whole stream.

    Attributes:
        frames: results so far.
        received: frames that arrived so far.
        dropped: frames that a newer one replaced before they were read.
        reconnects: times that the source came back.
        input_rate: frames a second that arrive.
        rate: results a second.
        latency_ms: from a frame's arrival to its result: p50, p95 and p99 in milliseconds; None for films, whose
            frames do not arrive at a time of their own.
    """

    frames: int
    received: int
    dropped: int
    reconnects: int
    input_rate: float
    rate: float
    latency_ms: tuple[float, float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values, in the form of a line of ``--jsonl``."""
        content: dict[str, Any] = {
            "type": "figures",
            "frames": self.frames,
            "received": self.received,
            "dropped": self.dropped,
            "reconnects": self.reconnects,
            "input_rate": round(self.input_rate, 2),
            "rate": round(self.rate, 2),
        }
        if self.latency_ms:
            names = ("p50", "p95", "p99")
            content["latency_ms"] = {name: round(ms, 2) for name, ms in zip(names, self.latency_ms, strict=True)}
        return content

    def __str__(self) -> str:
        text = f"{self.rate:.1f} frames/s"
        if self.latency_ms:
            p50, _, p99 = self.latency_ms
            text += f" of {self.input_rate:.1f}, {p50:.1f} ms late (p99 {p99:.1f}), {self.dropped} dropped"
        return text + (f", {self.reconnects} reconnects" if self.reconnects else "")


class Meter:
    """Measures a stream as its results are taken."""

    def __init__(self, counts: Counts) -> None:
        """Keep the source's counts, which grow while it is read."""
        self._counts = counts
        self._frames = 0
        self._moments: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._latencies: deque[float] = deque(maxlen=WINDOW)

    def result(self, now: float, arrived: float | None) -> None:
        """Note a result.

        Args:
            now: monotonic clock, in seconds.
            arrived: the same clock when the frame arrived, or None.
        """
        self._frames += 1
        self._moments.append((now, self._counts.received))
        if arrived is not None:
            self._latencies.append(now - arrived)

    def figures(self) -> Figures:
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
        return Figures(self._frames, counts.received, counts.dropped, counts.reconnects, input_rate, rate, latency)
