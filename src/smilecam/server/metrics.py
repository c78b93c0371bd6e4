"""Counters of the server in the Prometheus exposition format."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest

BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Upper bounds of latencies in seconds."""


class Metrics:
    """Metrics of one server, in a registry of its own. Any thread may change them.

    Attributes:
        frames: counts frames processed, of browser streams and of the server's source.
        dropped: counts frames that a newer one replaced before they were processed.
        images: counts uploaded images processed.
        refused: counts refused requests, messages and connections.
        sessions: number of open streams and viewers.
        latency: seconds from a frame's arrival to its result.
    """

    def __init__(self) -> None:
        """Start all metrics at zero."""
        self._registry = CollectorRegistry()
        self.frames = self._counter("frames", "Stream frames processed.")
        self.dropped = self._counter("dropped", "Frames replaced by a newer one before they were processed.")
        self.images = self._counter("pictures", "Uploaded images processed.")
        self.refused = self._counter("refused", "Requests, messages and connections refused.")
        self.sessions = Gauge("smilecam_sessions", "Open streams and viewers.", registry=self._registry)
        self.latency = Histogram(
            "smilecam_latency_seconds",
            "Time from a frame's arrival to its result.",
            buckets=BUCKETS,
            registry=self._registry,
        )

    def text(self) -> str:
        """All metrics in the text format, version 0.0.4."""
        return generate_latest(self).decode()

    def collect(self) -> Iterable[Metric]:
        """The registry's metrics, without the time each was created.

        prometheus_client can leave those out only for the whole process, which may be another program's.
        """
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric

    def _counter(self, name: str, about: str) -> Counter:
        return Counter(f"smilecam_{name}", about, registry=self._registry)
