"""One JSON object per line: for each frame, and for each event."""

from __future__ import annotations

import json
from typing import Any

from smilecam.sinks.base import Sink
from smilecam.sinks.text_file import STANDARD_OUTPUT, TextFile
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Event, FrameResult, StreamStats

__all__ = ["STANDARD_OUTPUT", "JsonLines"]


class JsonLines(Sink):
    """Writes each frame's result as one line, at once, so that a reader never waits and an interrupt loses none."""

    def __init__(self, target: str) -> None:
        """Open a file, over one that is there, or take standard output for ``-``.

        Raises:
            OutputError: the file cannot be opened.
        """
        self._file = TextFile(target)
        self._source = ""

    def begin(self, source: Source) -> None:
        """Keep the name, for the lines that are about no frame."""
        self._source = source.ref.name

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Write a frame's line and hand it on.

        Raises:
            OutputError: the disk is full, for one.
            BrokenPipeError: nobody reads standard output any more.
        """
        self._line(result.as_dict())

    def event(self, event: Event) -> None:
        """Write an event's line; raises as ``write`` does."""
        self._line(event.as_dict())

    def stats(self, stats: StreamStats) -> None:
        """Write a line of live figures; raises as ``write`` does."""
        self._line({**stats.as_dict(), "source": self._source})

    def _line(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content) + "\n")

    def close(self) -> None:
        """Close the file.

        Raises:
            OutputError: what was still to be written cannot be.
        """
        self._file.close()
