"""Faces and probabilities of each frame in, tracks with their smiles and events out."""

from __future__ import annotations

from collections.abc import Sequence

from smilecam.results import FrameResult
from smilecam.tracking.smile_state import DecisionSettings, Sample, SmileState, StateChange
from smilecam.tracking.tracker import Association, Tracker
from smilecam.types import DetectedFace, Event, EventKind, Face


class FaceTracks:
    """The tracks of one stream, each with the state of its smile."""

    def __init__(self, source: str, threshold: float, decision: DecisionSettings) -> None:
        """Begin a stream.

        Args:
            source: its name, for the results.
            threshold: the probability around which smiles begin and end.
            decision: temporal smoothing and debouncing.
        """
        self._source, self._threshold, self._decision = source, threshold, decision
        self._tracker = Tracker()
        self._states: dict[int, SmileState] = {}
        self._last_seen: dict[int, float] = {}
        self._now: tuple[float, int] = (0.0, 0)

    def associate(self, time: float, faces: Sequence[DetectedFace]) -> Association:
        """Find the tracks of the next frame.

        Args:
            time: in seconds; where a stream jumps back, the time before it stands still.
            faces: of the frame.
        """
        time = max(time, self._now[0])
        tracks, ended = self._tracker.update([face.box for face in faces], time)
        return Association(time, tuple(tracks), tuple(ended))

    def update(
        self, number: int, association: Association, faces: Sequence[DetectedFace], samples: Sequence[Sample]
    ) -> FrameResult:
        """Take the smiles of the next frame.

        Args:
            number: of the frame.
            association: its tracks.
            faces: its faces.
            samples: the smile of each.
        """
        time = association.time
        self._now = (time, number)
        events = [event for track in association.ended if (event := self._end_track(track))]
        results = []
        for track, face, sample in zip(association.tracks, faces, samples, strict=True):
            state = self._states.setdefault(track, SmileState(self._threshold, self._decision))
            change = state.update(sample.smile, time)
            self._last_seen[track] = time
            if change:
                events.append(self._event(change, track))
            state_now = (state.smiling, track, state.intensity, state.smoothed)
            results.append(Face(face.box, face.confidence, sample.smile, *state_now, interpolated=sample.interpolated))
        return FrameResult(self._source, number, time, tuple(results), tuple(events))

    def cut(self) -> None:
        """The scene has changed: whoever is seen from here on is somebody else."""
        self._tracker.forget()

    def update_settings(self, threshold: float, decision: DecisionSettings) -> None:
        """Use other settings from the next frame on; tracks and their states stay."""
        self._threshold, self._decision = threshold, decision
        for state in self._states.values():
            state.update_settings(threshold, decision)

    def end(self) -> tuple[Event, ...]:
        """End all tracks: the events of the smiles that were still going on."""
        return tuple(event for track in sorted(self._states) if (event := self._end_track(track)))

    def _end_track(self, track: int) -> Event | None:
        """Forget a track; its smile, if any, ended when it was last seen."""
        state, seen = self._states.pop(track, None), self._last_seen.pop(track, 0.0)
        return self._event(StateChange(False, seen, state.peak), track) if state and state.smiling else None

    def _event(self, change: StateChange, track: int) -> Event:
        time, frame = self._now
        kind = EventKind.SMILE_START if change.smiling else EventKind.SMILE_END
        return Event(kind, self._source, time, frame, track, change.since, change.peak)
