"""Finding faces in a live stream: quick looks where faces were in every frame, whole searches beside them.

A whole search takes longer than a frame may wait. So it runs in a thread of its own, on one frame at a time; what it
finds is looked for again in the newest frame when it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from smilecam.stream.matching import match
from smilecam.types import FoundFace, GreyPicture, likeness
from smilecam.vision.detect import FaceDetector

SAME_FACE = 0.3
"""Boxes so alike are one face: a little less than in films, since a search is some frames old."""

UNCONFIRMED = 2
"""Whole searches in a row that do not see a followed face before it is given up."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How often to search.

    Attributes:
        search_every: seconds from the begin of one whole search to the next, at least.
        search_every_unseen: the same while no face is known.
    """

    search_every: float = 0.25
    search_every_unseen: float = 0.1


class BackgroundSearch:
    """Whole searches in one thread, for any number of streams: a stream has at most one waiting."""

    def __init__(self, make_detector: Callable[[], FaceDetector]) -> None:
        """Start when the first search is asked for; the detector is made in the thread that uses it."""
        self._make = make_detector
        self._detector: FaceDetector | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="smilecam-search")

    def submit(self, grey: GreyPicture) -> Future[list[FoundFace]]:
        """Search a picture that nobody changes any more."""
        return self._pool.submit(self._search, grey)

    def _search(self, grey: GreyPicture) -> list[FoundFace]:
        if self._detector is None:
            self._detector = self._make()
        return self._detector(grey)

    def close(self) -> None:
        """End the thread; a search that runs is not waited for longer than it takes, those that wait are dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class _Known:
    face: FoundFace
    unconfirmed: int = 0


class LiveFinder:
    """Finds the faces of a live stream, frame by frame."""

    def __init__(
        self,
        detector: FaceDetector,
        search: BackgroundSearch,
        settings: LiveSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin a stream.

        Args:
            detector: for the quick looks, in the caller's thread.
            search: for whole searches.
            settings: how often.
            clock: seconds that only grow.
        """
        self.settings = settings or LiveSettings()
        self._detector, self._search, self._clock = detector, search, clock
        self._known: list[_Known] = []
        self._running: Future[list[FoundFace]] | None = None
        self._searched = float("-inf")

    def __call__(self, grey: GreyPicture) -> list[FoundFace]:
        """Find the faces of the next frame.

        Args:
            grey: uint8 (height, width); not changed by anybody afterwards.

        Returns:
            Faces from left to right.
        """
        if self._running is not None and self._running.done():
            done, self._running = self._running, None
            self._take(done.result())
        looks = self._detector.near(grey, [known.face for known in self._known])
        self._known = [
            _Known(face, known.unconfirmed) for known, face in zip(self._known, looks, strict=True) if face is not None
        ]
        self._drop_twins()
        self._ask(grey)
        return sorted(known.face for known in self._known)

    def _take(self, found: list[FoundFace]) -> None:
        """Add the faces that a search found and nobody knew; count the known ones that it did not find."""
        pairs = match([known.face.box for known in self._known], [face.box for face in found], SAME_FACE)
        confirmed, seen = {i for i, _ in pairs}, {j for _, j in pairs}
        for i, known in enumerate(self._known):
            known.unconfirmed = 0 if i in confirmed else known.unconfirmed + 1
        self._known = [known for known in self._known if known.unconfirmed < UNCONFIRMED]
        self._known += [_Known(face) for j, face in enumerate(found) if j not in seen]

    def _drop_twins(self) -> None:
        """Of two boxes that came to lie on one face, keep the one that is known for longer."""
        kept: list[_Known] = []
        for known in self._known:
            if all(likeness(known.face.box, other.face.box) < SAME_FACE for other in kept):
                kept.append(known)
        self._known = kept

    def _ask(self, grey: GreyPicture) -> None:
        now = self._clock()
        wait = self.settings.search_every if self._known else self.settings.search_every_unseen
        if self._running is None and now - self._searched >= wait:
            self._running, self._searched = self._search.submit(grey), now
