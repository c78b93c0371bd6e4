"""Finding faces in a live stream: quick looks where faces were in every frame, whole searches beside them.

A search takes longer than a frame may wait. So it runs in a thread of its own, on one frame at a time; what it finds is
looked for again in the newest frame when it is done. While the picture stays the same, little is searched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from smilecam.detection.base import FaceDetector
from smilecam.detection.motion import MotionGate, detect_in_regions
from smilecam.geometry import iou, similarity
from smilecam.tracking.association import SAME_FACE, UNCONFIRMED, match
from smilecam.types import Box, DetectedFace, GreyImage

SAME_FACE_LATER = 0.3
"""Boxes so alike are one face where one is some frames old, as what a search found is when it is done."""

STRAYED = 0.6
"""Where a search sees a face whose box overlaps the followed one by less than this, the search is right."""


@dataclass(frozen=True, slots=True)
class OnlineSettings:
    """How often to search.

    Attributes:
        search_every: seconds from the begin of one search to the next, at least; they are of what has changed.
        search_every_unseen: the same while no face is known.
        search_whole_every: seconds between searches of the whole picture, at most.
    """

    search_every: float = 0.25
    search_every_unseen: float = 0.1
    search_whole_every: float = 3.0


class BackgroundDetection:
    """Whole searches in one thread, for any number of streams: a stream has at most one waiting."""

    def __init__(self, make_detector: Callable[[], FaceDetector]) -> None:
        """Start when the first search is asked for; the detector is made in the thread that uses it."""
        self._make = make_detector
        self._detector: FaceDetector | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="smilecam-search")

    def submit(self, grey: GreyImage, parts: list[Box] | None) -> Future[list[DetectedFace]]:
        """Search a picture that nobody changes any more, or only parts of it."""
        return self._pool.submit(self._search, grey, parts)

    def _search(self, grey: GreyImage, parts: list[Box] | None) -> list[DetectedFace]:
        if self._detector is None:
            self._detector = self._make()
        return self._detector(grey) if parts is None else detect_in_regions(self._detector, grey, parts)

    def close(self) -> None:
        """End the thread; a search that runs is not waited for longer than it takes, those that wait are dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class _Known:
    face: DetectedFace
    unconfirmed: int = 0


class OnlineFaceFinder:
    """Finds the faces of a live stream, frame by frame."""

    def __init__(
        self,
        detector: FaceDetector,
        search: BackgroundDetection,
        settings: OnlineSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin a stream.

        Args:
            detector: for the quick looks, in the caller's thread.
            search: for whole searches.
            settings: how often.
            clock: seconds that only grow.
        """
        self.settings = settings or OnlineSettings()
        self._detector, self._search, self._clock = detector, search, clock
        self._known: list[_Known] = []
        self._running: Future[list[DetectedFace]] | None = None
        self._whole = True
        self._motion: MotionGate | None = None
        self._asked = self._searched_whole = float("-inf")

    def __call__(self, grey: GreyImage) -> list[DetectedFace]:
        """Find the faces of the next frame.

        Args:
            grey: uint8 (height, width); not changed by anybody afterwards.

        Returns:
            Faces from left to right.
        """
        if self._running is not None and self._running.done():
            done, self._running = self._running, None
            self._take(done.result())
        looks = self._detector.redetect(grey, [known.face for known in self._known])
        if None in looks:
            self._motion = None  # where somebody was lost, nothing need have changed much
        self._known = [
            _Known(face, known.unconfirmed) for known, face in zip(self._known, looks, strict=True) if face is not None
        ]
        self._drop_twins()
        self._ask(grey)
        return sorted(known.face for known in self._known)

    def _take(self, found: list[DetectedFace]) -> None:
        """Add faces that a search found and nobody knew; set right the known ones, and count those it did not find."""
        pairs = match([known.face.box for known in self._known], [face.box for face in found], SAME_FACE_LATER)
        confirmed, seen = dict(pairs), {j for _, j in pairs}
        for i, known in enumerate(self._known):
            known.unconfirmed = 0 if i in confirmed else known.unconfirmed + self._whole
            if i in confirmed and iou(found[confirmed[i]].box, known.face.box) < STRAYED:
                known.face = found[confirmed[i]]  # looks had come to see a part of it
        self._known = [known for known in self._known if known.unconfirmed < UNCONFIRMED]
        self._known += [_Known(face) for j, face in enumerate(found) if j not in seen]

    def _drop_twins(self) -> None:
        """Of two boxes that came to lie on one face, keep the one that is known for longer."""
        kept: list[_Known] = []
        for known in self._known:
            if all(similarity(known.face.box, other.face.box) < SAME_FACE for other in kept):
                kept.append(known)
        self._known = kept

    def _ask(self, grey: GreyImage) -> None:
        """Have what has changed since the last search searched, when it is time."""
        now = self._clock()
        wait = self.settings.search_every if self._known else self.settings.search_every_unseen
        if self._running is not None or now - self._asked < wait:
            return
        self._asked = now
        boxes = [known.face.box for known in self._known]
        self._whole = self._motion is None or now - self._searched_whole >= self.settings.search_whole_every
        parts = None if self._whole or self._motion is None else self._motion.changes(grey, boxes)
        if self._whole or parts:
            self._running, self._motion = self._search.submit(grey, parts), MotionGate(grey, boxes)
        if self._whole:
            self._searched_whole = now
