"""The results so far, on disk: shards, each a file that is whole or absent, with the records of some seconds of work.

A shard is named by the digest of its content, so that damage is noticed. It is a gzip file of several members: first an
index, which lists keys, lengths and which records failed, then one with the rows of each file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from smilecam.errors import OutputError
from smilecam.scan.record import Record
from smilecam.storage import make_folder, whole_or_absent

SUFFIX = ".jsonl.gz"

FLUSH_SECONDS = 2.0
"""So much work is done again, at most, after a crash or power cut; besides the files that were being processed."""

FLUSH_BYTES = 16 * 2**20

OPEN_FILES = 32


class _Place(NamedTuple):
    """Where a record is: shard, first byte and length."""

    shard: Path
    start: int
    length: int


class ShardStore:
    """Keeps records by their keys; use it in a ``with`` block, which writes what waits."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Look at the shards that are there; damaged ones, and records of files that failed, count as absent.

        Only one store may be open in a folder: ``run_scan`` locks it.

        Args:
            folder: made where it is missing.
            clock: monotonic, in seconds.

        Raises:
            OutputError: the folder cannot be made or read.
        """
        self._folder, self._clock = make_folder(folder), clock
        self._places: dict[str, _Place] = {}
        self._failed: set[str] = set()
        self._waiting: list[Record] = []
        self._waiting_since = 0.0
        self._open: OrderedDict[Path, BinaryIO] = OrderedDict()
        try:
            for path in folder.glob(".*.part.gz"):  # of a run that was killed
                path.unlink(missing_ok=True)
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                self._index(path)
        except OSError as error:
            raise OutputError(f"cannot read {folder}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.flush()
        finally:
            while self._open:
                self._open.popitem()[1].close()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def has_failed(self, key: str) -> bool:
        """Whether a record of this run is that of a failure."""
        return key in self._failed

    def add(self, record: Record) -> None:
        """Keep a record; it is on disk some seconds later, or after ``flush``.

        Raises:
            OutputError: it cannot be written.
        """
        if not self._waiting:
            self._waiting_since = self._clock()
        self._waiting.append(record)
        (self._failed.add if record.failed else self._failed.discard)(record.key)
        size = sum(len(waiting.content) for waiting in self._waiting)
        if size >= FLUSH_BYTES or self._clock() - self._waiting_since >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            OutputError: it cannot be written.
        """
        if not self._waiting:
            return
        index = [[record.key, len(record.content), record.failed] for record in self._waiting]
        head = gzip.compress(json.dumps(index).encode("ascii") + b"\n", mtime=0)
        content = b"".join([head, *(record.content for record in self._waiting)])
        path = self._folder / (_name(hashlib.sha256(content).hexdigest()) + SUFFIX)
        with whole_or_absent(path) as temporary, temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        start = len(head)
        for record in self._waiting:
            self._places[record.key] = _Place(path, start, len(record.content))
            start += len(record.content)
        self._waiting = []

    def read(self, key: str) -> bytes | None:
        """The content of a record; None where there is none.

        Raises:
            OutputError: it cannot be read any more.
        """
        place = self._places.get(key)
        if place is None:
            return None
        try:
            file = self._opened(place.shard)
            file.seek(place.start)
            return file.read(place.length)
        except OSError as error:
            raise OutputError(f"cannot read {place.shard}: {error.strerror or error}") from error

    def _opened(self, path: Path) -> BinaryIO:
        file = self._open.pop(path, None) or path.open("rb")
        self._open[path] = file
        if len(self._open) > OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        return file

    def _index(self, path: Path) -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if path.name != _name(digest) + SUFFIX:  # something has cut or damaged it
                return
            file.seek(0)
            index, start = _first_member(file)
        for key, length, failed in index:
            if not failed:
                self._places[key] = _Place(path, start, length)
            start += length


def _name(digest: str) -> str:
    return digest[:32]


def _first_member(file: BinaryIO) -> tuple[list[tuple[str, int, bool]], int]:
    """The index of a shard, and where it ends."""
    decompressor, text, read = zlib.decompressobj(16 + zlib.MAX_WBITS), b"", 0
    while not decompressor.eof:
        chunk = file.read(2**14)
        read += len(chunk)
        text += decompressor.decompress(chunk)
    return json.loads(text), read - len(decompressor.unused_data)
