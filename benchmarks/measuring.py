"""Wall time, CPU time and memory of a piece of work; standard library only, for any interpreter."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATUS = Path("/proc/self/status")


@dataclass(slots=True)
class Cost:
    """Wall seconds, and CPU seconds over all threads and children; 0 until the work is done."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure a block."""
    cost, before, started = Cost(), os.times(), time.perf_counter()
    yield cost
    cost.seconds = time.perf_counter() - started
    cost.cpu_seconds = sum(os.times()[:4]) - sum(before[:4])


def rss_mb() -> float | None:
    """Resident memory of this process, in MB of 10^6 bytes; None if unknown."""
    return _of_status("VmRSS:")


def peak_rss_mb() -> float | None:
    """Peak resident memory of this process, in MB of 10^6 bytes; None if unknown."""
    # Preferred to getrusage, which on Linux includes the memory of the parent process.
    known = _of_status("VmHWM:")
    if known is not None:
        return known
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _of_status(key: str) -> float | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text("ascii", "replace").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6
    return None
