"""A text file that is written bit by bit, each bit handed on at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from smilecam.errors import OutputError

STANDARD_OUTPUT = "-"


class TextFile:
    """A file, over one that is there, or standard output; a reader never waits and an interrupt loses nothing."""

    def __init__(self, target: str) -> None:
        """Open a file, or take standard output for ``-``.

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
                # Names of files need not be text on every system; they are written as they are.
                self._file = Path(target).open("w", encoding="utf-8", errors="surrogateescape", newline="\n")  # noqa: SIM115 - closed in close()
            except OSError as error:
                raise self._failure(error) from error

    def write(self, text: str) -> None:
        """Write whole lines and hand them on.

        Raises:
            OutputError: the disk is full, for one.
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
