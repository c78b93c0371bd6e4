"""Faces and probabilities of recorded video in; out, a moment later, tracks with settled smiles and events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smilecam.results import FrameResult
from smilecam.tracking.smile_path import SettledState, SmilePath
from smilecam.tracking.smile_state import DecisionSettings, Sample
from smilecam.tracking.tracker import Association, Tracker
from smilecam.types import DetectedFace, Event, EventKind, Face


@dataclass(frozen=True, slots=True)
class _WaitingFrame:
    """A frame whose smiles are not all settled: its faces with their tracks, and the tracks that had ended by then."""

    number: int
    time: float
    faces: tuple[tuple[int, DetectedFace, Sample], ...]
    ended: tuple[int, ...]


@dataclass(slots=True)
class _Track:
    """A track: its path, the settled states that no frame has taken yet, and what the frames given so far show."""

    path: SmilePath
    settled: deque[SettledState]
    smiling: bool = False
    peak: float = 0.0
    last_seen: float = 0.0


class OfflineFaceTracks:
    """The tracks of one recorded video. Frames are given in order, once the smiles of all their faces are settled."""

    def __init__(self, source: str, threshold: float, decision: DecisionSettings) -> None:
        """Begin a video.

        Args:
            source: its name, for the results.
            threshold: the probability around which smiles begin and end.
            decision: cost of changes, and minimum durations.
        """
        self._source, self._threshold, self._decision = source, threshold, decision
        self._tracker = Tracker()
        self._tracks: dict[int, _Track] = {}
        self._waiting: deque[_WaitingFrame] = deque()
        self._newest = 0.0
        self._given: tuple[float, int] = (0.0, 0)

    def associate(self, time: float, faces: Sequence[DetectedFace]) -> Association:
        """Find the tracks of the next frame.

        Args:
            time: in seconds; where a video jumps back, the time before it stands still.
            faces: of the frame.
        """
        time = self._newest = max(time, self._newest)
        tracks, ended = self._tracker.update([face.box for face in faces], time)
        return Association(time, tuple(tracks), tuple(ended))

    def add(
        self, number: int, association: Association, faces: Sequence[DetectedFace], samples: Sequence[Sample]
    ) -> None:
        """Take the smiles of the next frame.

        Args:
            number: of the frame.
            association: its tracks.
            faces: its faces.
            samples: the smile of each.
        """
        for track in association.ended:
            self._settle(track, ended=True)
        for track, sample in zip(association.tracks, samples, strict=True):
            if track not in self._tracks:
                self._tracks[track] = _Track(SmilePath(self._threshold, self._decision), deque())
            self._tracks[track].path.add(sample.smile, association.time)
        found = tuple(zip(association.tracks, faces, samples, strict=True))
        self._waiting.append(_WaitingFrame(number, association.time, found, association.ended))

    def cut(self) -> None:
        """The scene has changed: whoever is seen from here on is somebody else."""
        self._tracker.forget()

    def settled(self) -> Iterator[FrameResult]:
        """Give the results of the frames that are settled by now."""
        for track in self._tracks:
            self._settle(track)
        while self._waiting and all(self._tracks[track].settled for track, _, _ in self._waiting[0].faces):
            yield self._result(self._waiting.popleft())

    def finish(self) -> Iterator[FrameResult]:
        """Settle and give everything, since no further frame comes; the last frame ends the smiles that are open."""
        for track in self._tracks:
            self._settle(track, ended=True)
        while self._waiting:
            result = self._result(self._waiting.popleft())
            if not self._waiting:
                result = FrameResult(
                    result.source, result.frame, result.time, result.faces, (*result.events, *self.end())
                )
            yield result

    def end(self) -> tuple[Event, ...]:
        """The ends of the smiles that are open in the frames given so far; nobody is known afterwards."""
        events = [event for number in sorted(self._tracks) if (event := self._end_track(number))]
        self._tracks.clear()
        self._waiting.clear()
        return tuple(events)

    def _settle(self, number: int, *, ended: bool = False) -> None:
        track = self._tracks.get(number)
        if track is not None:
            track.settled.extend(track.path.settle(ended=ended))

    def _result(self, frame: _WaitingFrame) -> FrameResult:
        self._given = (frame.time, frame.number)
        events = [event for number in frame.ended if (event := self._end_track(number))]
        for number in frame.ended:
            self._tracks.pop(number, None)
        faces = []
        for number, face, sample in frame.faces:
            track = self._tracks[number]
            state = track.settled.popleft()
            track.last_seen = frame.time
            if (event := self._change(number, track, state)) is not None:
                events.append(event)
            settled = (state.smiling, number, state.intensity, state.smoothed)
            faces.append(Face(face.box, face.confidence, sample.smile, *settled, interpolated=sample.interpolated))
        return FrameResult(self._source, frame.number, frame.time, tuple(faces), tuple(events))

    def _change(self, number: int, track: _Track, state: SettledState) -> Event | None:
        before, track.smiling = track.smiling, state.smiling
        if state.smiling:
            track.peak = max(state.smoothed, track.peak if before else 0.0)
        if before == state.smiling:
            return None
        kind = EventKind.SMILE_START if state.smiling else EventKind.SMILE_END
        return self._event(kind, number, self._given[0], track.peak)

    def _end_track(self, number: int) -> Event | None:
        """A smile that is still open when its track ends, ended when the face was last seen."""
        track = self._tracks.get(number)
        if track is None or not track.smiling:
            return None
        track.smiling = False
        return self._event(EventKind.SMILE_END, number, track.last_seen, track.peak)

    def _event(self, kind: EventKind, track: int, since: float, peak: float) -> Event:
        time, frame = self._given
        return Event(kind, self._source, time, frame, track, since, peak)
