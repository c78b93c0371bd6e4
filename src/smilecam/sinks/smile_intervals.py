"""Smiles from their first moment to their last, put together from the events of a stream."""

from __future__ import annotations

from dataclasses import dataclass

from smilecam.types import Event, EventKind


@dataclass(frozen=True, slots=True)
class Smile:
    """A smile of one person.

    Attributes:
        track: the person's number in the stream.
        start: seconds, when it began.
        end: seconds, when it ended.
        peak: its largest smoothed probability, where that is known.
    """

    track: int | None
    start: float
    end: float
    peak: float | None

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start

    @property
    def person(self) -> str:
        """Whose it is, in words."""
        return person(self.track)


def person(track: int | None) -> str:
    """Whom a track is of, in words."""
    return "someone" if track is None else f"person {track}"


class OpenSmiles:
    """The smiles of a stream that have begun and not ended."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: dict[int | None, Event] = {}

    def take(self, event: Event) -> Smile | None:
        """Take the stream's next event.

        Returns:
            The smile that ends with it, if one does.
        """
        if event.kind is EventKind.SMILE_START:
            self._open[event.track] = event
        if event.kind is not EventKind.SMILE_END:
            return None
        start = _onset(self._open.pop(event.track, event))
        # An end is declared once it is sure, a moment after the last of the smile.
        sure = event.since is not None and event.since > start
        return Smile(event.track, start, event.since if sure and event.since is not None else event.time, event.peak)

    def earliest(self) -> float | None:
        """Seconds, when the oldest smile that is still open began; None where there is none."""
        return min(map(_onset, self._open.values()), default=None)

    def finish(self, time: float) -> list[Smile]:
        """End what is still open at ``time`` in seconds; ordered by their beginnings."""
        smiles = [
            Smile(event.track, _onset(event), max(time, _onset(event)), event.peak) for event in self._open.values()
        ]
        self._open.clear()
        return sorted(smiles, key=lambda smile: smile.start)


def _onset(event: Event) -> float:
    return event.time if event.since is None else event.since
