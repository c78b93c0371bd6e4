"""What every sink offers."""

from __future__ import annotations

from typing import Protocol

from smilecam.types import FrameResult
from smilecam.video.sources import Frame, Source


class Sink(Protocol):
    """Takes the results of one source after another.

    The order of calls is ``begin``, any number of ``write``, ``end`` for each source, and ``close`` once. ``end``
    comes also when a source fails or the run is interrupted, so that what was written so far is finished.
    """

    def begin(self, source: Source) -> None:
        """A source has been opened.

        Raises:
            OutputError: its results cannot be written.
        """

    def write(self, frame: Frame, result: FrameResult) -> None:
        """A frame has been read.

        Raises:
            OutputError: its result cannot be written.
        """

    def end(self) -> None:
        """The source has ended.

        Raises:
            OutputError: its results cannot be finished.
        """

    def close(self) -> None:
        """There are no more sources."""
