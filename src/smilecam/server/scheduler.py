"""Which stream's frame is processed next: streams share the threads fairly, whatever their frames cost."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from smilecam.pipeline.fair_gate import usable_cores

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
    return min(8, max(2, usable_cores()))


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
        # The event loop's thread takes no lock: it would wait for threads that wait for the interpreter.
        self._lock = threading.Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()
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
        if self._closed:
            raise asyncio.CancelledError
        lane.served = max(lane.served, self._virtual)
        job = _Job(lane, partial(call, *arguments), lane.expected(pixels), lane.served, time.monotonic())
        self._waiting.append(job)
        self._wake.put(None)
        result: T = await asyncio.wrap_future(job.future)
        return result

    @property
    def saturated(self) -> bool:
        """Whether ordinary frames have to wait long for a thread."""
        since = time.monotonic() - WINDOW_SECONDS
        waits = [wait for at, wait in list(self._waits) if at >= since]
        return bool(waits) and statistics.median(waits) > SATURATED_SECONDS

    def close(self) -> None:
        """End the threads: frames that are being processed are waited for, those that wait are dropped."""
        self._closed = True
        for job in list(self._waiting):
            job.future.cancel()
        for _ in self._threads:
            self._wake.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            self._wake.get()
            while (job := self._take()) is not None:
                heavy = job.heavy
                self._process(job)
                del job  # with its frame, until the next one comes
                if not heavy:  # after a heavy one, another may wait that nobody could take before
                    break
            if self._closed:
                return

    def _process(self, job: _Job) -> None:
        began = time.thread_time()  # not the clock: where a frame was interrupted is not its stream's fault
        if job.future.set_running_or_notify_cancel():
            try:
                result = job.call()
            except BaseException as error:  # noqa: BLE001 - a thread's edge: raised where the result is awaited
                self._end(job, began)
                job.future.set_exception(error)
                del error
            else:
                self._end(job, began)
                job.future.set_result(result)
        else:
            self._end(job, began)

    def _end(self, job: _Job, began: float) -> None:
        """Free the place of a frame, before its stream brings the next one."""
        job.lane.learn(time.thread_time() - began)
        if job.heavy:
            with self._lock:
                self._heavy_running -= 1

    def _take(self) -> _Job | None:
        """The job that is next, if there is one that may run now."""
        with self._lock:
            allowed = [job for job in list(self._waiting) if not job.heavy or self._heavy_running < self._heavy_places]
            if not allowed:
                return None
            job = min(allowed, key=lambda job: job.tag)
            self._waiting.remove(job)
            self._virtual = max(self._virtual, job.tag)
            self._heavy_running += job.heavy
        if not job.heavy:
            self._note_wait(job.queued)
        return job

    def _note_wait(self, queued: float) -> None:
        now = time.monotonic()
        self._waits.append((now, now - queued))
        while self._waits[0][0] < now - WINDOW_SECONDS:  # the one just added stays
            self._waits.popleft()
