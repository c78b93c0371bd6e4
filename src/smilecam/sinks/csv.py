"""CSV for spreadsheets and data frames: one row per face and frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from smilecam.results import FrameResult
from smilecam.sinks.text_file import TextSink
from smilecam.sources.frame import Frame
from smilecam.types import Face

COLUMNS = (
    "source",
    "frame",
    "time",
    "track",
    "x1",
    "y1",
    "x2",
    "y2",
    "confidence",
    "smile",
    "smiling",
    "intensity",
    "smoothed",
    "interpolated",
)
"""The header row. A cell is empty if an image has no time, or a face no track, intensity or probability over time."""


class CsvTable(TextSink):
    """Writes comma-separated values, flushed after each frame; a frame without a face has no row.

    Attributes:
        written: the file, once it is finished.
    """

    def __init__(self, target: str) -> None:
        """Prepare a file, or standard output for ``-``; with the first frame, the header row replaces an existing file.

        Raises:
            OutputError: the file cannot be written, or another run is writing it.
        """
        super().__init__(target, _text([COLUMNS]))

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Write a frame's rows and flush them.

        Raises:
            OutputError: the disk is full, for example.
            BrokenPipeError: nobody reads standard output any more.
        """
        self._file.write(_text([_row(result, face) for face in result.faces]))


def _row(result: FrameResult, face: Face) -> tuple[object, ...]:
    return (
        _as_text(result.source),
        result.frame,
        None if result.time is None else round(result.time, 4),
        face.track,
        *face.box,
        round(face.confidence, 4),
        round(face.smile, 4),
        "true" if face.smiling else "false",
        None if face.intensity is None else round(face.intensity, 3),
        None if face.smoothed is None else round(face.smoothed, 4),
        "true" if face.interpolated else "false",
    )


def _as_text(name: str) -> str:
    """A name that no spreadsheet takes for a formula: an apostrophe stands before one that begins like one."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _text(rows: Iterable[Iterable[object]]) -> str:
    lines = []
    for row in rows:
        # With this end of lines the writer quotes carriage returns too, which spreadsheets take for the end of a row.
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(row)
        lines.append(line.getvalue().removesuffix("\r\n"))
    return "".join(f"{line}\n" for line in lines)
