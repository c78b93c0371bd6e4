"""The server's private folder for uploads and results, gone with the server, or with the next one at the latest."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smilecam.errors import OutputError
from smilecam.output_lock import OutputLock, was_locked

PREFIX = "smilecam-server-"
LOCKED = "server"
"""A name in each folder, locked for as long as its server lives, and no longer, however that ends."""

UNLOCKED_SECONDS = 60.0
"""A folder that has never been locked is a starting server's, until it is so old."""


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that only this user may look into, and delete those that killed servers left behind."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        lock = OutputLock(Path(name) / LOCKED)
        try:
            yield Path(name)
        finally:
            lock.release()


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, OutputError):
            if not folder.is_symlink() and _is_ours(folder) and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()


def _is_abandoned(folder: Path) -> bool:
    """Whether no server lives there; raises OutputError where one does."""
    if not was_locked(folder / LOCKED):
        return time.time() - folder.stat().st_mtime > UNLOCKED_SECONDS
    lock = OutputLock(folder / LOCKED)
    try:
        return lock.held
    finally:
        lock.release()
