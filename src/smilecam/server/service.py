"""Shared by all requests: models, threads, limits and metrics."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from smilecam.server.metrics import Metrics
from smilecam.server.problems import Problem
from smilecam.server.security.limits import Limits
from smilecam.server.stream_settings import Models, Settings

T = TypeVar("T")


def frame_threads() -> int:
    """Number of threads for stream frames.

    A stream occupies one of them at most, so a slow stream leaves a thread to the others.
    """
    return min(8, max(2, os.cpu_count() or 2))


@dataclass(slots=True)
class Service:
    """Shared by all requests. Made by ``open_service``.

    Attributes:
        models: available models.
        settings: defaults for requests and streams.
        limits: for everything that comes from outside.
        folder: private, for uploads and their results; deleted at shutdown.
        metrics: of this server.
        frames: threads for stream frames.
        images: the thread for uploaded images, separate so that streams do not wait for them.
        report: called with each unexpected error.
        ready: whether the models are loaded and have been run.
        stopping: set when the process is about to end.
        open_sessions: number of open streams and viewers.
        waiting_images: number of image requests in progress.
        startup_error: why the server could not start.
    """

    models: Models
    settings: Settings
    limits: Limits
    folder: Path
    metrics: Metrics
    frames: ThreadPoolExecutor
    images: ThreadPoolExecutor
    report: Callable[[Exception], None]
    ready: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    open_sessions: int = 0
    waiting_images: int = 0
    startup_error: Exception | None = None

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Keep the error of a start that fails: the ASGI server logs it, and ends without raising it."""
        try:
            yield
        except Exception as error:
            self.startup_error = error
            raise

    @contextmanager
    def session(self) -> Iterator[None]:
        """Count one stream or viewer while it is open; for the event loop's thread.

        Raises:
            Problem: too many are open.
        """
        if self.open_sessions >= self.limits.sessions:
            raise Problem(503, "busy", f"There are {self.limits.sessions} sessions already: try again later.")
        self.open_sessions += 1
        try:
            with self.metrics.sessions.track_inprogress():
                yield
        finally:
            self.open_sessions -= 1

    async def in_images(self, call: Callable[..., T], *arguments: object) -> T:
        """Run a function in the thread for uploaded images."""
        return await asyncio.get_running_loop().run_in_executor(self.images, call, *arguments)

    async def in_frames(self, call: Callable[..., T], *arguments: object) -> T:
        """Run a function in one of the threads for stream frames."""
        return await asyncio.get_running_loop().run_in_executor(self.frames, call, *arguments)


@contextmanager
def open_service(
    models: Models, settings: Settings, report: Callable[[Exception], None], limits: Limits | None = None
) -> Iterator[Service]:
    """Make what requests share; on the way out, stop its threads, close the models and delete the folder."""
    with tempfile.TemporaryDirectory(prefix="smilecam-", ignore_cleanup_errors=True) as folder:
        service = Service(
            models,
            settings,
            limits or Limits(),
            Path(folder),
            Metrics(),
            ThreadPoolExecutor(frame_threads(), thread_name_prefix="smilecam-frames"),
            ThreadPoolExecutor(1, thread_name_prefix="smilecam-images"),
            report,
        )
        try:
            yield service
        finally:
            service.stopping.set()
            for pool in (service.frames, service.images):
                pool.shutdown(wait=True, cancel_futures=True)
            models.close()
