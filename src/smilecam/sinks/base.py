"""What every sink offers."""

from __future__ import annotations

from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Event, FrameResult, StreamStats


class Sink:
    """Takes the results of one source after another; by itself it does nothing with them.

    The order of calls is ``begin``, any number of ``write``, ``event`` and ``figures``, ``end`` for each source, and
    ``close`` once. ``end`` comes also when a source fails or the run is interrupted, so that what was written so far is
    finished. All may raise ``OutputError`` where results cannot be written.
    """

    def begin(self, source: Source) -> None:
        """A source has been opened."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """A frame has been read."""

    def event(self, event: Event) -> None:
        """Something happened; what a frame made sure comes after that frame."""

    def stats(self, stats: StreamStats) -> None:
        """How a live source goes: every few seconds, and before its end."""

    def end(self) -> None:
        """The source has ended."""

    def close(self) -> None:
        """There are no more sources."""
