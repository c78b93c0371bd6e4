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

from filelock import FileLock, Timeout

PREFIX = "smilecam-server-"
LOCK = "lock"
"""A file in each folder, locked for as long as its server lives, and no longer, however that ends."""

UNLOCKED_SECONDS = 60.0
"""A folder without a lock is a starting server's, until it is so old."""


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that only this user may look into, and delete those that killed servers left behind."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        FileLock(Path(name) / LOCK),
    ):
        yield Path(name)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            if not folder.is_symlink() and _is_ours(folder) and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()


def _is_abandoned(folder: Path) -> bool:
    lock = folder / LOCK
    if not lock.exists():
        return time.time() - folder.stat().st_mtime > UNLOCKED_SECONDS
    with FileLock(lock, timeout=0):  # raises Timeout where the server lives
        return True
