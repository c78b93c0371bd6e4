"""One JSON object per line and frame."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TextIO

from smilecam.errors import OutputError
from smilecam.types import FrameResult
from smilecam.video.sources import Frame, Source

STANDARD_OUTPUT = "-"


class JsonLines:
    """Writes each frame's result as one line, at once, so that a reader never waits and an interrupt loses none."""

    def __init__(self, target: str) -> None:
        """Open a file, over one that is there, or take standard output for ``-``.

        Raises:
            OutputError: the file cannot be opened.
        """
        self._target = target
        if target == STANDARD_OUTPUT:
            if sys.stdout is None:  # closed by whoever started this process
                raise OutputError("cannot write standard output: it is closed")
            self._file: TextIO = sys.stdout
        else:
            try:
                self._file = Path(target).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed in close()
            except OSError as error:
                raise self._failure(error) from error

    def begin(self, source: Source) -> None:
        """Nothing: every line names its source."""

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Write one line and hand it on.

        Raises:
            OutputError: the disk is full, for one.
            BrokenPipeError: nobody reads standard output any more.
        """
        try:
            self._file.write(json.dumps(result.as_dict()) + "\n")
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failure(error) from error

    def end(self) -> None:
        """Nothing: all lines are out."""

    def close(self) -> None:
        """Close the file.

        Raises:
            OutputError: what was still to be written cannot be.
        """
        if self._target == STANDARD_OUTPUT:
            return
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._target}: {error.strerror or error}")
