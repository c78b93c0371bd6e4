"""One piece of work of benchmarks/video.py, in a process with its own memory and threads.

    python benchmarks/video_worker.py JSON

JSON has the name of the work as "work", and its arguments by name. The result is printed as JSON.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from measuring import measured, peak_rss_mb, rss_mb
from smilecam import SmileDetector
from smilecam.cli.main import call
from smilecam.opencv import cv2
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.run_sources import RunReport, run_sources
from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sinks.jsonl import JsonLines
from smilecam.sources.base import SourceOptions
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources

SETTLED_SECONDS = 2.0
"""Warm-up after the last of many streams was opened; not counted."""

SAMPLE_FRAMES = 200
"""Interval of memory samples in a long run."""


def command(*arguments: str) -> str:
    """Run a smilecam command in this process; returns its output."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = call(arguments)
    if code != 0:
        raise SystemExit(f"smilecam {' '.join(arguments)} exited with {code}")
    return said.getvalue()


def decode(clip: str) -> dict[str, Any]:
    """The source of smilecam: every frame taken, none used."""

    def take(most: float = float("inf")) -> int:
        taken = 0
        with open_source(find_sources(clip)[0]) as source:
            for _ in source:
                taken += 1
                if taken >= most:
                    break
        return taken

    with measured() as begin:
        take(1)
    with measured() as cost:
        frames = take()
    return _figures(frames, cost.seconds, cost.cpu_seconds, begin.seconds)


def opencv_decode(clip: str) -> dict[str, Any]:
    """OpenCV's loop over a clip, with conversion to colour."""
    with measured() as begin:
        cv2.VideoCapture(clip).read()
    with measured() as cost:
        capture, frames = cv2.VideoCapture(clip), 0
        while capture.read()[0]:
            frames += 1
    return _figures(frames, cost.seconds, cost.cpu_seconds, begin.seconds)


def film(clip: str, arguments: Sequence[str], frames: int) -> dict[str, Any]:
    """``smilecam detect`` from a file to JSON lines: first one frame to load libraries, then the whole file."""
    work = ("detect", clip, "--jsonl", os.devnull, *arguments)
    with measured() as begin:
        command(*work, "--max-frames", "1")
    with measured() as cost:
        said = command(*work)
    if f" {frames} frames," not in said:
        raise SystemExit(f"smilecam did not process {frames} frames of {clip}: {said}")
    return _figures(frames, cost.seconds, cost.cpu_seconds, begin.seconds)


def live(clip: str, arguments: Sequence[str], lines: str) -> dict[str, Any]:
    """``smilecam detect --realtime``, and its final stream statistics; libraries are loaded before."""
    command("detect", clip, "--jsonl", lines, *arguments, "--max-frames", "1")
    with measured() as cost:
        command("detect", clip, "--realtime", "--jsonl", lines, *arguments)
    found = [line for line in Path(lines).read_text("utf-8").splitlines() if '"figures"' in line]
    figures = json.loads(found[-1])
    return {
        "frames": figures["received"],
        "dropped": figures["dropped"],
        "rate": figures["rate"],
        "latency_ms": figures["latency_ms"],
        "core_share": cost.cpu_seconds / cost.seconds,
        "peak_rss_mb": peak_rss_mb(),
    }


def live_decode(clip: str) -> dict[str, Any]:
    """The source of smilecam in real time: every frame taken, none used."""
    with measured() as cost, open_source(find_sources(clip)[0], SourceOptions(realtime=True)) as source:
        frames = sum(1 for _ in source)
    return {"frames": frames, "core_share": cost.cpu_seconds / cost.seconds}


def many(clip: str, streams: int, detector: str) -> dict[str, Any]:
    """Several real-time streams in one process: a thread for each, one detector for all."""
    shared = SmileDetector(detector=detector)
    opened, finished = threading.Barrier(streams + 1), []
    failures: list[BaseException] = []

    def read() -> None:
        try:
            with open_source(find_sources(clip)[0], SourceOptions(realtime=True)) as source:
                opened.wait(60)
                with shared.run(source) as run:
                    finished.append(_late(run, time.monotonic() + SETTLED_SECONDS))
        except BaseException as error:  # noqa: BLE001 - a thread's edge: raised below
            failures.append(error)
            opened.abort()

    threads = [threading.Thread(target=read, daemon=True) for _ in range(streams)]
    for thread in threads:
        thread.start()
    opened.wait(60)
    with measured() as cost:
        for thread in threads:
            thread.join()
    shared.close()
    if failures:
        raise failures[0]
    latencies = [late for _, _, stream in finished for late in stream]
    return {
        "streams": streams,
        "frames": sum(taken + dropped for taken, dropped, _ in finished),
        "dropped": sum(dropped for _, dropped, _ in finished),
        "kept_up": sum(dropped == 0 for _, dropped, _ in finished),
        "latency_ms": _quantiles(latencies),
        "core_share": cost.cpu_seconds / cost.seconds,
        "peak_rss_mb": peak_rss_mb(),
    }


def _late(run: SourceRun, settled: float) -> tuple[int, int, list[float]]:
    """Read a stream: its results, the frames dropped, and the latencies in seconds, from a time on."""
    taken = last = 0
    first: int | None = None
    latencies = []
    for item in run:
        now = time.monotonic()
        frame = item.source_frame
        if frame is None or frame.capture_time is None or now < settled:
            continue
        first = frame.number if first is None else first
        last = frame.number
        taken += 1
        latencies.append(now - frame.capture_time)
    received = 0 if first is None else last - first + 1
    return taken, received - taken, latencies


class Memory(Sink):
    """Samples the memory of the process."""

    def __init__(self) -> None:
        """Begin."""
        self.samples: list[tuple[int, float]] = []

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Take a sample if one is due."""
        now = rss_mb()
        if now is not None and (not self.samples or frame.number - self.samples[-1][0] >= SAMPLE_FRAMES):
            self.samples.append((frame.number, now))


def soak(clip: str, detector: str, frames: int) -> dict[str, Any]:
    """A long live stream to JSON lines: memory after 10 %, at the end, and peak."""
    memory, report, shared = Memory(), RunReport(), SmileDetector(detector=detector)
    sinks: list[Sink] = [JsonLines(os.devnull), memory]
    with measured() as cost:
        run_sources(find_sources(clip), shared, sinks, report, options=SourceOptions(realtime=True))
    shared.close()
    if report.failed:
        raise SystemExit(report.failed[0])
    early = [size for number, size in memory.samples if number >= frames / 10]
    return {
        "frames": frames,
        "seconds": cost.seconds,
        "rss_mb_at_tenth": early[0] if early else None,
        "rss_mb_at_end": early[-1] if early else None,
        "peak_rss_mb": peak_rss_mb(),
    }


def _quantiles(latencies: Sequence[float]) -> dict[str, float]:
    values = 1000 * np.quantile(latencies, (0.5, 0.95, 0.99))
    return dict(zip(("p50", "p95", "p99"), values.tolist(), strict=True))


def _figures(frames: int, seconds: float, cpu_seconds: float, start_seconds: float) -> dict[str, Any]:
    times = {"frames": frames, "seconds": seconds, "cpu_seconds": cpu_seconds, "start_seconds": start_seconds}
    return {**times, "peak_rss_mb": peak_rss_mb()}


WORK = {work.__name__: work for work in (decode, opencv_decode, film, live, live_decode, many, soak)}


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    print(json.dumps(WORK[job.pop("work")](**job)))
