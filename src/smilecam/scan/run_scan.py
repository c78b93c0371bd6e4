"""A scan from its first file to its tables."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smilecam.scan.engine import Engine
from smilecam.scan.listing import Failure, Listing
from smilecam.scan.manifest import MANIFEST, SHARDS, SUMMARY, check_folder, manifest
from smilecam.scan.record import Record, read_rows
from smilecam.scan.rows import TABLES, Row, timestamp
from smilecam.scan.shards import ShardStore
from smilecam.scan.tables import FORMATS, PARQUET, Tables, load_pyarrow, stale_tables
from smilecam.scan.task import ArchiveFile, Job, ScanSettings, Task, jobs_of
from smilecam.storage import locked, make_folder, write_text

Progress = Callable[[ArchiveFile, float], None]
"""Called for each file that is done, or was done by an earlier run, with 1; for each piece of one, with its share."""

JOINED_BYTES = 64 * 2**20
"""Pieces of videos are in memory, compressed, while they are joined."""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """How a scan went.

    Attributes:
        files: that were found.
        images: that could be read.
        videos: likewise.
        failed: files and names that could not be read, or not to their end.
        duplicates: further names of files.
        faces: in images.
        smiling: of those.
        video_seconds: duration of all videos.
        smiles: in videos.
    """

    files: int
    images: int
    videos: int
    failed: int
    duplicates: int
    faces: int
    smiling: int
    video_seconds: float
    smiles: int

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        content = {name: getattr(self, name) for name in self.__slots__}
        return content | {"video_seconds": round(self.video_seconds, 4)}


def run_scan(
    listing: Listing,
    settings: ScanSettings,
    engine: Engine,
    out: Path,
    formats: Sequence[str] = FORMATS,
    progress: Progress = lambda _file, _share: None,
) -> ScanReport:
    """Process the files that have no result yet, and write the tables of all.

    It may be ended at any moment, also by a power cut: the next run goes on from the results that are in ``out``.

    Args:
        listing: the files.
        settings: what their results depend on.
        engine: that processes them.
        out: folder of the results; made where it is missing.
        formats: of the tables.
        progress: called for each file.

    Raises:
        OutputError: the folder cannot be written, holds files of our names that are of no scan, or another run is
            writing it.
        MissingExtra: pyarrow is not installed.
        SmilecamError: the engine cannot start.
    """
    if PARQUET in formats:
        load_pyarrow()  # before hours of work
    check_folder(make_folder(out))
    with locked(out / MANIFEST):
        write_text(out / MANIFEST, manifest(settings))
        tasks = [Task.of(file, settings) for file in listing.files]
        with ShardStore(out / SHARDS) as store:
            _process(tasks, settings.split, engine, store, progress)
            store.flush()
            (out / SUMMARY).unlink(missing_ok=True)  # the tables are of two scans until all are in their places
            report = _write_tables(out, formats, listing, tasks, store)
        write_text(out / SUMMARY, _summary(report, settings))
    return report


def _summary(report: ScanReport, settings: ScanSettings) -> str:
    content = report.as_dict() | {
        "settings": settings.as_dict(),
        "smilecam": settings.version,
        "tables": list(TABLES),
    }
    return json.dumps(content, indent=2) + "\n"


def _process(tasks: Sequence[Task], minutes: float, engine: Engine, store: ShardStore, progress: Progress) -> None:
    """Have every task done that has no record."""
    waiting = {}
    for task in tasks:
        if task.key in store:
            progress(task.file, 1.0)
        else:
            waiting[task.key] = task
    split = {}
    for record in engine.run(jobs_of(waiting.values(), engine.workers)):
        if record.pieces:
            split[record.key] = record.pieces
            continue
        store.add(record)
        progress(waiting[record.key].file, 1.0)
    if split:
        _process_pieces({waiting[key]: count for key, count in sorted(split.items())}, minutes, engine, store, progress)


def _process_pieces(
    counts: dict[Task, int], minutes: float, engine: Engine, store: ShardStore, progress: Progress
) -> None:
    """Have the pieces of long videos done that have no record, and join them."""
    pieces = {task: task.pieces(count, minutes) for task, count in counts.items()}
    shares = {piece.key: (task.file, 1 / counts[task]) for task, of_task in pieces.items() for piece in of_task}
    waiting = []
    for piece in (piece for of_task in pieces.values() for piece in of_task):
        if piece.key in store:
            progress(*shares[piece.key])
        else:
            waiting.append((piece,))
    for record in engine.run(waiting):
        store.add(record)
        progress(*shares[record.key])
    store.flush()
    for jobs in _joins(pieces, store):
        for record in engine.run(jobs):
            store.add(record)


def _joins(pieces: dict[Task, list[Task]], store: ShardStore) -> Iterator[list[Job]]:
    """Jobs that join videos, as many at a time as memory allows."""
    jobs: list[Job] = []
    size = 0
    for task, of_task in pieces.items():
        failed = next((piece.key for piece in of_task if store.has_failed(piece.key)), None)
        if failed is not None:  # its error is that of the video
            store.add(Record(task.key, True, store.read(failed) or b""))
            continue
        contents = tuple(store.read(piece.key) or b"" for piece in of_task)
        jobs.append((replace(task, joined=contents),))
        size += sum(map(len, contents))
        if size >= JOINED_BYTES:
            yield jobs
            jobs, size = [], 0
    if jobs:
        yield jobs


def _write_tables(
    out: Path, formats: Sequence[str], listing: Listing, tasks: Sequence[Task], store: ShardStore
) -> ScanReport:
    counter = _Counter()
    with Tables(out, formats) as tables:
        for row, about in _rows(listing, tasks, store):
            tables.add(row, about)
            counter.add(row)
    for path in stale_tables(out, formats):
        path.unlink(missing_ok=True)
    return counter.report(len(listing.files))


def _rows(listing: Listing, tasks: Sequence[Task], store: ShardStore) -> Iterator[tuple[Row, dict[str, Any]]]:
    """All rows, each with the values that are about its file."""
    failures: list[Task | Failure] = sorted(listing.failures, key=_name)
    found = heapq.merge(tasks, failures, key=_name)
    for entry in found:
        if isinstance(entry, Failure):
            yield Row("errors", {"error": entry.error, "message": entry.message}), {"path": entry.name}
            continue
        file = entry.file
        about = {"path": file.name, "size": file.size, "modified": timestamp(file.modified)}
        for row in read_rows(store.read(entry.key) or b""):
            yield row, about
    for name, same_as in sorted(listing.duplicates.items()):
        yield Row("duplicates", {"same_as": same_as}), {"path": name}


def _name(entry: Task | Failure) -> str:
    return entry.name if isinstance(entry, Failure) else entry.file.name


class _Counter:
    """Counts what the report says, from the rows."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()
        self._seconds = 0.0

    def add(self, row: Row) -> None:
        self._rows[row.table] += 1
        if row.table == "images":
            self._sums += Counter(faces=row.values["faces"], smiling=row.values["smiling"])
        elif row.table == "videos":
            self._seconds += row.values["duration"]

    def report(self, files: int) -> ScanReport:
        return ScanReport(
            files=files,
            images=self._rows["images"],
            videos=self._rows["videos"],
            failed=self._rows["errors"],
            duplicates=self._rows["duplicates"],
            faces=self._sums["faces"],
            smiling=self._sums["smiling"],
            video_seconds=self._seconds,
            smiles=self._rows["smiles"],
        )
