"""A worker process, as the server sees it: started, talked to, and killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from smilecam.server.decoding.confine import MEMORY_EXIT, run_confined

_context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold

JOIN_SECONDS = 2.0


class WorkerFailed(Exception):
    """A worker ended before its answer.

    Attributes:
        memory: whether it took more memory than it may; otherwise a library crashed, or it was killed.
    """

    def __init__(self, *, memory: bool) -> None:
        """Keep the reason."""
        super().__init__("memory" if memory else "crash")
        self.memory = memory


class Worker:
    """One process that runs a function with one end of a connection. Any thread may kill it; one may talk to it.

    Attributes:
        connection: the server's end.
        loaded: for whoever talks to it: whether it has said that it is.
    """

    def __init__(self, target: Callable[[Connection], None], pixels: int) -> None:
        """Start the process.

        Args:
            target: a module's function, called there with the process's end of the connection; see ``run_confined``.
            pixels: limit of an image or frame.

        Raises:
            OSError: there is no memory or no file descriptor left for a process.
        """
        self.connection, other = _context.Pipe()
        self.loaded = False
        self._lock = threading.Lock()
        try:
            self._process = _context.Process(target=run_confined, args=(target, other, pixels), daemon=True)
            self._process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            other.close()

    def receive(self, seconds: float) -> Any:  # noqa: ANN401 - whatever the target sends
        """The next object that the process sends.

        Raises:
            TimeoutError: it sent none in time.
            WorkerFailed: it has ended.
        """
        with self._connected():
            if not self.connection.poll(max(0.0, seconds)):
                raise TimeoutError
            return self.connection.recv()

    def receive_into(self, buffer: memoryview, seconds: float) -> None:
        """The next bytes that the process sends; raises as ``receive`` does.

        Args:
            buffer: one-dimensional, of the size that is expected.
            seconds: until they must begin to come.
        """
        with self._connected():
            if not self.connection.poll(max(0.0, seconds)):
                raise TimeoutError
            self.connection.recv_bytes_into(buffer)

    def send(self, content: object) -> None:
        """Send an object.

        Raises:
            WorkerFailed: the process has ended.
        """
        with self._connected():
            self.connection.send(content)

    def send_bytes(self, content: bytes) -> None:
        """Send bytes, without a copy; raises as ``send`` does."""
        with self._connected():
            self.connection.send_bytes(content)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended: the system may have killed it while it waited."""
        with self._lock:
            return self._process.is_alive()

    def kill(self) -> None:
        """End the process, whatever it does; harmless when called again."""
        with self._lock:
            with contextlib.suppress(OSError):
                self._process.kill()
            self._process.join(JOIN_SECONDS)

    def close(self) -> None:
        """End the process and the connection; for the thread that talks to it."""
        self.kill()
        self.connection.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise
        except (EOFError, OSError):
            raise self._failure() from None

    def _failure(self) -> WorkerFailed:
        with self._lock:
            self._process.join(JOIN_SECONDS)
        return WorkerFailed(memory=self._process.exitcode == MEMORY_EXIT)
