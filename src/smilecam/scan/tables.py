"""The tables at the end: Parquet and JSON lines, in an order that depends on the files alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from smilecam.errors import MissingExtra
from smilecam.scan.rows import TABLES, Row
from smilecam.storage import whole_or_absent

ROWS_AT_ONCE = 8192

PARQUET, JSONL = "parquet", "jsonl"

FORMATS = (PARQUET, JSONL)


class TableWriter(Protocol):
    """Writes one table."""

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Add rows; each has all columns."""


class _JsonLines:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self._file.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")


class _Parquet:
    def __init__(self, file: IO[bytes], table: str, stack: ExitStack) -> None:
        pyarrow, parquet = load_pyarrow()
        types = {"timestamp": pyarrow.timestamp("us", "UTC")}
        self._fields = [
            pyarrow.field(name, types.get(kind) or pyarrow.type_for_alias(kind)) for name, kind in TABLES[table].items()
        ]
        self._pyarrow = pyarrow
        self._writer = stack.enter_context(
            parquet.ParquetWriter(file, pyarrow.schema(self._fields), compression="zstd")
        )

    def write(self, rows: list[dict[str, Any]]) -> None:
        columns = [self._column(field, [row[field.name] for row in rows]) for field in self._fields]
        self._writer.write_batch(self._pyarrow.record_batch(columns, schema=self._pyarrow.schema(self._fields)))

    def _column(self, field: Any, values: list[Any]) -> Any:  # noqa: ANN401 - pyarrow is partly typed
        if self._pyarrow.types.is_timestamp(field.type):
            return self._pyarrow.array(values, "string").cast(field.type)
        return self._pyarrow.array(values, field.type)


def load_pyarrow() -> tuple[Any, Any]:
    """Import pyarrow, and its module for Parquet.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("smilecam scan --format parquet", "scan") from error
    return pyarrow, parquet


class Tables:
    """All tables, open for writing; use it in a ``with`` block. They take their places together when it ends well."""

    def __init__(self, folder: Path, formats: Iterable[str]) -> None:
        """Prepare.

        Args:
            folder: that exists.
            formats: some of ``FORMATS``.
        """
        self._folder, self._formats = folder, list(formats)
        self._stack = ExitStack()
        self._writers: dict[str, list[TableWriter]] = {}
        self._waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for table in TABLES:
                self._writers[table] = [self._open(stack, table, suffix) for suffix in self._formats]
            self._stack = stack.pop_all()
        return self

    def _open(self, stack: ExitStack, table: str, suffix: str) -> TableWriter:
        temporary = stack.enter_context(whole_or_absent(self._folder / f"{table}.{suffix}", exclusive=True))
        file = stack.enter_context(temporary.open("wb"))
        return _Parquet(file, table, stack) if suffix == PARQUET else _JsonLines(file)

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._stack:  # an error in here keeps the tables from their places
            if error is not None:
                raise error
            for table in TABLES:
                self._flush(table)

    def add(self, row: Row, about_file: dict[str, Any]) -> None:
        """Add a row.

        Args:
            row: of a table.
            about_file: values for those of its columns that are about the file.

        Raises:
            OSError: the disk is full.
        """
        waiting, values = self._waiting[row.table], about_file | row.values
        waiting.append({name: values.get(name) for name in TABLES[row.table]})
        if len(waiting) >= ROWS_AT_ONCE:
            self._flush(row.table)

    def _flush(self, table: str) -> None:
        if rows := self._waiting[table]:
            for writer in self._writers[table]:
                writer.write(rows)
            self._waiting[table] = []


def stale_tables(folder: Path, formats: Iterable[str]) -> Iterator[Path]:
    """Files of tables in a folder that are of no format among ``formats``: they would tell of an earlier scan."""
    for suffix in set(FORMATS) - set(formats):
        for table in TABLES:
            path = folder / f"{table}.{suffix}"
            if path.exists():
                yield path
