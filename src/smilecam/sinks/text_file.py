"""A text file of whole lines, written at once, and the sink of one such file."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path

from smilecam.errors import OutputError
from smilecam.sinks.base import Sink
from smilecam.storage import PendingFile

STANDARD_OUTPUT = "-"


class TextFile:
    """A file, or standard output: readers see each write at once, and an interrupt loses nothing.

    A file that is there stays as it was until something is written; then the new one takes its place, and grows there.
    No other run can write it meanwhile. Where the disk is full, the file ends with the last whole line.

    Attributes:
        path: of the file; None for standard output.
    """

    def __init__(self, target: str, header: str = "") -> None:
        """Prepare a file, or standard output for ``-``.

        Args:
            target: path or ``-``.
            header: first lines, written by ``start``.

        Raises:
            OutputError: it cannot be written, or another run is writing it.
        """
        self._header = header
        self.path = None if target == STANDARD_OUTPUT else Path(target)
        self._lines = LineFile(self.path) if self.path else None
        if self.path is None and sys.stdout is None:  # closed by whoever started this process
            raise OutputError("cannot write standard output: it is closed")

    def start(self) -> None:
        """Write the header, if it has not been written yet: there will be results; raises as ``write`` does."""
        self.write("")

    def write(self, text: str) -> None:
        """Write whole lines.

        Raises:
            OutputError: the disk is full, for example.
            BrokenPipeError: nobody reads standard output any more.
        """
        header, self._header = self._header, ""
        if self._lines:
            # File names need not be valid text on every system; they are written unchanged.
            self._lines.write((header + text).encode("utf-8", "surrogateescape"))
            return
        try:
            sys.stdout.write(header + text)
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write standard output: {error.strerror or error}") from error

    def close(self) -> bool:
        """Close the file.

        Returns:
            Whether something was written, and all of it is in the file.

        Raises:
            OutputError: the file is not in its place any more.
        """
        return self._lines.close() if self._lines else True


class LineFile:
    """A file that takes its place with the first lines and grows there, never with a part of a line at its end."""

    def __init__(self, path: Path) -> None:
        """Prepare; a file that is there stays as it was.

        Raises:
            OutputError: it cannot be written, or another run is writing it.
        """
        self._path = path
        self._pending = PendingFile(path, exclusive=True)
        self._file: FileIO | None = None
        self._whole = 0
        self._failed = False
        if self._pending.straight and not path.is_file():  # a pipe or device, which has nothing to lose
            self._file = self._open(self._pending.target, "wb")

    def write(self, content: bytes) -> None:
        """Write whole lines.

        Raises:
            OutputError: the disk is full, for example; nothing of ``content`` is in the file.
            BrokenPipeError: nobody reads a pipe any more.
        """
        if not content:
            return
        file, first = self._file, self._whole == 0
        if file is None:
            file = self._file = self._open(self._pending.temporary, "wb")
        try:
            _write_all(file, content)
        except OSError as error:
            raise self._failure(error, file) from error
        self._whole += len(content)
        if first and not self._pending.straight:
            self._place(file)

    def _open(self, path: Path, mode: str) -> FileIO:
        try:
            return FileIO(path, mode)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError, file: FileIO | None = None) -> OSError | OutputError:
        """The error to raise; what was written of a line that did not fit is removed."""
        self._failed = True
        if isinstance(error, BrokenPipeError):
            return error
        if file:
            with suppress(OSError):  # a pipe has no end to cut
                file.truncate(self._whole)
        kept = "; all lines before that are in it" if self._whole else ""
        return OutputError(f"cannot write {self._path}: {error.strerror or error}{kept}")

    def _place(self, file: FileIO) -> None:
        """Put the file in its place, with the permissions of the one that was there, and go on writing there."""
        file.close()  # Windows renames no open file
        with suppress(OSError):
            shutil.copymode(self._pending.target, self._pending.temporary)
        try:
            self._pending.keep()
        except OutputError:
            self._failed = True
            raise
        self._file = self._open(self._pending.target, "ab")

    def close(self) -> bool:
        """Close the file, and let other runs write it; harmless when called again.

        Returns:
            Whether something was written, and all of it is in the file.

        Raises:
            OutputError: the file is not in its place any more.
        """
        file, self._file = self._file, None
        try:
            if file is None or self._failed:
                return False
            if not self._in_place(file):
                raise OutputError(f"{self._path} is gone: it was removed or replaced while it was being written")
        finally:
            if file:
                file.close()
            if self._whole == 0:
                self._pending.drop()  # only now: Windows removes no open file
            self._pending.release()
        return self._whole > 0

    def _in_place(self, file: FileIO) -> bool:
        if self._pending.straight or self._whole == 0:
            return True
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._pending.target.stat())
        except OSError:
            return False


def _write_all(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


class TextSink(Sink):
    """A sink that writes one text file, or standard output, from the first source to the last.

    Attributes:
        written: the file, once it is finished.
    """

    uses_images = False

    def __init__(self, target: str, header: str = "") -> None:
        """Prepare a file, or standard output for ``-``; a file that is there stays until there is a result.

        Args:
            target: path or ``-``.
            header: first lines.

        Raises:
            OutputError: the file cannot be written, or another run is writing it.
        """
        self._file = TextFile(target, header)
        self.written: list[Path] = []

    def close(self) -> None:
        """Close the file.

        Raises:
            OutputError: it is not in its place any more.
        """
        if self._file.close() and self._file.path:
            self.written.append(self._file.path)
