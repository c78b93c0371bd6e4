"""What every sink offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smilecam.results import FrameResult
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Event, StreamStats


class Sink:
    """Takes the results of one source after another; by itself it does nothing with them.

    The order of calls is ``begin``, any number of ``write``, ``event`` and ``stats``, ``end`` for each source, and
    ``close`` once. ``end`` comes also when a source fails or the run is interrupted, so that what was written so far is
    finished. All may raise ``OutputError`` where results cannot be written.

    Attributes:
        written: the files that are finished.
        uses_images: whether it looks at the pixels of frames; where no sink does, recorded video keeps none of them.
    """

    written: Sequence[Path] = ()
    uses_images: bool = True

    def begin(self, source: Source) -> None:
        """A source has been opened."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """A frame has been processed."""

    def event(self, event: Event) -> None:
        """Something happened; what a frame made certain comes after that frame."""

    def stats(self, stats: StreamStats) -> None:
        """Statistics of an online stream: every few seconds, and before its end."""

    def end(self) -> None:
        """The source has ended."""

    def close(self) -> None:
        """There are no more sources."""
