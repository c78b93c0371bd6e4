"""The engine of many machines: Ray Data maps jobs over the cores of a cluster. No other module imports Ray.

The same workers as on one machine give the same records. What a lost machine was working on is done again elsewhere.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

from smilecam.errors import MissingExtra, SmilecamError
from smilecam.scan.local_engine import LocalEngine
from smilecam.scan.record import Record
from smilecam.scan.task import Job, ScanSettings, job_from_text, job_to_text

LOCAL = "local"

CONNECT_SECONDS = 10.0

OBJECT_STORE_BYTES = 256 * 2**20
"""For a cluster of this machine alone: records are small."""


class RayFailure(SmilecamError):
    """The cluster cannot be reached, or failed as a whole."""


class RayEngine:
    """The workers of a Ray cluster; smilecam must be installed on each machine, and see files under the same paths."""

    def __init__(self, settings: ScanSettings, workers: int | None = None, address: str | None = None) -> None:
        """Connect to a cluster.

        Args:
            settings: of all tasks.
            workers: at most so many, of one core each; None for all cores that the cluster has when a run begins.
            address: of the cluster; None for what ``RAY_ADDRESS`` names, or else a cluster of this machine alone, which
                ends with the engine.

        Raises:
            MissingExtra: Ray is not installed.
            RayFailure: the cluster cannot be reached.
        """
        self._settings, self._workers = settings, workers
        self._ray = _load_ray()
        address = address or os.environ.get("RAY_ADDRESS") or LOCAL
        store: dict[str, Any] = {}
        if address == LOCAL:
            store = {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
            # Ray gives its workers the lowest priority but four; the local engine's have that of any program.
            os.environ.setdefault("RAY_worker_niceness", "0")
        try:
            _check_reachable(address)
            with _own_signals():
                self._ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **store)
        except (OSError, RuntimeError, ValueError) as error:
            raise RayFailure(f"no Ray cluster at {address}: {' '.join(str(error).split())}") from error

    @property
    def workers(self) -> int:
        """Workers that a run which began now would have at most."""
        return self._workers or int(self._ray.cluster_resources().get("CPU", 1))

    def run(self, jobs: Sequence[Job]) -> Iterator[Record]:
        """Process jobs, and give the record of each task as it comes, in no certain order.

        Raises:
            RayFailure: no worker can start, or the cluster is lost.
        """
        if not jobs:
            return
        # Imported here: it takes as long as a cluster of this machine needs for the start of its processes.
        from ray.data import ActorPoolStrategy, DataContext, from_items

        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context = DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        most = min(self.workers, len(jobs))
        rows = from_items([{"job": job_to_text(job)} for job in jobs], override_num_blocks=len(jobs)).flat_map(
            _RayWorker,
            fn_constructor_kwargs={"settings": self._settings.as_dict()},
            # One at a time: a job that waits behind a long video could be another worker's.
            compute=ActorPoolStrategy(min_size=1, max_size=most, initial_size=most, max_tasks_in_flight_per_actor=1),
            num_cpus=1,
        )
        given = set()
        try:
            for row in rows.iter_rows():
                if row["key"] not in given:
                    given.add(row["key"])
                    yield Record(**row)
        except self._ray.exceptions.RayError as error:
            raise RayFailure(f"the Ray cluster failed: {' '.join(str(error).split())[:500]}") from error

    def close(self) -> None:
        """Leave the cluster; one of this machine alone ends."""
        self._ray.shutdown()


class _RayWorker:
    """One actor of Ray. It has a process of its own for the work: a file that ends it must not end the actor.

    Ray would begin the job of a dead actor again, and again, since it takes it for a lost machine.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._engine = LocalEngine(ScanSettings.of_dict(settings), workers=1)

    def __call__(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Process the job of a row, and give a row for each of its tasks."""
        records = self._engine.run([job_from_text(row["job"])])
        return [asdict(record) for record in records]


def _check_reachable(address: str) -> None:
    """Refuse an address where nothing listens, which Ray would wait for during minutes; raises OSError."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep our handler of a request to end, in place of which Ray puts one that exits with another code."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and handler is not None:
            signal.signal(signal.SIGTERM, handler)


def _load_ray() -> Any:  # noqa: ANN401 - Ray is partly typed
    """Import Ray without its reports to its makers; a host's own choice holds.

    Raises:
        MissingExtra: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingExtra("smilecam scan --engine ray", "ray") from error
    if find_spec("ray.data") is None or find_spec("pyarrow") is None:
        raise MissingExtra("smilecam scan --engine ray", "ray")
    return ray
