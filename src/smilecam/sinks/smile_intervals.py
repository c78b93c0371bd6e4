"""Smiles from start to end, assembled from the events of a stream."""

from __future__ import annotations

from dataclasses import dataclass

from smilecam.types import Event, EventKind


@dataclass(frozen=True, slots=True)
class Smile:
    """A smile of one track.

    Attributes:
        track: its number in the stream.
        start: seconds.
        end: seconds.
        peak: its largest smoothed probability, if known.
    """

    track: int | None
    start: float
    end: float
    peak: float | None

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start


def track_label(track: int | None) -> str:
    """A track as messages show it."""
    return "someone" if track is None else f"person {track}"


class OpenSmiles:
    """The smiles of a stream that have started and not ended."""

    def __init__(self) -> None:
        """Start with none."""
        self._open: dict[int | None, Event] = {}

    def take(self, event: Event) -> Smile | None:
        """Process the stream's next event.

        Returns:
            The smile that ends with it, if any.
        """
        if event.kind is EventKind.SMILE_START:
            self._open[event.track] = event
        if event.kind is not EventKind.SMILE_END:
            return None
        start = _onset(self._open.pop(event.track, event))
        # An end is declared a moment after the smile was last seen.
        known = event.since is not None and event.since > start
        return Smile(event.track, start, event.since if known and event.since is not None else event.time, event.peak)

    def earliest(self) -> float | None:
        """Start of the oldest open smile in seconds; None if there is none."""
        return min(map(_onset, self._open.values()), default=None)

    def finish(self, time: float) -> list[Smile]:
        """End all open smiles at ``time`` in seconds; they are sorted by start."""
        smiles = [
            Smile(event.track, _onset(event), max(time, _onset(event)), event.peak) for event in self._open.values()
        ]
        self._open.clear()
        return sorted(smiles, key=lambda smile: smile.start)


def _onset(event: Event) -> float:
    return event.time if event.since is None else event.since
