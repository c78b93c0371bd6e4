"""Picture files inside a folder or a zip archive, read alike."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from smilecam.errors import DataError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""File names that count as pictures, in lower case."""

MAX_ENTRY_BYTES = 32 * 2**20
"""A picture file over this size is refused: faces for training are small, and archives can be bombs."""

Read = Callable[[], bytes]


@contextmanager
def open_entries(path: Path) -> Iterator[list[tuple[PurePosixPath, Read]]]:
    """List the picture files below ``path``, sorted by name, each with a function that reads it.

    Args:
        path: a folder, or a zip archive.

    Raises:
        DataError: nothing is there, or it is neither a folder nor a readable zip archive.
    """
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file() and _is_picture(file.name))
        yield [(PurePosixPath(file.relative_to(path).as_posix()), file.read_bytes) for file in found]
        return
    if not path.exists():
        raise DataError(f"no data at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if _is_picture(member.filename)]
            members.sort(key=lambda member: member.filename)
            yield [(PurePosixPath(member.filename), _member_reader(archive, member)) for member in members]
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{path} is neither a folder nor a readable zip archive") from error


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


def _member_reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Read:
    def read() -> bytes:
        if member.file_size > MAX_ENTRY_BYTES:
            raise DataError(f"{member.filename} is over the limit of {MAX_ENTRY_BYTES} bytes")
        return archive.read(member)

    return read
