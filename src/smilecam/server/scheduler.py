"""Which stream's frame is processed next: streams share the threads fairly, whatever their frames cost."""

from __future__ import annotations

import asyncio
import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

HEAVY_SECONDS = 0.1
"""A frame that is expected to take so long is heavy: it may have to wait for other heavy ones, and for nothing else."""

SECONDS_PER_MEGAPIXEL = 0.01
"""What a frame of a stream that is not known yet is expected to cost."""

SMOOTHING = 0.3
"""Weight of the newest frame in a stream's expected cost."""

WINDOW_SECONDS = 2.0
"""Waits of so long are remembered."""

SATURATED_SECONDS = 0.5
"""Where frames wait so long, a further stream would be served as badly as all others."""


def thread_count() -> int:
    """Number of threads for stream frames; a stream occupies one of them at most."""
    return min(8, max(2, os.cpu_count() or 2))


class Lane:
    """One stream, as the scheduler knows it.

    Attributes:
        cost: seconds that a frame of it is expected to take; None before the first.
        served: seconds of work that it has had, by the scheduler's virtual clock.
    """

    __slots__ = ("_charged", "cost", "served")

    def __init__(self) -> None:
        """Begin without a frame."""
        self.cost: float | None = None
        self.served = 0.0
        self._charged = 0.0

    def expected(self, pixels: int) -> float:
        """Seconds that its next frame is expected to take; a frame of many pixels is never taken for a cheap one."""
        return max(self.cost or 0.0, SECONDS_PER_MEGAPIXEL * pixels / 1e6)

    def charge(self, seconds: float) -> None:
        """Add to the cost of the frame that is being processed what it costs elsewhere than in its thread."""
        self._charged += seconds

    def learn(self, seconds: float) -> None:
        """Take note of a frame's processor time in its thread."""
        seconds += self._charged
        self._charged = 0.0
        self.served += seconds
        self.cost = seconds if self.cost is None else self.cost + SMOOTHING * (seconds - self.cost)


@dataclass(slots=True, eq=False)
class _Job:
    """A frame that waits for its turn."""

    lane: Lane
    call: Callable[[], Any]
    expected: float
    tag: float
    queued: float
    future: Future[Any] = field(default_factory=Future)

    @property
    def heavy(self) -> bool:
        return self.expected >= HEAVY_SECONDS


class FrameScheduler:
    """Runs the frames of streams in a few threads.

    Start-time fair queueing: of the streams that wait, the one that has had the least work is next, so that a stream
    of costly frames gets as much time as others, and not as many frames. A thread cannot be taken away from a frame,
    so half of the threads never take a heavy one. Each stream has at most one frame here: what waits is bounded by
    the number of streams.
    """

    def __init__(self, threads: int) -> None:
        """Start the threads."""
        self._heavy_places = max(1, threads // 2)
        self._heavy_running = 0
        self._waiting: list[_Job] = []
        self._virtual = 0.0
        self._waits: deque[tuple[float, float]] = deque()
        self._closed = False
        self._condition = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name="smilecam-frames", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, lane: Lane, pixels: int, call: Callable[..., T], *arguments: object) -> T:
        """Run a function in one of the threads when it is the stream's turn.

        Args:
            lane: of the stream; not twice at a time.
            pixels: of the frame.
            call: the function.
            arguments: its arguments.
        """
        with self._condition:
            lane.served = max(lane.served, self._virtual)
            job = _Job(lane, partial(call, *arguments), lane.expected(pixels), lane.served, time.monotonic())
            if self._closed:
                raise asyncio.CancelledError
            self._waiting.append(job)
            self._condition.notify()
        result: T = await asyncio.wrap_future(job.future)
        return result

    @property
    def saturated(self) -> bool:
        """Whether ordinary frames have to wait long for a thread."""
        since = time.monotonic() - WINDOW_SECONDS
        with self._condition:
            while self._waits and self._waits[0][0] < since:
                self._waits.popleft()
            return bool(self._waits) and statistics.median(wait for _, wait in self._waits) > SATURATED_SECONDS

    def close(self) -> None:
        """End the threads: frames that are being processed are waited for, those that wait are dropped."""
        with self._condition:
            self._closed = True
            for job in self._waiting:
                job.future.cancel()
            self._waiting.clear()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            began = time.thread_time()  # not the clock: where a frame was interrupted is not its stream's fault
            if job.future.set_running_or_notify_cancel():
                try:
                    result = job.call()
                except BaseException as error:  # noqa: BLE001 - a thread's edge: raised where the result is awaited
                    job.future.set_exception(error)
                    del error
                else:
                    job.future.set_result(result)
                    del result
            self._end(job, time.thread_time() - began)
            del job  # with its frame, until the next one comes

    def _take(self) -> _Job | None:
        """Wait for the job that is next; None at the end."""
        with self._condition:
            while (job := self._next()) is None:
                if self._closed:
                    return None
                self._condition.wait()
            self._waiting.remove(job)
            self._virtual = max(self._virtual, job.tag)
            self._heavy_running += job.heavy
            if not job.heavy:
                now = time.monotonic()
                self._waits.append((now, now - job.queued))
            return job

    def _next(self) -> _Job | None:
        allowed = (job for job in self._waiting if not job.heavy or self._heavy_running < self._heavy_places)
        return min(allowed, key=lambda job: job.tag, default=None)

    def _end(self, job: _Job, seconds: float) -> None:
        with self._condition:
            self._heavy_running -= job.heavy
            job.lane.learn(seconds)
