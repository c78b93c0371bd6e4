"""The people of a stream: who is who, who smiles, and what changes."""

from __future__ import annotations

from collections.abc import Sequence

from smilecam.tracking.smile_state import Change, DecisionSettings, SmileState
from smilecam.tracking.tracker import Tracker
from smilecam.types import DetectedFace, Event, EventKind, Face, FrameResult


class FaceTracks:
    """Turns the faces and readings of frame after frame into results."""

    def __init__(self, source: str, threshold: float, decision: DecisionSettings) -> None:
        """Begin a stream.

        Args:
            source: its name, for the results.
            threshold: the probability around which smiles begin and end.
            decision: how calmly.
        """
        self._source, self._threshold, self._decision = source, threshold, decision
        self._tracker = Tracker()
        self._states: dict[int, SmileState] = {}
        self._seen: dict[int, float] = {}
        self._now: tuple[float, int] = (0.0, 0)

    def update(self, number: int, time: float, faces: Sequence[DetectedFace], smiles: Sequence[float]) -> FrameResult:
        """Take the next frame.

        Args:
            number: of the frame.
            time: in seconds; of a stream that jumps back, the time before counts on.
            faces: its faces.
            smiles: their probabilities of a smile.
        """
        time = max(time, self._now[0])
        self._now = (time, number)
        tracks, gone = self._tracker.update([face.box for face in faces], time)
        events = [event for track in gone if (event := self._leave(track))]
        read = []
        for track, face, smile in zip(tracks, faces, smiles, strict=True):
            state = self._states.setdefault(track, SmileState(self._threshold, self._decision))
            change = state.update(smile, time)
            self._seen[track] = time
            if change:
                events.append(self._event(change, track))
            read.append(Face(face.box, face.confidence, smile, state.smiling, track, state.intensity))
        return FrameResult(self._source, number, time, tuple(read), tuple(events))

    def update_settings(self, threshold: float, decision: DecisionSettings) -> None:
        """Decide by other settings from the next frame on; who is who, and who smiles, stays as it is."""
        self._threshold, self._decision = threshold, decision
        for state in self._states.values():
            state.update_settings(threshold, decision)

    def end(self) -> tuple[Event, ...]:
        """The ends of the smiles that nobody saw end, because the stream did; nobody is known afterwards."""
        return tuple(event for track in sorted(self._states) if (event := self._leave(track)))

    def _leave(self, track: int) -> Event | None:
        """Forget a person; if they smiled, the smile ended when they were last seen."""
        state, seen = self._states.pop(track, None), self._seen.pop(track, 0.0)
        return self._event(Change(False, seen, state.peak), track) if state and state.smiling else None

    def _event(self, change: Change, track: int) -> Event:
        time, frame = self._now
        kind = EventKind.SMILE_START if change.smiling else EventKind.SMILE_END
        return Event(kind, self._source, time, frame, track, change.since, change.peak)
