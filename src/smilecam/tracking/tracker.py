"""Tracks: which face of this frame is which person of the frames before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smilecam.tracking.association import match, pair_greedily
from smilecam.types import Box

LEAST_LIKENESS = 0.25
"""Likeness of a face to the box where a person is expected, from which it may be theirs."""

VELOCITY_MEMORY = 0.3
"""Seconds over which a person's speed is averaged: several frames, so that the trembling of boxes cancels out."""

NEAREST = 0.6
"""A face that overlaps nothing may still be a person's whose expected centre is this near, in sides of the box: fast
ones, and those of whom the last frames are missing."""


@dataclass(slots=True)
class _Person:
    """A track: its last box, when that was, and its speed in pixels a second."""

    number: int
    box: Box
    time: float
    speed: tuple[float, float] = (0.0, 0.0)

    def expected(self, time: float) -> Box:
        """Where the person is now if it went on as before."""
        across, down = (round(speed * (time - self.time)) for speed in self.speed)
        return self.box.translated(across, down)

    def see(self, box: Box, time: float) -> None:
        """Move on to a new box."""
        passed = time - self.time
        if passed > 0:
            weight = min(1.0, passed / VELOCITY_MEMORY)
            translated = [(new - old) / passed for new, old in zip(_centre(box), _centre(self.box), strict=True)]
            self.speed = (
                self.speed[0] + weight * (translated[0] - self.speed[0]),
                self.speed[1] + weight * (translated[1] - self.speed[1]),
            )
        self.box, self.time = box, time


class Tracker:
    """Gives the faces of a stream numbers that stay with the person."""

    def __init__(self, bridge: float = 1.0) -> None:
        """Begin a stream.

        Args:
            bridge: seconds that a person may be unseen and keep the number.
        """
        self._bridge = bridge
        self._tracks: list[_Person] = []
        self._count = 0

    def update(self, boxes: Sequence[Box], time: float) -> tuple[list[int], list[int]]:
        """Take the next frame.

        Args:
            boxes: its faces.
            time: in seconds, not before that of the frame before.

        Returns:
            A number for each box, from 1; and the numbers of people who have been unseen for too long and are gone.
        """
        gone = [person for person in self._tracks if time - person.time > self._bridge]
        self._tracks = [person for person in self._tracks if time - person.time <= self._bridge]
        expected = [person.expected(time) for person in self._tracks]
        pairs = match(expected, boxes, LEAST_LIKENESS)
        pairs += _nearest(expected, boxes, pairs)
        whose = {j: self._tracks[i] for i, j in pairs}
        numbers = []
        for j, box in enumerate(boxes):
            person = whose.get(j) or self._newcomer(box, time)
            person.see(box, time)
            numbers.append(person.number)
        return numbers, [person.number for person in gone]

    def _newcomer(self, box: Box, time: float) -> _Person:
        self._count += 1
        person = _Person(self._count, box, time)
        self._tracks.append(person)
        return person


def _nearest(expected: Sequence[Box], boxes: Sequence[Box], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of those left over whose centres are near and whose sizes are alike, nearest first."""
    taken_tracks, taken_boxes = {i for i, _ in pairs}, {j for _, j in pairs}
    distances = (
        (_distance(a, b), i, j)
        for i, a in enumerate(expected)
        if i not in taken_tracks
        for j, b in enumerate(boxes)
        if j not in taken_boxes
    )
    return pair_greedily(redetect for redetect in distances if redetect[0] <= NEAREST)


def _distance(a: Box, b: Box) -> float:
    """Between centres, in sides of the larger box; infinite for boxes of which one is twice as large."""
    large, small = max(a.width, b.width), max(1, min(a.width, b.width))
    if large > 2 * small:
        return float("inf")
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    return float(((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5) / large


def _centre(box: Box) -> tuple[float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
