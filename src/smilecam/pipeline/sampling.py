"""Reading smiles where they can change: faces that stay the same need not be read in every frame.

In a live stream a face is read again when it looks different, or after a moment. In recorded video the last frame of a
window is read of each track. Where two frames that were read agree, and are sure or near enough in time for how much
the faces in them look alike, the frames in between are interpolated; otherwise the one in the middle is read, and so
on. So every frame around a change is read, and the change lies where it would with all of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from smilecam.classification.batch import FaceClassifier
from smilecam.sources.frame import Frame
from smilecam.tracking.smile_state import Sample, log_odds
from smilecam.types import DetectedFace, FloatArray

MAX_GAP_SECONDS = 0.6
"""Frames that are read lie no further apart."""

SURE = 2.0
"""Log odds from the threshold from which a frame is sure: a probability of .88 where the threshold is .5."""


class _Unread(NamedTuple):
    """When a face need not be read, for what was read of it before (and, in recorded video, after).

    Attributes:
        gap: seconds between the two frames, at most.
        sure: log odds from the threshold of what was read, at least.
        alike: correlation of the network's inputs, at least. A mouth that opens, or a crop off by a tenth, is below .8.
        difference: of the log odds of both frames, at most.
    """

    gap: float
    sure: float
    alike: float
    difference: float = math.inf

    def holds(self, gap: float, sure: float, alike: float, difference: float = 0.0) -> bool:
        """Whether a face need not be read."""
        return gap <= self.gap and sure >= self.sure and alike >= self.alike and difference <= self.difference


UNREAD = (
    _Unread(MAX_GAP_SECONDS, SURE, 0.8, 3.0),
    _Unread(0.3, SURE, 0.5),  # who moves, but is sure: a smile that short would be left out anyway
    _Unread(0.17, 0.0, 0.9, 1.5),  # near the threshold, while nothing moves: every fourth or fifth frame
)
"""One of these is enough, where both frames lie on the same side of the threshold. On the development clips not one
state and not one event differs from those with every frame read (benchmarks/agreement.py); with the first alone, half
as many faces again are read."""

LEAST_ODDS = 1e-9
"""Keeps the log odds of 0 and 1 finite."""

LIVE_GAP_SECONDS = 0.12
"""The same in a live stream, which does not know what comes: every fourth frame of 30 a second is read."""

COMPARED_SECONDS = 0.06
"""For each unit of strain above 1, a face in a live stream is not compared for so long: 0.18 s at most."""


LIVE_UNREAD = (
    _Unread(LIVE_GAP_SECONDS, SURE, 0.97),
    _Unread(0.09, 3.0, 0.9),  # who moves, but is very sure: every third frame of 30 a second
)
"""One of these is enough, as each change is to be seen at once. On the development clips, with the same faces, .04 % of
10,660 states (yunet) and .02 % of 9,925 (haar) differ from those with every face read, and all of 45 and 45 events lie
within a frame; without the second an eighth more is read, and of a crowd a quarter more. With .8 or .12 s in it, five
events begin two frames late (benchmarks/agreement.py)."""


MAX_FACES_READ, OVERDUE_SECONDS = 4, 0.3
"""Faces that are read in one live frame, at most, a limit on its work: those first that were read the longest ago. New
faces are always read, and those that were read longer ago than this."""


class FoundFrame(NamedTuple):
    """A frame with its faces.

    Attributes:
        frame: whose pixels are made only if one of its faces is read.
        time: seconds.
        faces: in its pixels.
        tracks: number of the track of each.
    """

    frame: Frame
    time: float
    faces: Sequence[DetectedFace]
    tracks: Sequence[int]


class _Known(NamedTuple):
    """A face that the network has seen: when, the probability, and its input as a row of zero mean and unit length."""

    time: float
    smile: float
    row: FloatArray

    @property
    def value(self) -> float:
        """Log odds, clipped as those by which states are decided."""
        return log_odds(self.smile)


class _Place(NamedTuple):
    """A face of a window: index of the frame, and of the face in it."""

    frame: int
    face: int


class LiveSampler:
    """Reads the faces of a live stream, frame by frame, and lets the probability of one that stays the same stand."""

    def __init__(self) -> None:
        """Begin a stream."""
        self._last: dict[int, _Known] = {}
        self._compared: dict[int, float] = {}

    def __call__(
        self,
        found: FoundFrame,
        classify_faces: FaceClassifier,
        threshold: float,
        *,
        every_frame: bool = False,
        strain: float = 1.0,
    ) -> list[Sample]:
        """Give a sample for each face of the next frame.

        Args:
            found: the frame.
            classify_faces: the network.
            threshold: probability around which smiles begin and end.
            every_frame: whether all faces are read.
            strain: so many times as long what was read may stand; from 1, where each face is compared in each frame.
        """
        if every_frame:
            self._last = {}
            (smiles,) = classify_faces([(found.frame.grey_pixels, found.faces)])
            return [Sample(smile) for smile in smiles]
        samples: dict[int, Sample] = {}
        due = [at for at, track in enumerate(found.tracks) if self._is_due(track, found.time, strain)]
        inputs = classify_faces.inputs([(found.frame.grey_pixels, [found.faces[at] for at in due])])
        rows = [_standardized(image) for image in inputs]
        wanted = []
        for number, at in enumerate(due):
            self._compared[found.tracks[at]] = found.time
            if not self._stands(found.tracks[at], found.time, rows[number], log_odds(threshold), strain):
                wanted.append(number)
        since = [self._seconds_since(found.tracks[due[number]], found.time) for number in wanted]
        wanted = _most_urgent(wanted, since, round(MAX_FACES_READ / strain))
        for number, smile in zip(wanted, classify_faces.classify(inputs[wanted]), strict=True):
            self._last[found.tracks[due[number]]] = _Known(found.time, smile, rows[number])
            samples[due[number]] = Sample(smile)
        self._forget(found.time)
        return [
            samples.get(at) or Sample(self._last[track].smile, interpolated=True)
            for at, track in enumerate(found.tracks)
        ]

    def _seconds_since(self, track: int, time: float) -> float:
        """How long ago a face was read; infinite for one that was not, or where time has gone back."""
        last = self._last.get(track)
        return math.inf if last is None or time < last.time else time - last.time

    def _is_due(self, track: int, time: float, strain: float) -> bool:
        """Whether a face is compared with what was read; where there is a strain, not in each frame."""
        last = self._last.get(track)
        if last is None or not 0 <= time - last.time <= strain * LIVE_GAP_SECONDS:
            return True
        return not 0 <= time - self._compared.get(track, -math.inf) < (strain - 1) * COMPARED_SECONDS

    def _stands(self, track: int, time: float, row: FloatArray, threshold: float, strain: float) -> bool:
        """Whether what a face was read as still stands."""
        last = self._last.get(track)
        if last is None or last.row.shape != row.shape:
            return False
        gap = self._seconds_since(track, time) / strain
        sure, alike = abs(last.value - threshold), float(last.row @ row)
        return any(rule.holds(gap, sure, alike) for rule in LIVE_UNREAD)

    def _forget(self, time: float) -> None:
        """Forget faces that were not read for a while: they are gone, or read anew."""
        self._last = {track: last for track, last in self._last.items() if time - last.time <= MAX_GAP_SECONDS}
        self._compared = {track: at for track, at in self._compared.items() if track in self._last}


def _most_urgent(wanted: Sequence[int], since: Sequence[float], most: int) -> list[int]:
    """Of the faces that are to be read, those that are read now.

    Args:
        wanted: in ascending order.
        since: seconds since each was read.
        most: of them, apart from those that are overdue.
    """
    longest_first = sorted(zip(since, wanted, strict=True), key=lambda one: -one[0])
    overdue = sum(seconds >= OVERDUE_SECONDS for seconds, _ in longest_first)
    return sorted(number for _, number in longest_first[: max(1, most, overdue)])


class SmileSampler:
    """Reads the faces of a recorded video, window by window, and interpolates the rest."""

    def __init__(self, classify_faces: FaceClassifier, threshold: float, *, every_frame: bool = False) -> None:
        """Begin a video.

        Args:
            classify_faces: the network.
            threshold: probability around which smiles begin and end.
            every_frame: whether all faces are read in all frames.
        """
        self._classify_faces, self._threshold = classify_faces, log_odds(threshold)
        self._every_frame = every_frame
        self._last: dict[int, _Known] = {}

    def __call__(self, frames: Sequence[FoundFrame]) -> list[list[Sample]]:
        """Give a sample for each face of the next window, in the order of ``FoundFrame.faces``."""
        places: dict[int, list[_Place]] = defaultdict(list)
        for index, found in enumerate(frames):
            for face, track in enumerate(found.tracks):
                places[track].append(_Place(index, face))
        if self._every_frame:
            smiles = self._classify_faces([(found.frame.grey_pixels, found.faces) for found in frames])
            return [[Sample(smile) for smile in of_frame] for of_frame in smiles]
        samples: list[list[Sample]] = [[Sample(0.0)] * len(found.faces) for found in frames]
        series = [
            _Series(self._last.get(track), track, [frames[at.frame].time for at in of_track], of_track)
            for track, of_track in places.items()
        ]
        self._read_where_needed(series, frames)
        for one in series:
            for place, sample in one.samples():
                samples[place.frame][place.face] = sample
        newest = frames[-1].time
        self._last = {track: last for track, last in self._last.items() if newest - last.time <= MAX_GAP_SECONDS}
        self._last |= {one.track: one.newest for one in series}
        return samples

    def _read_where_needed(self, series: Sequence[_Series], frames: Sequence[FoundFrame]) -> None:
        """Read round after round, all tracks in one call, until no gap is left that must be read."""
        while wanted := [(one, at) for one in series for at in one.take_wanted(self._threshold)]:
            asked = [(frames[one.places[at].frame], one.places[at].face) for one, at in wanted]
            inputs = self._classify_faces.inputs(
                [(found.frame.grey_pixels, [found.faces[face]]) for found, face in asked]
            )
            smiles = self._classify_faces.classify(inputs)
            for (one, at), smile, row in zip(wanted, smiles, inputs, strict=True):
                one.known[at] = _Known(one.times[at], smile, _standardized(row))


class _Series:
    """A track through a window, and what has been read of it.

    Attributes:
        track: its number.
        times: of its frames, in seconds.
        places: of its faces.
        known: by index into both; -1 is the last one of the window before.
    """

    def __init__(self, last: _Known | None, track: int, times: list[float], places: list[_Place]) -> None:
        self.track, self.times, self.places = track, times, places
        self.known: dict[int, _Known] = {-1: last} if last and times[0] - last.time <= MAX_GAP_SECONDS else {}
        self._gaps: list[tuple[int, int]] | None = None

    @property
    def newest(self) -> _Known:
        """What was read in the last frame."""
        return self.known[len(self.times) - 1]

    def take_wanted(self, threshold: float) -> list[int]:
        """Indices of the frames to be read next; none when the rest can be interpolated."""
        if self._gaps is None:
            last = len(self.times) - 1
            first = -1 if -1 in self.known else 0
            self._gaps = [(first, last)]
            return sorted({first, last} - {-1})
        wanted, gaps = [], []
        for a, b in self._gaps:
            if b - a > 1 and not _can_interpolate(self.known[a], self.known[b], threshold):
                middle = (a + b) // 2
                wanted.append(middle)
                gaps += [(a, middle), (middle, b)]
        self._gaps = gaps
        return wanted

    def samples(self) -> list[tuple[_Place, Sample]]:
        """A sample for every frame."""
        known = sorted(self.known)
        found = [(self.places[at], Sample(self.known[at].smile)) for at in known if at >= 0]
        for a, b in pairwise(known):
            before, after = self.known[a], self.known[b]
            for at in range(a + 1, b):
                share = (self.times[at] - before.time) / max(1e-9, after.time - before.time)
                smile = _interpolated(before.smile, after.smile, min(1.0, max(0.0, share)))
                found.append((self.places[at], Sample(smile, interpolated=True)))
        return found


def _can_interpolate(a: _Known, b: _Known, threshold: float) -> bool:
    """Whether nothing can have happened between two known."""
    gap, difference = b.time - a.time, abs(a.value - b.value)
    sure = min(abs(a.value - threshold), abs(b.value - threshold))
    if (a.value - threshold) * (b.value - threshold) <= 0:
        return False
    alike = float(a.row @ b.row)
    return any(rule.holds(gap, sure, alike, difference) for rule in UNREAD)


def _standardized(image: FloatArray) -> FloatArray:
    row = np.ravel(image) - image.mean()
    return np.asarray(row / max(1e-6, float(np.linalg.norm(row))), np.float32)


def _interpolated(before: float, after: float, share: float) -> float:
    """A probability on the straight line from one to another in log odds, which are not clipped here."""
    a, b = (math.log(max(LEAST_ODDS, one) / max(LEAST_ODDS, 1 - one)) for one in (before, after))
    return 1 / (1 + math.exp(-(a + share * (b - a))))
