"""Detection of faces beside the frames of live streams: one thread, which all streams of a detector share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from smilecam.detection.base import FaceDetector
from smilecam.detection.motion import detect_in_regions
from smilecam.types import Box, DetectedFace, GreyImage

MAX_SHARE = 0.4
"""Of a core's time, for the detections of several streams together; the rest is left to their frames."""

ALONE_SHARE = 0.25
"""The same for one stream, which need not keep a machine busy while nobody is seen."""

ACTIVE_SECONDS = 5.0
"""A stream that has not wanted to detect for so long leaves its share to the others."""

PATIENCE_SECONDS = 0.5
"""A stream that has not asked for so long, with frames that come rarely, is not waited for."""


class BackgroundDetection:
    """Detection in one thread, for any number of streams, which take turns with the frames that they have then.

    Several streams together keep it to ``MAX_SHARE`` of a core, from the first detection of each on: where many come at
    once, the frames of those whose faces are known do not wait for the others' faces. One alone has ``ALONE_SHARE``.
    """

    def __init__(
        self, make_detector: Callable[[], FaceDetector], make_thorough: Callable[[], FaceDetector] | None = None
    ) -> None:
        """Prepare; the thread starts with the first detection, and makes its detectors itself.

        Args:
            make_detector: makes the detector.
            make_thorough: makes the one for streams in which nobody is known; None for the same.
        """
        self._make = {False: make_detector, True: make_thorough or make_detector}
        self._detectors: dict[bool, FaceDetector] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="smilecam-detect")
        self._lock = threading.Lock()
        self._usage: WeakKeyDictionary[object, _Usage] = WeakKeyDictionary()
        self._open = 0
        self._free_at = self._free_alone_at = float("-inf")

    def admits(self, stream: object) -> bool:
        """Whether a stream may detect in the frame that it has now; it asks again with the next one.

        Next is the stream whose last detection is the longest ago; before those, in the order in which they came, the
        ones that have had none. One that has not asked for a while is passed over.

        Args:
            stream: that asks.
        """
        now = time.monotonic()
        with self._lock:
            usage = self._usage.setdefault(stream, _Usage(now))
            usage.asked = now
            usage.waits = True
            if self._alone(stream, now):
                usage.waits = now < self._free_alone_at
                return not usage.waits
            if self._open or now < self._free_at:
                return False
            waiting = [one for one in self._usage.values() if one.waits and now - one.asked < PATIENCE_SECONDS]
            if usage is not min(waiting, key=lambda one: (one.served, one.began)):
                return False
            usage.waits = False
            return True

    def submit(
        self, stream: object, grey: GreyImage, regions: list[Box] | None, *, nobody_known: bool = False
    ) -> Future[list[DetectedFace]]:
        """Detect in an image that nobody changes any more.

        Args:
            stream: whose image it is.
            grey: uint8 (height, width).
            regions: where to detect, in its pixels; None for the whole.
            nobody_known: whether no face of the stream is known, so that missing one matters more than the time. Of
                streams that share the time, each is first tried as others are: most faces are found so, and all sooner.
        """
        now = time.monotonic()
        with self._lock:
            usage = self._usage.setdefault(stream, _Usage(now))
            thorough = nobody_known and (usage.served > float("-inf") or self._alone(stream, now))
            usage.served = now
            self._open += 1
        future = self._pool.submit(self._metered, grey, regions, thorough)
        future.add_done_callback(self._done)
        return future

    def _alone(self, stream: object, now: float) -> bool:
        """Whether no other stream has asked or detected of late."""
        return all(
            other is stream or now - max(usage.asked, usage.served) >= ACTIVE_SECONDS
            for other, usage in self._usage.items()
        )

    def _done(self, _future: Future[list[DetectedFace]]) -> None:
        with self._lock:
            self._open -= 1

    def _metered(self, grey: GreyImage, regions: list[Box] | None, thorough: bool) -> list[DetectedFace]:
        began, used = time.monotonic(), time.thread_time()
        found = self._detect(grey, regions, thorough)
        used = time.thread_time() - used
        with self._lock:
            self._free_at, self._free_alone_at = began + used / MAX_SHARE, began + used / ALONE_SHARE
        return found

    def _detect(self, grey: GreyImage, regions: list[Box] | None, thorough: bool) -> list[DetectedFace]:
        if thorough not in self._detectors:
            self._detectors[thorough] = self._make[thorough]()
        detector = self._detectors[thorough]
        return detector(grey) if regions is None else detect_in_regions(detector, grey, regions)

    def close(self) -> None:
        """End the thread: the detection that runs is waited for, those that wait are dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class _Usage:
    """What a stream has had of the thread for detection, in seconds by the clock.

    Attributes:
        began: when the stream came.
        asked: when it last asked to detect.
        served: when it last did.
        waits: whether it wants to.
    """

    began: float
    asked: float = float("-inf")
    served: float = float("-inf")
    waits: bool = False
