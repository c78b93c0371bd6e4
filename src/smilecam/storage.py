"""Files that are whole or absent, and the folder for what smilecam keeps on this machine."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smilecam.errors import OutputError

DATA_VARIABLE = "SMILECAM_DATA"
"""Environment variable that names the data folder, in place of the user's cache."""


def data_folder() -> Path:
    """Where data sets are kept: the folder that ``SMILECAM_DATA`` names, or ``smilecam`` in the user's cache."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else _user_cache() / "smilecam"


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def make_folder(folder: Path, parents: bool = True) -> Path:
    """Make ``folder`` where it is missing, and its parents too unless ``parents`` is false.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=parents, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    return folder


class PendingFile:
    """A file on its way: written under a temporary name beside its place, then put there, or dropped.

    The temporary name keeps the suffix, since writers of pictures and videos choose their format by it.

    Attributes:
        path: where the file will be.
        temporary: where to write it.
    """

    def __init__(self, path: Path) -> None:
        """Make the empty temporary file.

        Raises:
            OutputError: the folder is missing or cannot be written, or ``path`` is a folder.
        """
        if path.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder")
        self.path = path
        try:
            handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
            os.close(handle)
        except OSError as error:
            raise _output_error(path, error) from error
        self.temporary = Path(name)

    def keep(self) -> None:
        """Put the file in its place, over one that is there.

        Raises:
            OutputError: it cannot be put there.
        """
        try:
            if os.name == "posix":  # temporary files are private; results are ordinary ones
                umask = os.umask(0)
                os.umask(umask)
                self.temporary.chmod(0o666 & ~umask)
            self.temporary.replace(self.path)
        except OSError as error:
            self.drop()
            raise _output_error(self.path, error) from error

    def drop(self) -> None:
        """Remove the temporary file."""
        self.temporary.unlink(missing_ok=True)


@contextmanager
def whole_or_absent(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes the place of ``path`` only when the block ends well.

    Raises:
        OutputError: the folder is missing or cannot be written, or writing failed.
    """
    pending = PendingFile(path)
    try:
        yield pending.temporary
    except BaseException as error:
        pending.drop()
        if isinstance(error, OSError):
            raise _output_error(path, error) from error
        raise
    pending.keep()


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror or error}")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or none.

    Raises:
        OutputError: it cannot be written.
    """
    with whole_or_absent(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 text file or none.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, content.encode())
