"""Finding faces in a film: whole searches now and then, and in between quick looks where a face was.

A film can be looked at ahead. So its pictures come in stretches: the last picture of each is searched as a whole,
faces known before are followed forward to it, and faces that are new there are followed back to where they came in. A
face that stays for a while is not missed for coming in between two searches, and the result depends on the film alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from smilecam.detection.base import FaceDetector
from smilecam.detection.motion import MotionGate, detect_in_regions
from smilecam.geometry import similarity
from smilecam.tracking.association import SAME_FACE, UNCONFIRMED, between, match
from smilecam.types import Box, DetectedFace, GreyImage

MOSTLY_CHANGED = 0.6
"""Where more of the picture than this has changed, the whole is searched: it costs little more."""


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """How closely to look.

    Attributes:
        search_every: seconds between searches, at most; they are of what has changed.
        search_every_unchanged: seconds between searches of the whole picture, at most.
        search_frames: pictures between them, at most; that many are kept in memory.
        look_every: seconds between two looks at a known face; its box in between lies on the straight way.
    """

    search_every: float = 0.5
    search_every_unchanged: float = 3.0
    search_frames: int = 16
    look_every: float = 0.1


@dataclass(slots=True)
class _Trail:
    """One face through a stretch: picture's index -> the face there, and how many whole searches did not see it."""

    faces: dict[int, DetectedFace]
    unconfirmed: int = 0


class OfflineFaceFinder:
    """Finds the faces of a film, stretch by stretch."""

    def __init__(self, detector: FaceDetector, settings: OfflineSettings | None = None) -> None:
        """Begin a film."""
        self.settings = settings or OfflineSettings()
        self._detector = detector
        self._known: list[_Trail] = []
        self._begun = False
        self._motion: MotionGate | None = None
        self._searched = 0.0

    def ends_stretch(self, count: int, seconds: float) -> bool:
        """Whether a stretch of ``count`` pictures over ``seconds`` is to be searched now."""
        if not self._begun:
            return True  # the first picture, by itself
        return count >= self.settings.search_frames or seconds >= self.settings.search_every

    def __call__(self, pictures: Sequence[GreyImage], times: Sequence[float]) -> list[list[DetectedFace]]:
        """Find the faces of the next stretch.

        Args:
            pictures: uint8 (height, width) each, one size.
            times: seconds, of each.

        Returns:
            For each picture its faces from left to right.
        """
        last = len(pictures) - 1
        stretch = _Stretch(self._detector, pictures, times, self.settings.look_every)
        trails = [stretch.follow(trail, -1) for trail in self._known]
        alive = [trail for trail in trails if last in trail.faces]
        known = [trail.faces[last].box for trail in alive]
        if len(alive) < len(trails):
            self._motion = None  # where somebody was lost, nothing need have changed much
        found, whole = self._search(pictures[last], times[last], known)
        pairs = match(known, [face.box for face in found], SAME_FACE)
        _confirm(alive, found, pairs, last, whole)
        old = {j for _, j in pairs}
        trails += [stretch.follow_back(face, trails) for j, face in enumerate(found) if j not in old]
        self._known = [
            _Trail({-1: trail.faces[last]}, trail.unconfirmed)
            for trail in trails
            if last in trail.faces and trail.unconfirmed < UNCONFIRMED
        ]
        self._begun = True
        return [_distinct(trail.faces[index] for trail in trails if index in trail.faces) for index in range(last + 1)]

    def _search(self, picture: GreyImage, time: float, known: list[Box]) -> tuple[list[DetectedFace], bool]:
        """Search what has changed since the last search, and whether that was the whole picture."""
        parts = None
        if self._motion is not None and 0 <= time - self._searched < self.settings.search_every_unchanged:
            parts = self._motion.changes(picture, known)
            if not parts:
                return [], False
            if sum(part.area for part in parts) > MOSTLY_CHANGED * picture.size:
                parts = None
        found = self._detector(picture) if parts is None else detect_in_regions(self._detector, picture, parts)
        self._motion = MotionGate(picture, [*known, *(face.box for face in found)])
        if parts is None:
            self._searched = time
        return found, parts is None


def _confirm(
    trails: Sequence[_Trail], found: Sequence[DetectedFace], pairs: Sequence[tuple[int, int]], last: int, whole: bool
) -> None:
    """Take over what a search says of followed faces; one of the whole picture also speaks of those it did not see."""
    seen = dict(pairs)
    for i, trail in enumerate(trails):
        if i in seen:
            trail.faces[last], trail.unconfirmed = found[seen[i]], 0
        else:
            trail.unconfirmed += whole


class _Stretch:
    """The pictures of one stretch, and ways through them."""

    def __init__(
        self, detector: FaceDetector, pictures: Sequence[GreyImage], times: Sequence[float], look_every: float
    ) -> None:
        self._detector, self._pictures, self._times, self._look_every = detector, pictures, times, look_every

    def follow(self, trail: _Trail, at: int) -> _Trail:
        """Lead a known face forward as far as it is seen."""
        looks = {at: trail.faces[at]}
        while at < len(self._pictures) - 1:
            step = self._look(looks[at], at, 1)
            if step is None:
                break
            at, face = step
            looks[at] = face
        return _Trail(_filled(looks), trail.unconfirmed)

    def follow_back(self, face: DetectedFace, trails: Sequence[_Trail]) -> _Trail:
        """Lead a new face from the last picture back to where it came in, or to where it is known already."""
        at = len(self._pictures) - 1
        looks = {at: face}
        while at > 0:
            step = self._look(looks[at], at, -1)
            if step is None or any(
                step[0] in other.faces and similarity(other.faces[step[0]].box, step[1].box) >= SAME_FACE
                for other in trails
            ):
                break
            at, seen = step
            looks[at] = seen
        return _Trail(_filled(looks))

    def _look(self, face: DetectedFace, at: int, direction: int) -> tuple[int, DetectedFace] | None:
        """The face at the next place to look; where it is not there, at the furthest picture before that shows it."""
        for to in self._places(at, direction):
            (seen,) = self._detector.redetect(self._pictures[to], [face])
            if seen is not None:
                return to, seen
        return None

    def _places(self, at: int, direction: int) -> Iterator[int]:
        """Where to look from ``at``: as far as a look reaches in time, then ever nearer."""
        limit = len(self._pictures) - 1 if direction > 0 else 0
        to = at + direction
        start = self._times[max(0, at)]
        while to != limit and abs(self._times[to + direction] - start) <= self._look_every:
            to += direction
        while to != at:
            yield to
            to = (to + at) // 2 if direction > 0 else -((-to - at) // 2)


def _filled(looks: dict[int, DetectedFace]) -> dict[int, DetectedFace]:
    """The faces that were looked at, and those on the straight way between two looks."""
    faces = dict(looks)
    places = sorted(looks)
    for a, b in pairwise(places):
        for index in range(a + 1, b):
            faces[index] = between(looks[a], looks[b], (index - a) / (b - a))
    return faces


def _distinct(faces: Iterator[DetectedFace]) -> list[DetectedFace]:
    """From left to right, each face once: of boxes on one face the surest stays."""
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda face: -face.confidence):
        if all(similarity(face.box, other.box) < SAME_FACE for other in kept):
            kept.append(face)
    return sorted(kept)
