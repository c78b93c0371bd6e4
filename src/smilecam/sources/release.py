"""What native libraries read: one thread reads it, and any thread may close it."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")


class ReleaseGuard:
    """Closes a resource only when no thread is inside it: closing what a library reads would crash the process.

    ``close`` releases the resource at once if nobody is reading it. Otherwise it asks the reading thread to stop, and
    that thread releases the resource when it leaves the library.

    Attributes:
        closed: whether ``close`` has been called.
    """

    def __init__(self, release: Callable[[], object], cancel: Callable[[], object] = lambda: None) -> None:
        """ReleaseGuard an open resource.

        Args:
            release: frees the resource; harmless when called again.
            cancel: makes a read that is under way return early, where that is possible.
        """
        self._release, self._cancel = release, cancel
        self._lock = threading.Lock()
        self._inside = False
        self.closed = False

    def iterate(self, items: Iterator[T]) -> Iterator[T]:
        """Pass on what an iterator reads from the resource, until it ends or the resource is closed."""
        while (item := self._next(items)) is not None and not self.closed:
            yield item

    def _next(self, items: Iterator[T]) -> T | None:
        with self._lock:
            if self.closed:
                return None
            self._inside = True
        try:
            return next(items, None)
        finally:
            with self._lock:
                self._inside = False
                if self.closed:
                    self._release()

    def close(self) -> None:
        """Release the resource, or have the thread that is reading it release it."""
        with self._lock:
            self.closed = True
            if self._inside:
                self._cancel()
            else:
                self._release()


class ReadByLibrary(Protocol):
    """What a library reads by calling back, as a file."""

    def cancel(self) -> None:
        """Make reads end early, where that is possible; any thread may call it."""

    def close(self) -> None:
        """Close it; no thread may be reading it."""


class CancellableFile(io.FileIO):
    """A local file for PyAV that any thread can cut short: a demuxer may scan gigabytes before it finds a packet.

    It adds no Python code to reading: a signal handler that ran there would raise inside a callback of FFmpeg, where
    exceptions are lost.
    """

    def __init__(self, path: Path) -> None:
        """Open a file for reading.

        Raises:
            OSError: it cannot be opened.
        """
        self._lock = threading.Lock()
        super().__init__(os.fspath(path))

    def cancel(self) -> None:
        """Make all further reads find the end of the file; one that is under way is not disturbed."""
        with self._lock:
            if self.closed:
                return
            empty = os.open(os.devnull, os.O_RDONLY)
            try:
                os.dup2(empty, self.fileno(), inheritable=False)
            finally:
                os.close(empty)

    def close(self) -> None:
        """Close the file; no thread may be reading it."""
        with self._lock:
            super().close()
