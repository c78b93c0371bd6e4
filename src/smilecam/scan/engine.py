"""What every engine does: jobs in, records out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from smilecam.scan.record import Record
from smilecam.scan.task import Job


class Engine(Protocol):
    """Processes jobs with many workers. ``LocalEngine`` and ``RayEngine`` give the same records.

    Attributes:
        workers: how many there will be at most, as far as that is known.
    """

    @property
    def workers(self) -> int:
        """As above."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Record]:
        """Process jobs, and give the record of each task as it comes, in no certain order.

        Raises:
            SmilecamError: no worker can start.
        """

    def close(self) -> None:
        """End all workers, whatever they are doing."""
