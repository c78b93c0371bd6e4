"""One writer at a time: a lock that belongs to an output file, on every system."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from smilecam.errors import OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCKED_BYTE = 2**30
"""Windows keeps others from reading what is locked, so that is a byte beyond the process id that the file holds."""

_TAKEN = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
"""In a folder that others may write, a link of theirs in place of the lock must not have us empty the file it names."""

_ATTEMPTS = 100
"""Each other attempt means that another run has just ended."""


class OutputLock:
    """Keeps other runs from writing an output at the same time.

    A hidden file beside the output is locked by the system, and the system frees it when this process ends, however it
    ends; what a killed run left is taken over. Where the system knows no locks, or the folder takes no further file,
    nothing is locked.

    Attributes:
        held: whether the output is locked.
    """

    def __init__(self, path: Path) -> None:
        """Lock an output.

        Args:
            path: of the output, which need not be there; its folder is.

        Raises:
            OutputError: another run is writing it.
        """
        self._path = _lock_file(path)
        self._descriptor: int | None = None
        for _ in range(_ATTEMPTS):
            try:
                descriptor = os.open(self._path, _FLAGS, 0o666)
            except OSError:
                return
            if self._take(descriptor, path):
                return

    @property
    def held(self) -> bool:
        """Whether the output is locked."""
        return self._descriptor is not None

    def _take(self, descriptor: int, path: Path) -> bool:
        """Lock an open file; False if a run that ended has removed it meanwhile."""
        try:
            _lock(descriptor)
        except OSError as error:
            other = _process_in(descriptor)
            os.close(descriptor)
            if error.errno in _TAKEN:
                raise OutputError(f"cannot write {path}: another run{other} is writing it") from error
            return True
        if not self._is_named(descriptor):
            os.close(descriptor)
            return False
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        return True

    def _is_named(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Free the output and remove the file; harmless when called again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if sys.platform == "win32":  # where no open file can be removed
            os.close(descriptor)
            self._remove()
        else:  # before others can lock it: they see that it is gone
            self._remove()
            os.close(descriptor)

    def _remove(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError:  # another run has it open, or the folder may not be written any more
            return


def was_locked(path: Path) -> bool:
    """Whether somebody has locked an output and has not freed it: a run that goes on, or was killed.

    While a run is about to lock it, and its file is there already, this is false.
    """
    try:
        return _lock_file(path).stat().st_size > 0
    except OSError:
        return False


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{short_name(path.name)}.lock")


def short_name(name: str, most: int = 200) -> str:
    """A name cut to a number of bytes, so that more can be added: file systems allow 255."""
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name


def _lock(descriptor: int) -> None:
    """Lock without waiting.

    Raises:
        OSError: another process, or another part of this one, holds the lock; or there are no locks here.
    """
    if sys.platform == "win32":
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _process_in(descriptor: int) -> str:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        written = os.read(descriptor, 20)
    except OSError:
        return ""
    return f" (process {written.decode()})" if written.isdigit() else ""
