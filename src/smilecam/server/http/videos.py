"""Uploaded videos: processed in threads of their own, a few at a time; results are kept for a while."""

from __future__ import annotations

import math
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from smilecam.errors import SourceError
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.run_sources import RunReport, StopRun, run_sources
from smilecam.pipeline.stream_item import StreamItem
from smilecam.server.problems import Problem
from smilecam.server.security.limits import Limits
from smilecam.sinks.base import Sink
from smilecam.sinks.csv import CsvTable
from smilecam.sinks.jsonl import JsonLines
from smilecam.sinks.webvtt import WebVtt
from smilecam.sources.base import Kind, Source, SourceRef

RESULTS = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}
"""Formats of results, and their media types."""

JOIN_SECONDS = 1.5


class Status(Enum):
    """The state of a job."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Job:
    """The processing of one video. Its own thread changes it; others only read it.

    Attributes:
        key: unguessable identifier.
        name: the uploaded file's name, for results.
        folder: private to this job.
        status: its state.
        frames: number of frames processed so far.
        seconds: position in the video.
        expected: number of frames, if the file states it.
        length: of the video in seconds, if the file states it.
        error: why it failed.
        ended: when it ended, by the monotonic clock.
        cancel: set to cancel it.
        thread: that processes it.
    """

    key: str
    name: str
    folder: Path
    status: Status = Status.RUNNING
    frames: int = 0
    seconds: float = 0.0
    expected: int | None = None
    length: float | None = None
    error: Problem | None = None
    ended: float | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def as_dict(self) -> dict[str, Any]:
        """The job as plain values."""
        content: dict[str, Any] = {
            "id": self.key,
            "name": self.name,
            "status": self.status.value,
            "progress": self._progress(),
            "frames": self.frames,
            "duration": round(self.seconds if self.length is None else self.length, 3),
        }
        if self.error is not None:
            content["error"] = self.error.inner()
        return content

    def _progress(self) -> float:
        if self.status is Status.DONE:
            return 1.0
        return round(min(0.999, self.frames / self.expected), 4) if self.expected else 0.0

    def result(self, form: str) -> Path:
        """The file of the results in one of ``RESULTS``."""
        return self.folder / f"results.{form}"


class VideoJobs:
    """All video jobs of a server. Except for ``store``, it is called in the event loop's thread only."""

    def __init__(self, folder: Path, limits: Limits, report: Callable[[Exception], None]) -> None:
        """Start without jobs.

        Args:
            folder: private; each job gets a folder of its own in it.
            limits: on videos, and on jobs.
            report: called with each unexpected error.
        """
        self._folder, self._limits, self._report = folder, limits, report
        self._jobs: dict[str, Job] = {}
        self._reserved = 0

    def reserve(self) -> None:
        """Reserve a job for a video about to be uploaded; ``release`` it in any case.

        Raises:
            Problem: the maximum number of jobs is running or reserved.
        """
        self._drop_old()
        running = sum(job.status is Status.RUNNING for job in self._jobs.values())
        if running + self._reserved >= self._limits.jobs:
            raise Problem(429, "busy", f"{self._limits.jobs} videos are being processed already: try again later.")
        self._reserved += 1

    def release(self) -> None:
        """End a reservation: the job has started, or will not."""
        self._reserved -= 1

    def store(self, content: BinaryIO, name: str) -> Job:
        """Copy a video into the folder of a new job; slow, and may be called in any thread.

        Raises:
            OSError: the disk is full, for example. Nothing is left behind.
        """
        job = Job(secrets.token_hex(16), name, self._folder / secrets.token_hex(16))
        try:
            job.folder.mkdir(mode=0o700)
            with (job.folder / "video").open("xb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
        except BaseException:
            shutil.rmtree(job.folder, ignore_errors=True)
            raise
        return job

    def start(self, job: Job, make_detector: Callable[[], SmileDetector]) -> None:
        """Start processing a stored video."""
        self._jobs[job.key] = job
        job.thread = threading.Thread(target=self._run, args=(job, make_detector), name="smilecam-video", daemon=True)
        job.thread.start()

    def get(self, key: str) -> Job:
        """The job with that key.

        Raises:
            Problem: there is none, or it has been dropped.
        """
        self._drop_old()
        if key not in self._jobs:
            raise Problem(404, "no_video", "There is no such video, or its results have been deleted.")
        return self._jobs[key]

    def remove(self, key: str) -> Job:
        """Cancel a job and delete its files; raises as ``get`` does."""
        job = self.get(key)
        self._drop(job)
        return job

    def _drop(self, job: Job) -> None:
        job.cancel.set()
        if job.status is Status.RUNNING:
            job.status = Status.CANCELLED
        del self._jobs[job.key]
        if job.thread is not None and not job.thread.is_alive():
            shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Cancel all jobs."""
        for job in self._jobs.values():
            job.cancel.set()
        deadline = time.monotonic() + JOIN_SECONDS
        for job in self._jobs.values():
            if job.thread is not None:
                job.thread.join(max(0.0, deadline - time.monotonic()))

    def _drop_old(self) -> None:
        ended = sorted((job for job in self._jobs.values() if job.ended is not None), key=lambda job: job.ended or 0.0)
        surplus = len(ended) - self._limits.kept_jobs
        now = time.monotonic()
        for number, job in enumerate(ended):
            if number < surplus or now - (job.ended or now) > self._limits.kept_seconds:
                self._drop(job)

    def _run(self, job: Job, make_detector: Callable[[], SmileDetector]) -> None:
        try:
            detector = make_detector()
            try:
                self._process(job, detector)
            finally:
                detector.close()
            status = Status.CANCELLED if job.cancel.is_set() else Status.DONE
        except Problem as problem:
            job.error, status = problem, Status.FAILED
        except Exception as error:  # noqa: BLE001 - the thread's edge: reported; the client gets the status
            self._report(error)
            job.error, status = Problem(500, "internal", "The server could not process the video."), Status.FAILED
        (job.folder / "video").unlink(missing_ok=True)
        job.ended = time.monotonic()
        job.status = status
        if job.cancel.is_set():
            shutil.rmtree(job.folder, ignore_errors=True)

    def _process(self, job: Job, detector: SmileDetector) -> None:
        path = job.folder / "video"
        ref = SourceRef(job.name, Kind.VIDEO, path)
        sinks: list[Sink] = [
            JsonLines(str(job.result("jsonl"))),
            CsvTable(str(job.result("csv"))),
            WebVtt({ref: job.result("vtt")}),
        ]
        report = RunReport()

        def bound(_run: SourceRun, source: Source, items: Iterable[StreamItem]) -> Iterator[StreamItem]:
            return self._bounded(job, source, items)

        try:
            run_sources([ref], detector, sinks, report, bound)
        except SourceError as error:
            raise unreadable() from error
        if report.failed or (job.frames == 0 and not job.cancel.is_set()):
            raise unreadable()

    def _bounded(self, job: Job, source: Source, items: Iterable[StreamItem]) -> Iterator[StreamItem]:
        """Pass the frames on, update the job's progress, and enforce the limits."""
        limits = self._limits
        job.expected = source.expected
        if source.expected and source.fps:
            job.length = source.expected / source.fps
        if (job.length or 0.0) > limits.video_seconds * 1.02 or (source.expected or 0) > limits.video_frames:
            raise too_long(limits)
        for item in items:
            if job.cancel.is_set():
                raise StopRun
            if item.source_frame is not None:
                frame = item.source_frame
                if math.prod(frame.shape) > limits.pixels:
                    raise Problem(413, "too_many_pixels", f"The video has more than {limits.pixels:,} pixels a frame.")
                job.frames += 1
                job.seconds = item.time or 0.0
                if job.seconds > limits.video_seconds or job.frames > limits.video_frames:
                    raise too_long(limits)
            yield item
        if job.frames:
            job.length = job.length or job.seconds


def too_long(limits: Limits) -> Problem:
    """A video over the limits."""
    return Problem(
        413, "too_long", f"A video may have at most {limits.video_seconds} seconds and {limits.video_frames:,} frames."
    )


def unreadable() -> Problem:
    """A file that is not a video."""
    return Problem(422, "bad_video", "The file is not a video that can be decoded.")
