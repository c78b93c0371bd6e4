"""A text file that is flushed after each write, and the sink of one such file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from smilecam.errors import OutputError
from smilecam.sinks.base import Sink

STANDARD_OUTPUT = "-"


class TextFile:
    """A file, or standard output: readers see each write at once, and an interrupt loses nothing.

    Attributes:
        path: of the file; None for standard output.
    """

    def __init__(self, target: str) -> None:
        """Open a file, replacing an existing one, or standard output for ``-``.

        Raises:
            OutputError: the file cannot be opened.
        """
        self._target = target
        self.path = None if target == STANDARD_OUTPUT else Path(target)
        if self.path is None:
            if sys.stdout is None:  # closed by whoever started this process
                raise OutputError("cannot write standard output: it is closed")
            self._file: TextIO = sys.stdout
        else:
            try:
                # File names need not be valid text on every system; they are written unchanged.
                self._file = self.path.open("w", encoding="utf-8", errors="surrogateescape", newline="\n")
            except OSError as error:
                raise self._failure(error) from error

    def write(self, text: str) -> None:
        """Write whole lines and flush them.

        Raises:
            OutputError: the disk is full, for example.
            BrokenPipeError: nobody reads standard output any more.
        """
        try:
            self._file.write(text)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the file.

        Raises:
            OutputError: the rest cannot be written.
        """
        if self.path is None:
            return
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._target}: {error.strerror or error}")


class TextSink(Sink):
    """A sink that writes one text file, or standard output, from the first source to the last.

    Attributes:
        written: the file, once it is finished.
    """

    uses_images = False

    def __init__(self, target: str) -> None:
        """Open a file, replacing an existing one, or standard output for ``-``.

        Raises:
            OutputError: the file cannot be opened.
        """
        self._file = TextFile(target)
        self.written: list[Path] = []

    def close(self) -> None:
        """Close the file.

        Raises:
            OutputError: the rest cannot be written.
        """
        self._file.close()
        if self._file.path:
            self.written.append(self._file.path)
