"""Uploaded videos: processed in a worker process each, a few at a time; results are kept for a while."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from smilecam.errors import SmilecamError
from smilecam.server.decoding.video_messages import Answer, Failed, Progress, Refused, VideoTask
from smilecam.server.decoding.video_worker import serve_video
from smilecam.server.decoding.worker import Worker, WorkerFailed
from smilecam.server.problems import Problem
from smilecam.server.security.limits import Limits
from smilecam.server.stream_settings import DetectorChoice

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
    """The processing of one video. Its own thread changes it; others only read it, or cancel it.

    Attributes:
        key: unguessable identifier.
        name: the uploaded file's name, for results.
        folder: private to this job.
        status: its state.
        progress: how far it is.
        error: why it failed.
        ended: when it ended, by the monotonic clock.
        cancelled: set to cancel it.
        worker: the process that processes it.
        thread: that waits for the worker.
        wants_preview: whether to make a copy that browsers play.
    """

    key: str
    name: str
    folder: Path
    status: Status = Status.RUNNING
    progress: Progress = field(default_factory=Progress)
    error: Problem | None = None
    ended: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    worker: Worker | None = None
    thread: threading.Thread | None = None
    wants_preview: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The job as plain values."""
        progress = self.progress
        content: dict[str, Any] = {
            "id": self.key,
            "name": self.name,
            "status": self.status.value,
            "progress": self._share(),
            "frames": progress.frames,
            "duration": round(progress.seconds if progress.length is None else progress.length, 3),
        }
        if progress.size is not None:
            content["width"], content["height"] = progress.size
        if self.wants_preview:
            content["preview"] = self.status is Status.DONE and self.preview.exists()
        if self.error is not None:
            content["error"] = self.error.inner()
        return content

    def _share(self) -> float:
        if self.status is Status.DONE:
            return 1.0
        expected = self.progress.expected
        return round(min(0.999, self.progress.frames / expected), 4) if expected else 0.0

    def result(self, form: str) -> Path:
        """The file of the results in one of ``RESULTS``."""
        return self.folder / f"results.{form}"

    @property
    def preview(self) -> Path:
        """The file of the copy that browsers play; it may not be there."""
        return self.folder / "preview" / "preview.mp4"

    def cancel(self) -> None:
        """Have it end at once, wherever it is."""
        self.cancelled.set()
        if self.worker is not None:
            self.worker.kill()


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
        self._running: list[Job] = []

    def check_place(self) -> None:
        """Refuse a video where the maximum number of jobs is running, also of those that are being cancelled.

        Raises:
            Problem: it is.
        """
        self._drop_old()
        self._running = [job for job in self._running if job.ended is None]
        if len(self._running) >= self._limits.jobs:
            raise Problem(429, "busy", f"{self._limits.jobs} videos are being processed already: try again later.")

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
            self.discard(job)
            raise
        return job

    def discard(self, job: Job) -> None:
        """Delete the files of a job that is not running."""
        shutil.rmtree(job.folder, ignore_errors=True)

    def start(self, job: Job, choice: DetectorChoice) -> None:
        """Start processing a stored video.

        Raises:
            Problem: as of ``check_place``.
        """
        self.check_place()
        self._jobs[job.key] = job
        self._running.append(job)
        job.thread = threading.Thread(target=self._run, args=(job, choice), name="smilecam-video", daemon=True)
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
        """Cancel a job and delete its files; raises as ``get`` does. Its place is free once its thread has ended."""
        job = self.get(key)
        self._drop(job)
        return job

    def _drop(self, job: Job) -> None:
        if job.status is Status.RUNNING:
            job.status = Status.CANCELLED
        job.cancel()
        del self._jobs[job.key]
        if job.ended is not None:
            self.discard(job)

    def close(self) -> None:
        """Cancel all jobs."""
        for job in self._running:
            job.cancel()
        deadline = time.monotonic() + JOIN_SECONDS
        for job in self._running:
            if job.thread is not None:
                job.thread.join(max(0.0, deadline - time.monotonic()))

    def _drop_old(self) -> None:
        ended = sorted((job for job in self._jobs.values() if job.ended is not None), key=lambda job: job.ended or 0.0)
        surplus = len(ended) - self._limits.kept_jobs
        now = time.monotonic()
        for number, job in enumerate(ended):
            if number < surplus or now - (job.ended or now) > self._limits.kept_seconds:
                self._drop(job)

    def _run(self, job: Job, choice: DetectorChoice) -> None:
        try:
            answer = self._answer(job, choice)
        except Exception as error:  # noqa: BLE001 - the thread's edge: reported; the client gets the status
            answer = Failed(str(error) if isinstance(error, SmilecamError) else f"internal error, {error!r:.100}")
        status = Status.FAILED
        if job.cancelled.is_set():
            status = Status.CANCELLED
        elif isinstance(answer, Refused):
            job.error = Problem(answer.status, answer.code, answer.message)
        elif isinstance(answer, Failed):
            self._report(SmilecamError(answer.line))
            job.error = Problem(500, "internal", "The server could not process the video.")
        else:
            job.progress, status = answer, Status.DONE
        (job.folder / "video").unlink(missing_ok=True)
        job.status = status
        job.ended = time.monotonic()
        if job.cancelled.is_set():  # looked at last: from now on, who cancels it deletes its files
            self.discard(job)

    def _answer(self, job: Job, choice: DetectorChoice) -> Answer:
        """Have a worker process the video."""
        results = {form: job.result(form) for form in RESULTS}
        job.worker = worker = Worker(serve_video, self._limits.pixels)
        try:
            if job.cancelled.is_set():
                return job.progress
            preview = job.preview if job.wants_preview else None
            if preview is not None:
                preview.parent.mkdir(mode=0o700)
            worker.send(VideoTask(job.folder / "video", job.name, results, choice, self._limits, preview))
            while True:
                answer: Answer = worker.receive(self._limits.stall_seconds)
                if not isinstance(answer, Progress) or answer.done:
                    return answer
                job.progress = answer
        except TimeoutError:
            return Refused(422, "bad_video", "The video takes too long to decode.")
        except WorkerFailed as failure:
            if failure.memory:
                return Refused(413, "too_large", "Processing the video needs too much memory.")
            return Refused(422, "bad_video", "The file is not a video that can be decoded.")
        finally:
            worker.close()
