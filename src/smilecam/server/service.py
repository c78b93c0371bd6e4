"""What all requests share: models, threads, limits, counters."""

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
    """Threads for frames: a stream has one frame in them at most, so one slow stream leaves the others a thread."""
    return min(8, max(2, os.cpu_count() or 2))


@dataclass(slots=True)
class Service:
    """The parts that requests share. Make it with ``open_service``.

    Attributes:
        models: that are at hand.
        settings: where a request names none.
        limits: of everything.
        folder: private, for uploads and their results; gone at the end.
        metrics: counters.
        frames: threads for frames of streams.
        pictures: the thread for uploaded pictures, apart, so that streams do not wait for them.
        ready: whether the models have read something.
        stopping: set when the process is about to end.
        report: told of errors that nobody expected.
        waiting_pictures: requests with pictures that are being answered.
    """

    models: Models
    settings: Settings
    limits: Limits
    folder: Path
    metrics: Metrics
    frames: ThreadPoolExecutor
    pictures: ThreadPoolExecutor
    report: Callable[[Exception], None]
    ready: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    waiting_pictures: int = 0

    @contextmanager
    def session(self) -> Iterator[None]:
        """One more stream or viewer.

        Raises:
            Problem: there are too many.
        """
        if self.metrics.sessions >= self.limits.sessions:
            raise Problem(503, "busy", f"There are {self.limits.sessions} sessions already: try again later.")
        self.metrics.sessions += 1
        try:
            yield
        finally:
            self.metrics.sessions -= 1

    async def in_pictures(self, call: Callable[..., T], *arguments: object) -> T:
        """Run something in the thread for pictures."""
        return await asyncio.get_running_loop().run_in_executor(self.pictures, call, *arguments)

    async def in_frames(self, call: Callable[..., T], *arguments: object) -> T:
        """Run something in one of the threads for frames."""
        return await asyncio.get_running_loop().run_in_executor(self.frames, call, *arguments)


@contextmanager
def open_service(
    models: Models, settings: Settings, report: Callable[[Exception], None], limits: Limits | None = None
) -> Iterator[Service]:
    """Make what requests share, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="smilecam-", ignore_cleanup_errors=True) as folder:
        service = Service(
            models,
            settings,
            limits or Limits(),
            Path(folder),
            Metrics(),
            ThreadPoolExecutor(frame_threads(), thread_name_prefix="smilecam-frames"),
            ThreadPoolExecutor(1, thread_name_prefix="smilecam-pictures"),
            report,
        )
        try:
            yield service
        finally:
            service.stopping.set()
            for pool in (service.frames, service.pictures):
                pool.shutdown(wait=True, cancel_futures=True)
            models.close()
