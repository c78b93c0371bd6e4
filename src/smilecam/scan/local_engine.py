"""The engine of one machine: a process for each core, each with one file at a time."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from tempfile import TemporaryDirectory
from typing import Self

from smilecam.errors import SmilecamError
from smilecam.pipeline.fair_gate import usable_cores
from smilecam.scan.record import Record, WorkerDied, died
from smilecam.scan.task import Job, ScanSettings, Task

ATTEMPTS = 2
"""A file in whose processing a worker has died so often is a failure: it may have been the machine's lack of memory. So
is a scan whose workers have died so often, one after another, before they took a file."""

POLL_SECONDS = 0.5
"""On Windows, no signal interrupts a wait, so waits are short."""

CLOSE_SECONDS = 1.0

MAX_PROCESSES_WINDOWS = 60
"""Windows waits for 63 pipes at most."""


@dataclass(slots=True)
class _Process:
    """A worker's process: the tasks that it has been given, in order, without those that are done.

    Its copies of files behind URLs are in a folder that is removed after it, however it ends.
    """

    process: BaseProcess
    connection: Connection
    copies: TemporaryDirectory[str]
    tasks: deque[Task] = field(default_factory=deque)
    starting: bool = True


class LocalEngine:
    """Processes of this machine. They are started anew by ``spawn``, so that nothing of the parent is shared."""

    def __init__(self, settings: ScanSettings, workers: int | None = None) -> None:
        """Prepare; processes start with the first job.

        Args:
            settings: of all tasks.
            workers: number of processes; None for one for each usable core.
        """
        self._settings, self.workers = settings, workers or usable_cores()
        if sys.platform == "win32":
            self.workers = min(self.workers, MAX_PROCESSES_WINDOWS)
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._processes: list[_Process] = []
        self._attempts: dict[str, int] = {}
        self._failed_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, jobs: Sequence[Job]) -> Iterator[Record]:
        """Process jobs, and give the record of each task as it comes, in no certain order.

        Raises:
            SmilecamError: a worker cannot start.
        """
        waiting = deque(jobs)
        while waiting or any(process.tasks for process in self._processes):
            self._hand_out(waiting)
            for connection in wait([process.connection for process in self._processes], POLL_SECONDS):
                process = next(process for process in self._processes if process.connection is connection)
                try:
                    message = process.connection.recv()
                except (EOFError, OSError):
                    yield from self._bury(process, waiting)
                    continue
                if isinstance(message, SmilecamError):
                    raise message
                process.starting, self._failed_starts = False, 0
                if isinstance(message, Record):
                    process.tasks.popleft()
                    yield message

    def _hand_out(self, waiting: deque[Job]) -> None:
        """Give a job to everyone who has none; start as many workers as there are jobs for."""
        busy = sum(bool(process.tasks) for process in self._processes)
        while len(self._processes) < min(self.workers, busy + len(waiting)):
            self._processes.append(self._start())
        for process in self._processes:
            if waiting and not process.tasks:
                job = waiting.popleft()
                process.tasks.extend(job)
                try:
                    process.connection.send(job)
                except OSError:
                    continue  # it has died: its end is received next

    def _start(self) -> _Process:
        ours, theirs = self._context.Pipe()
        copies = TemporaryDirectory(prefix="smilecam-", ignore_cleanup_errors=True)
        process = self._context.Process(
            target=_serve, args=(theirs, self._settings, copies.name), name="smilecam-scan", daemon=True
        )
        process.start()
        theirs.close()
        return _Process(process, ours, copies)

    def _bury(self, process: _Process, waiting: deque[Job]) -> Iterator[Record]:
        """Take note of a worker's death: what it was working on is tried once more, alone; the rest goes on."""
        self._processes.remove(process)
        process.process.join(CLOSE_SECONDS)
        code = process.process.exitcode
        process.connection.close()
        process.copies.cleanup()
        if process.starting:  # no file is to blame
            waiting.appendleft(tuple(process.tasks))
            self._failed_starts += 1
            if self._failed_starts >= ATTEMPTS:
                raise WorkerDied(f"workers end while they start ({_cause(code)})")
            return
        if not process.tasks:
            return
        suspect, *others = process.tasks
        if others:
            waiting.append(tuple(others))
        self._attempts[suspect.key] = self._attempts.get(suspect.key, 0) + 1
        if self._attempts[suspect.key] < ATTEMPTS:
            waiting.append((suspect,))
        else:
            yield died(suspect, _cause(code))

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        for process in self._processes:
            process.connection.close()
            process.process.terminate()
        end = time.monotonic() + CLOSE_SECONDS  # for all together
        for process in self._processes:
            process.process.join(max(0.0, end - time.monotonic()))
            if process.process.is_alive():  # stopped, for one
                process.process.kill()
                process.process.join(CLOSE_SECONDS)
            process.copies.cleanup()
        self._processes = []


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"


def _serve(connection: Connection, settings: ScanSettings, copies: str) -> None:
    """The life of a worker's process; its temporary files are in the folder ``copies``."""
    tempfile.tempdir = copies
    for name in ("SIGINT", "SIGHUP", "SIGBREAK"):  # the parent ends its workers, also after Ctrl-C
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(copies,), name="smilecam-parent", daemon=True).start()
    _silence_native_libraries()
    from smilecam.scan.worker import Worker

    try:
        try:
            worker = Worker(settings)
        except SmilecamError as error:
            connection.send(error)
            return
        connection.send(None)
        while True:
            for task in connection.recv():
                connection.send(worker.process(task))
    except (EOFError, OSError):  # the parent is gone
        return


def _end_with_parent(copies: str) -> None:
    """End this process at once when its parent is gone, also in the middle of a long video; leave no copies."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(copies, ignore_errors=True)
        os._exit(1)


def _silence_native_libraries() -> None:
    """Keep what decoders print about damaged files off the terminal; the errors are in their table."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
