"""Installed size of a package with all that it needs, and its time for one picture, beside smilecam's.

    python benchmarks/peers.py smilecam            # in an environment with smilecam
    OTHER/bin/python benchmarks/peers.py fer       # in one with FER; any other package: its size alone

Size: files of the package and of everything it requires, without compiled caches, as installed on this machine. Time:
processor time, all threads, of faces found and read in the README's picture (two faces), the median of 30 calls after
3; the first call's time on the clock counts loading. No seed: nothing is random. Needs `packaging`, which most
environments have.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PICTURE = Path(__file__).parents[1] / "docs/images/smilecam.jpg"
WARM_UP, CALLS = 3, 30


def installed_size(package: str) -> tuple[int, int]:
    """Bytes and number of packages."""
    sizes: dict[str, int] = {}
    waiting = [package]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in sizes:
            continue
        found = importlib.metadata.distribution(name)
        files = [Path(str(file.locate())) for file in found.files or [] if file.suffix != ".pyc"]
        sizes[name] = sum(file.stat().st_size for file in files if file.is_file())
        requirements = map(Requirement, found.requires or [])
        waiting += [entry.name for entry in requirements if not entry.marker or entry.marker.evaluate({"extra": ""})]
    return sum(sizes.values()), len(sizes)


def smilecam_reader() -> Callable[[Any], int]:
    """One picture through smilecam, with the Haar cascade."""
    import smilecam

    detector = smilecam.SmileDetector(detector="haar")
    return lambda image: len(detector(image).faces)


def fer_reader() -> Callable[[Any], int]:
    """One picture through FER, with its default detector, a Haar cascade."""
    from fer.fer import FER

    detector = FER()
    return lambda image: len(detector.detect_emotions(image))


READERS = {"smilecam": smilecam_reader, "fer": fer_reader}


def processor_time(load: Callable[[], Callable[[Any], int]]) -> dict[str, float]:
    """Milliseconds of processor time for the picture, seconds to the first result, and the number of faces."""
    import cv2

    image = cv2.imread(str(PICTURE))
    began = time.perf_counter()
    read = load()
    faces = read(image)
    first = time.perf_counter() - began
    for _ in range(WARM_UP):
        read(image)
    spent = []
    for _ in range(CALLS):
        before = time.process_time()
        read(image)
        spent.append(1000 * (time.process_time() - before))
    return {"faces": faces, "cpu_ms": round(statistics.median(spent), 1), "first_result_s": round(first, 2)}


def main() -> None:
    """Print the figures of the package that is named, as one JSON object."""
    package = sys.argv[1]
    size, count = installed_size(package)
    found: dict[str, object] = {
        "package": f"{package} {importlib.metadata.version(package)}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "installed_mb": round(size / 1e6),
        "packages": count,
    }
    if package in READERS:
        found |= processor_time(READERS[package])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
