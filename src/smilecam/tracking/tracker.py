"""Tracks: which face of this frame is which face of the frames before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from smilecam.tracking.association import match, pair_greedily
from smilecam.types import Box

MIN_SIMILARITY = 0.25
"""Similarity of a face to a track's predicted box from which it may belong to the track."""

VELOCITY_SECONDS = 0.3
"""Seconds over which a track's velocity is averaged: several frames, so that the jitter of boxes cancels out."""

MAX_DISTANCE = 0.6
"""A face similar to no predicted box may still belong to a track whose predicted centre is this near, in sides of the
box: fast ones, and those that the last frames missed."""


@dataclass(slots=True)
class _Track:
    """A track: its last box, the time of that box in seconds, and its velocity in pixels a second."""

    number: int
    box: Box
    time: float
    velocity: tuple[float, float] = (0.0, 0.0)

    def predict(self, time: float) -> Box:
        """The box at another time, at constant velocity."""
        across, down = (round(velocity * (time - self.time)) for velocity in self.velocity)
        return self.box.translated(across, down)

    def update(self, box: Box, time: float) -> None:
        """Move on to a new box."""
        passed = time - self.time
        if passed > 0:
            weight = min(1.0, passed / VELOCITY_SECONDS)
            measured = [(new - old) / passed for new, old in zip(_centre(box), _centre(self.box), strict=True)]
            self.velocity = (
                self.velocity[0] + weight * (measured[0] - self.velocity[0]),
                self.velocity[1] + weight * (measured[1] - self.velocity[1]),
            )
        self.box, self.time = box, time


class Association(NamedTuple):
    """The tracks of a frame: its time in seconds, the number of each face's track, and those of tracks that ended."""

    time: float
    tracks: tuple[int, ...]
    ended: tuple[int, ...]


class Tracker:
    """Gives the faces of a stream track numbers."""

    def __init__(self, max_age: float = 1.0) -> None:
        """Begin a stream.

        Args:
            max_age: seconds for which a track may be unseen and keep its number.
        """
        self._max_age = max_age
        self._tracks: list[_Track] = []
        self._count = 0

    def forget(self) -> None:
        """End all tracks with the next frame, because the scene has changed: a number never moves to somebody else."""
        for track in self._tracks:
            track.time = -math.inf

    def update(self, boxes: Sequence[Box], time: float) -> tuple[list[int], list[int]]:
        """Take the next frame.

        Args:
            boxes: its faces.
            time: in seconds, not before that of the frame before.

        Returns:
            A track number for each box, from 1; and the numbers of the tracks that have ended.
        """
        ended = [track for track in self._tracks if time - track.time > self._max_age]
        self._tracks = [track for track in self._tracks if time - track.time <= self._max_age]
        predicted = [track.predict(time) for track in self._tracks]
        pairs = match(predicted, boxes, MIN_SIMILARITY)
        pairs += _nearest(predicted, boxes, pairs)
        matched = {j: self._tracks[i] for i, j in pairs}
        numbers = []
        for j, box in enumerate(boxes):
            track = matched.get(j) or self._new_track(box, time)
            track.update(box, time)
            numbers.append(track.number)
        return numbers, [track.number for track in ended]

    def _new_track(self, box: Box, time: float) -> _Track:
        self._count += 1
        track = _Track(self._count, box, time)
        self._tracks.append(track)
        return track


def _nearest(predicted: Sequence[Box], boxes: Sequence[Box], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of those left over whose centres are near and whose sizes are similar, nearest first."""
    taken_tracks, taken_boxes = {i for i, _ in pairs}, {j for _, j in pairs}
    candidates = (
        (_distance(a, b), i, j)
        for i, a in enumerate(predicted)
        if i not in taken_tracks
        for j, b in enumerate(boxes)
        if j not in taken_boxes
    )
    return pair_greedily(candidate for candidate in candidates if candidate[0] <= MAX_DISTANCE)


def _distance(a: Box, b: Box) -> float:
    """Between centres, in sides of the larger box; infinite for boxes of which one is twice as large."""
    large, small = max(a.width, b.width), max(1, min(a.width, b.width))
    if large > 2 * small:
        return float("inf")
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    return float(((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5) / large


def _centre(box: Box) -> tuple[float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
