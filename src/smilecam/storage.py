"""Files that are whole or absent, and the folder for what smilecam keeps on this machine."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from smilecam.errors import OutputError
from smilecam.output_lock import OutputLock, short_name

DATA_VARIABLE = "SMILECAM_DATA"
"""Environment variable that names the data folder, in place of the user's cache."""


def data_folder() -> Path:
    """Folder of data sets and detector files: what ``SMILECAM_DATA`` names, or ``smilecam`` in the user's cache."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        # Without the author's name and the folder "Cache" that Windows programs add: data sets stay where they are.
        return platformdirs.user_cache_path("smilecam", appauthor=False, opinion=False)
    try:
        return Path(named).expanduser()
    except RuntimeError:  # the home of a user who does not exist
        return Path(named)


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


def same_file(path: Path, *others: Path | None) -> bool:
    """Whether ``path`` is there and is one of the others, also through links."""
    return path.exists() and any(other is not None and other.exists() and path.samefile(other) for other in others)


class PendingFile:
    """A file on its way: written under a temporary name beside its place, then put there, or dropped.

    The temporary name keeps the suffix, since writers of images and videos choose their format by it. A link is
    followed. A device or pipe is written straight into, since nothing can take its place; so is a file in a folder that
    takes no other one.

    Attributes:
        path: where the file will be.
        temporary: where to write it.
        straight: whether that is its place already.
    """

    def __init__(self, path: Path, exclusive: bool = False) -> None:
        """Make the empty temporary file.

        Args:
            path: where the file will be.
            exclusive: whether to keep other runs from writing it, until ``release`` is called.

        Raises:
            OutputError: the folder is missing or cannot be written, ``path`` is a folder, or another run is writing it.
        """
        self.path = path
        self._lock: OutputLock | None = None
        try:
            if path.is_dir():
                raise OutputError(f"cannot write {path}: it is a folder")
            self.straight = _is_device(path)
            self.target = path.resolve() if path.is_symlink() and not self.straight else path
            if exclusive and not self.straight:
                self._lock = OutputLock(self.target)
            self.temporary = self.target if self.straight else self._beside()
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, in older Python
            self.release()
            raise _output_error(path, error) from error

    def _beside(self) -> Path:
        if self._lock and self._lock.held:
            _remove_leftovers(self.target)
        # Not tempfile: its files are private, and results are ordinary ones, with the user's own permissions.
        temporary = self.target.with_name(_temporary_name(self.target, secrets.token_hex(4)))
        try:
            temporary.open("xb").close()
        except OSError as error:
            if error.errno in _NO_FURTHER_FILE and self.target.is_file() and os.access(self.target, os.W_OK):
                self.straight = True
                return self.target
            raise
        return temporary

    def keep(self) -> None:
        """Put the file in its place, over one that is there.

        Raises:
            OutputError: it cannot be put there, and stays under its temporary name.
        """
        if self.straight:
            return
        try:
            self.temporary.replace(self.target)
        except FileNotFoundError as error:
            raise OutputError(f"cannot write {self.path}: its folder was removed or renamed meanwhile") from error
        except OSError as error:
            if error.errno == errno.EBUSY and self._fill():
                return
            reason = error.strerror or error
            raise OutputError(f"cannot replace {self.path}: {reason}; the new file is {self.temporary}") from error

    def _fill(self) -> bool:
        """Copy into a file that cannot be replaced: one that a container has mounted by itself."""
        try:
            shutil.copyfile(self.temporary, self.target)
            self.temporary.unlink()
        except OSError:
            return False
        return True

    def drop(self) -> None:
        """Remove the temporary file, and let other runs write the file."""
        if not self.straight:
            with suppress(FileNotFoundError, NotADirectoryError):
                self.temporary.unlink()
        self.release()

    def release(self) -> None:
        """Let other runs write the file; harmless when called again."""
        if self._lock:
            self._lock.release()


_NO_FURTHER_FILE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def _is_device(path: Path) -> bool:
    """Whether a path is there and is no ordinary file; a name of an open file, as /dev/stdout, is none either."""
    return path.exists() and (not path.is_file() or path.absolute().as_posix().startswith(("/dev/", "/proc/")))


def _temporary_name(path: Path, token: str) -> str:
    return f".{short_name(path.stem, 180)}-{token}.part{path.suffix}"


def _remove_leftovers(path: Path) -> None:
    """Remove the temporary files of runs onto ``path`` that were killed; for the holder of its lock."""
    before, after = _temporary_name(path, "\0").split("\0")
    name = re.compile(f"{re.escape(before)}[0-9a-f]{{8}}{re.escape(after)}")
    for other in path.absolute().parent.iterdir():
        if name.fullmatch(other.name):
            with suppress(OSError):
                other.unlink()


@contextmanager
def whole_or_absent(path: Path, exclusive: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes the place of ``path`` only when the block ends well.

    Args:
        path: where the file will be.
        exclusive: whether to keep other runs from writing it meanwhile, and to remove what killed ones left.

    Raises:
        OutputError: the folder is missing or cannot be written, writing failed, or another run is writing it.
    """
    pending = PendingFile(path, exclusive)
    try:
        yield pending.temporary
    except BaseException as error:
        pending.drop()
        if isinstance(error, OSError):
            raise _output_error(path, error) from error
        raise
    try:
        pending.keep()
    finally:
        pending.release()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other runs from writing an output, of which ``path`` is a part, during the block.

    Raises:
        OutputError: another run is writing it.
    """
    lock = OutputLock(path)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; it becomes ``path`` only when the block ends well.

    Args:
        path: of a folder that is missing or empty; one that is there stays, and gets the content.

    Raises:
        OutputError: ``path`` is anything else, or cannot be written.
    """
    path = path.resolve()
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise OutputError(f"cannot write {path}: it is there, and is not an empty folder")
    temporary = make_folder(make_folder(path.parent) / f".{short_name(path.name)}-{secrets.token_hex(4)}")
    try:
        yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    try:
        path.mkdir(exist_ok=True)
        for child in sorted(temporary.iterdir()):
            child.replace(path / child.name)
        temporary.rmdir()
    except OSError as error:
        raise OutputError(f"cannot fill {path}: {error.strerror or error}; the rest is in {temporary}") from error


def _output_error(path: Path, error: Exception) -> OutputError:
    return OutputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}")


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
    # Names of files need not be text on every system; they are written as they are.
    write_bytes(path, content.encode("utf-8", "surrogateescape"))
