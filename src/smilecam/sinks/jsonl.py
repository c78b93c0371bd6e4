"""JSON lines: one object per frame, event and report of statistics."""

from __future__ import annotations

import json
from typing import Any

from smilecam.results import FrameResult
from smilecam.sinks.text_file import TextSink
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Event, StreamStats


class JsonLines(TextSink):
    """Writes one line per frame and event, flushed at once, so that readers never wait and an interrupt loses none.

    Attributes:
        written: the file, once it is finished.
    """

    def __init__(self, target: str) -> None:
        """Prepare a file, or standard output for ``-``; the first line replaces an existing file.

        Raises:
            OutputError: the file cannot be written, or another run is writing it.
        """
        super().__init__(target)
        self._source = ""

    def begin(self, source: Source) -> None:
        """Keep the name, for lines without a frame."""
        self._source = source.ref.name

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Write a frame's line and flush it.

        Raises:
            OutputError: the disk is full, for example.
            BrokenPipeError: nobody reads standard output any more.
        """
        self._line(result.as_dict())

    def event(self, event: Event) -> None:
        """Write an event's line; raises as ``write`` does."""
        self._line(event.as_dict())

    def stats(self, stats: StreamStats) -> None:
        """Write a line of statistics; raises as ``write`` does."""
        self._line({**stats.as_dict(), "source": self._source})

    def _line(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content) + "\n")
