"""CPU time by stage: what each step of the way of a frame costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import Enum
from typing import TypeVar

from smilecam.detection.base import FaceDetector
from smilecam.types import Box, DetectedFace, GreyPixels

T = TypeVar("T")


class Stage(Enum):
    """A step of the way of a frame; the value is what tables call it."""

    DECODE = "decoding, in the thread that reads"
    CUT = "looking for cuts"
    FOLLOW = "following faces by their pixels, motion"
    DETECT = "detecting in images and moving regions"
    REDETECT = "re-detecting known faces"
    READ = "cropping and classifying"
    STATES = "tracks and states"
    WRITE = "outputs"
    REST = "other threads (most of decoding), detection in the background, Python"


class Stages:
    """Adds up the CPU time of stages, each without those inside it. Threads may share one."""

    def __init__(self) -> None:
        """Begin; the process's CPU time counts from here."""
        self._lock, self._local = threading.Lock(), threading.local()
        self._seconds: dict[Stage, float] = {}
        self._begun = time.process_time()
        self._frames = 0

    def count(self, frames: int = 1) -> None:
        """Count frames that have been processed."""
        with self._lock:
            self._frames += frames

    def measure(self, stage: Stage) -> AbstractContextManager[None]:
        """Count the CPU time of a block, in this thread, for a stage."""
        return self._measure(stage)

    @contextmanager
    def _measure(self, stage: Stage) -> Iterator[None]:
        outer = getattr(self._local, "inside", 0.0)
        self._local.inside = 0.0
        begun = time.thread_time()
        try:
            yield
        finally:
            spent = time.thread_time() - begun
            with self._lock:
                self._seconds[stage] = self._seconds.get(stage, 0.0) + spent - self._local.inside
            self._local.inside = outer + spent

    def each(self, stage: Stage, items: Iterable[T]) -> Iterable[T]:
        """The items, with the time that each takes to come counted for a stage."""
        return self._each(stage, items)

    def _each(self, stage: Stage, items: Iterable[T]) -> Iterator[T]:
        iterator = iter(items)
        while True:
            with self.measure(stage):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def lines(self) -> list[str]:
        """A table: milliseconds of CPU a frame and the share of each stage, the most costly first."""
        total = time.process_time() - self._begun
        rest = {Stage.REST: max(0.0, total - sum(self._seconds.values()))}
        rows = sorted((self._seconds | rest).items(), key=lambda row: -row[1])
        frames = max(1, self._frames)
        table = [f"CPU by stage: {self._frames} frames, {1000 * total / frames:.3f} ms each"]
        return table + [
            f"{1000 * spent / frames:9.3f} ms {spent / max(total, 1e-9):6.1%}  {stage.value}" for stage, spent in rows
        ]


class Unmeasured(Stages):
    """Stages of which nobody asks for the time: several clocks would be read for each frame."""

    def count(self, frames: int = 1) -> None:
        """Count nothing."""

    def measure(self, stage: Stage) -> AbstractContextManager[None]:  # noqa: ARG002 - as where it is measured
        """Run a block as it is."""
        return _NOTHING

    def each(self, stage: Stage, items: Iterable[T]) -> Iterable[T]:  # noqa: ARG002 - as where it is measured
        """The items as they are."""
        return items


_NOTHING = nullcontext()


class MeasuredDetector:
    """A face detector whose time is counted."""

    def __init__(self, detector: FaceDetector, stages: Stages) -> None:
        """Wrap a detector; its name is kept."""
        self._detector, self._stages, self.name = detector, stages, detector.name

    def __call__(self, grey: GreyPixels, region: Box | None = None) -> list[DetectedFace]:
        """Detect faces, as ``FaceDetector.__call__`` does."""
        with self._stages.measure(Stage.DETECT):
            return self._detector(grey, region)

    def redetect(self, grey: GreyPixels, faces: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Detect known faces again, as ``FaceDetector.redetect`` does."""
        with self._stages.measure(Stage.REDETECT):
            return self._detector.redetect(grey, faces)
