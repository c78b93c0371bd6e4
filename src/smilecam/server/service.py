"""Shared by all requests: models, threads, limits and metrics."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from smilecam.server.decoding.images import ImageDecoder
from smilecam.server.metrics import Metrics
from smilecam.server.private_folder import private_folder
from smilecam.server.problems import Problem
from smilecam.server.scheduler import FrameScheduler, thread_count
from smilecam.server.security.limits import Limits
from smilecam.server.stream_settings import Models, Settings

T = TypeVar("T")


@dataclass(slots=True)
class Service:
    """Shared by all requests. Made by ``open_service``.

    Attributes:
        models: available models.
        settings: defaults for requests and streams.
        limits: for everything that comes from outside.
        folder: private, for uploads and their results; deleted at shutdown.
        metrics: of this server.
        frames: threads for stream frames, shared fairly.
        images: the thread for uploaded images, separate so that streams do not wait for them.
        decode_frame: decodes a frame of a stream.
        decode_image: decodes an uploaded image.
        report: called with each unexpected error.
        ready: whether the models are loaded and have been run.
        stopping: set when the process is about to end.
        open_sessions: number of open streams and viewers.
        uploads: number of requests whose files are being received.
        waiting_images: number of image requests whose files have been received.
        startup_error: why the server could not start.
    """

    models: Models
    settings: Settings
    limits: Limits
    folder: Path
    metrics: Metrics
    frames: FrameScheduler
    images: ThreadPoolExecutor
    decode_frame: ImageDecoder
    decode_image: ImageDecoder
    report: Callable[[Exception], None]
    ready: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    open_sessions: int = 0
    uploads: int = 0
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

    def check_capacity(self) -> None:
        """Refuse a stream or viewer that could not be served well.

        Raises:
            Problem: too many are open, or frames wait too long already.
        """
        if self.open_sessions >= self.limits.sessions:
            raise Problem(503, "busy", f"There are {self.limits.sessions} sessions already: try again later.")
        if self.frames.saturated:
            raise Problem(503, "busy", "Frames wait too long already: try again later.")

    @contextmanager
    def session(self) -> Iterator[None]:
        """Count one stream or viewer while it is open; for the event loop's thread.

        Raises:
            Problem: as of ``check_capacity``.
        """
        self.check_capacity()
        self.open_sessions += 1
        try:
            with self.metrics.sessions.track_inprogress():
                yield
        finally:
            self.open_sessions -= 1

    @contextmanager
    def upload(self) -> Iterator[None]:
        """Count one request while its files are received.

        Raises:
            Problem: too many are being received.
        """
        if self.uploads >= self.limits.uploads:
            raise Problem(429, "busy", "Too many files are being received already: try again later.")
        self.uploads += 1
        try:
            yield
        finally:
            self.uploads -= 1

    async def in_images(self, call: Callable[..., T], *arguments: object) -> T:
        """Run a function in the thread for uploaded images."""
        return await asyncio.get_running_loop().run_in_executor(self.images, call, *arguments)


@contextmanager
def open_service(
    models: Models, settings: Settings, report: Callable[[Exception], None], limits: Limits | None = None
) -> Iterator[Service]:
    """Make what requests share; on the way out, stop its threads, close the models and delete the folder."""
    limits = limits or Limits()
    with private_folder() as folder:
        service = Service(
            models,
            settings,
            limits,
            folder,
            Metrics(),
            FrameScheduler(thread_count()),
            ThreadPoolExecutor(1, thread_name_prefix="smilecam-images"),
            ImageDecoder(limits.pixels, limits.frame_decode_seconds),
            ImageDecoder(limits.pixels, limits.image_decode_seconds),
            report,
        )
        try:
            yield service
        finally:
            service.stopping.set()
            service.decode_frame.close()  # whoever waits for a worker, waits no longer
            service.decode_image.close()
            service.frames.close()
            service.images.shutdown(wait=True, cancel_futures=True)
            models.close()
