"""The result of one file on its way: its rows, compressed as they come, so that a long video takes little memory."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smilecam.errors import SmilecamError
from smilecam.scan.rows import Row
from smilecam.scan.task import Task

_GZIP = 16 + zlib.MAX_WBITS
LEVEL = 1
"""Fast compression: rows are repetitive, and workers have better things to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """The result of one file.

    Attributes:
        key: of its task.
        failed: whether it could not be read, or not to its end: it is tried again by the next run.
        content: its rows as compressed JSON lines, a whole member of a gzip file.
        pieces: 0 for a result; for a long video that is to be split, into how many pieces, and the content is empty.
    """

    key: str
    failed: bool
    content: bytes
    pieces: int = 0


class RecordWriter:
    """Compresses rows as they come."""

    def __init__(self) -> None:
        """Begin a record."""
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        self._chunks: list[bytes] = []

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows."""
        for row in rows:
            line = json.dumps(row, separators=(",", ":")) + "\n"
            if chunk := self._compressor.compress(line.encode("ascii")):
                self._chunks.append(chunk)

    def finish(self) -> bytes:
        """Give the compressed content; nothing can be added afterwards."""
        return b"".join([*self._chunks, self._compressor.flush()])


class WorkerDied(SmilecamError):
    """The process that worked on a file ended without a result."""


def error_row(error: Exception, task: Task, read_from: str | None = None) -> Row:
    """The row of a file that failed. Messages name it as the tables do, and are valid Unicode.

    Args:
        error: that ended its processing.
        task: of the file.
        read_from: path of the copy of a file behind a URL.
    """
    message = str(error).replace(read_from or task.file.location, task.file.name)
    message = " ".join(message.replace(task.file.location, task.file.name).split())
    message = message.encode("utf-8", "backslashreplace").decode("utf-8")
    if not isinstance(error, SmilecamError):
        message = f"{task.file.name}: internal error: {message}"
    return Row("errors", {"error": type(error).__name__, "message": message})


def died(task: Task, cause: str) -> Record:
    """The record of a task that no worker survived.

    Args:
        task: of the file.
        cause: what is known about the end of the workers.
    """
    writer = RecordWriter()
    writer.add([error_row(WorkerDied(f"{task.file.name}: the worker died of it ({cause})"), task)])
    return Record(task.key, True, writer.finish())


def read_rows(content: bytes) -> Iterator[Row]:
    """Give the rows of a record's content, without having all of them in memory."""
    decompressor, rest = zlib.decompressobj(_GZIP), b""
    for at in range(0, len(content), 2**16):
        *lines, rest = (rest + decompressor.decompress(content[at : at + 2**16])).split(b"\n")
        for line in lines:
            table, values = json.loads(line)
            yield Row(table, values)
