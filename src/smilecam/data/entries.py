"""Image files inside a folder or a zip archive, with one interface."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import IO

from smilecam.errors import DataError
from smilecam.gif import SUFFIX as GIF_SUFFIX
from smilecam.gif import is_still_gif
from smilecam.presets import IMAGE_SUFFIXES

MAX_ENTRY_BYTES = 32 * 2**20
"""Maximum size of an image file: faces for training are small, and an archive can be a zip bomb."""

Read = Callable[[], bytes]


INDEX_NAME = "index.csv"
"""Name of the file that lists the images beside it, with their labels."""


@contextmanager
def open_entries(path: Path) -> Iterator[list[tuple[PurePosixPath, Read]]]:
    """List the image and index files below ``path``, sorted by name, each with a function that returns its bytes.

    Args:
        path: a folder, or a zip archive.

    Raises:
        DataError: there is nothing, or neither a folder nor a readable zip archive.
    """
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file() and _is_wanted(file, partial(_open, file)))
        yield [(PurePosixPath(file.relative_to(path).as_posix()), file.read_bytes) for file in found]
        return
    if not path.is_file():
        raise DataError(f"no data at {path}: neither a folder nor a file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                member
                for member in archive.infolist()
                if _is_wanted(PurePosixPath(member.filename), partial(archive.open, member))
            ]
            members.sort(key=lambda member: member.filename)
            yield [(PurePosixPath(member.filename), _member_reader(archive, member)) for member in members]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:  # RuntimeError: encrypted
        raise DataError(f"{path} is neither a folder nor a readable zip archive") from error


def is_index(name: PurePath) -> bool:
    """Whether a name is an index file's."""
    return name.name == INDEX_NAME


def _open(file: Path) -> IO[bytes]:
    return file.open("rb")


def _is_wanted(name: PurePath, open_file: Callable[[], AbstractContextManager[IO[bytes]]]) -> bool:
    """Whether a file is an image or an index; an animation is neither.

    macOS adds files to archives whose names begin with a dot.
    """
    if name.name.startswith("."):
        return False
    if name.suffix.lower() != GIF_SUFFIX:
        return name.suffix.lower() in IMAGE_SUFFIXES or is_index(name)
    with open_file() as file:
        return is_still_gif(file)


def _member_reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Read:
    def read() -> bytes:
        if member.file_size > MAX_ENTRY_BYTES:
            raise DataError(f"{member.filename} is over the limit of {MAX_ENTRY_BYTES} bytes")
        return archive.read(member)

    return read
