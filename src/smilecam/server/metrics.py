"""What the server has been through, as Prometheus reads it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Upper bounds of latencies in seconds."""


@dataclass(slots=True)
class Histogram:
    """Latencies, counted by how long they were."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def lines(self, name: str) -> list[str]:
        """The histogram in the exposition format."""
        lines, sum_so_far = [], 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            sum_so_far += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {sum_so_far}')
        return [*lines, f"{name}_sum {self.total:.6f}", f"{name}_count {sum_so_far}"]


@dataclass(slots=True)
class Metrics:
    """Counters of the process; the event loop's thread alone changes them.

    Attributes:
        frames: that were read, of streams and of the server's source.
        dropped: that a newer one replaced.
        pictures: that were read.
        refused: requests, messages and connections that were refused.
        sessions: streams and viewers that are open now.
        latency: from a frame's arrival to its result.
    """

    frames: int = 0
    dropped: int = 0
    pictures: int = 0
    refused: int = 0
    sessions: int = 0
    latency: Histogram = field(default_factory=Histogram)

    def text(self) -> str:
        """Everything in the exposition format, version 0.0.4."""
        lines = []
        for name, kind, about in (
            ("frames", "counter", "Frames of streams that were read."),
            ("dropped", "counter", "Frames that a newer one replaced before they were read."),
            ("pictures", "counter", "Pictures that were read."),
            ("refused", "counter", "Requests, messages and connections that were refused."),
            ("sessions", "gauge", "Streams and viewers that are open."),
        ):
            full = f"smilecam_{name}_total" if kind == "counter" else f"smilecam_{name}"
            lines += [f"# HELP {full} {about}", f"# TYPE {full} {kind}", f"{full} {getattr(self, name)}"]
        name = "smilecam_latency_seconds"
        lines += [f"# HELP {name} From a frame's arrival to its result.", f"# TYPE {name} histogram"]
        return "\n".join([*lines, *self.latency.lines(name)]) + "\n"
