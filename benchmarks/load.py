"""Load on the server over loopback: from 1 to 64 WebSocket sessions, each sending its next frame after the answer.

    python benchmarks/load.py [--sessions 1,2,4,8,16,32,64] [--seconds 5] [--rounds 3] [--against SRC] [--json PATH]

For each number of sessions: how many were admitted and how many refused with 503 and Retry-After, frames/s of all
together, the time from a frame to its answer, processor time of the server and its workers a frame, and the time to the
first face, at the median of the sessions, which all come at the same moment. Last, whether
the server has recovered: one session again, in turn with one on a server that was never loaded. With --against, the
folder src of another version is measured in turn with this one. Windows are short, so that servers that are compared
meet the same load of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from websockets.exceptions import InvalidStatus

from smilecam import provenance
from smilecam.demo import portraits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "server"))

import served

OWN_SOURCE = Path(__file__).resolve().parents[1] / "src"

PAUSE_SECONDS = 3.0
"""After the load: waits of the last two seconds count as saturation."""

RECOVERY_ROUNDS = 3


@dataclass(slots=True)
class Window:
    """What was measured with a number of sessions.

    Attributes:
        sessions: that asked for a place.
        refused: of them, with 503 and Retry-After.
        rate: frames a second, all together.
        p50: median of the milliseconds from a frame to its answer.
        p99: 99th percentile of the same.
        cpu: milliseconds of processor time a frame.
        first: median of the seconds until a session had a face.
        errors: sessions that ended in any other way.
    """

    sessions: int
    refused: int = 0
    rate: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    cpu: float = 0.0
    first: float = 0.0
    errors: int = 0
    waits: list[float] = field(default_factory=list, repr=False)


def processor_seconds(server: served.Server) -> float:
    """Of the server and its workers so far."""
    process = psutil.Process(server.process.pid)
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def measure(server: served.Server, sessions: int, seconds: float, image: bytes) -> Window:
    """Load a server for a while."""
    window, lock, firsts = Window(sessions), threading.Lock(), []
    end = time.monotonic() + seconds

    def send_frames() -> None:
        number, seen = 0, False
        with server.socket() as stream:
            while (began := time.monotonic()) < end:
                answer = served.ask(stream, served.frame(number, number / 25, image), 60)
                window.waits.append(time.monotonic() - began)
                number += 1
                if answer["faces"] and not seen:
                    seen = True
                    firsts.append(time.monotonic() - end + seconds)

    def run_session() -> None:
        try:
            send_frames()
        except InvalidStatus as error:
            shed = error.response.status_code == 503 and "retry-after" in error.response.headers
            with lock:
                window.refused += shed
                window.errors += not shed
        except Exception:  # noqa: BLE001 - counted
            with lock:
                window.errors += 1

    before = processor_seconds(server)
    threads = [threading.Thread(target=run_session) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frames = max(1, len(window.waits))
    window.cpu = 1000 * (processor_seconds(server) - before) / frames
    window.rate = len(window.waits) / seconds
    missing = sessions - window.refused - len(firsts)
    window.first = median(firsts + [float("inf")] * missing) if firsts else float("inf")
    window.p50, window.p99 = (1000 * np.quantile(window.waits or [0.0], (0.5, 0.99))).tolist()
    return window


def combined(windows: list[Window]) -> Window:
    """The medians of several windows."""
    names = ("refused", "rate", "p50", "p99", "cpu", "first", "errors")
    return Window(windows[0].sessions, **{name: median(getattr(window, name) for window in windows) for name in names})


@contextmanager
def servers(sources: dict[str, Path]) -> Iterator[dict[str, served.Server]]:
    """A server of each version, at the same time."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield {
            name: stack.enter_context(served.serving(work, environment={**os.environ, "PYTHONPATH": str(source)}))
            for name, source in sources.items()
        }


def recovery(loaded: served.Server, rounds: int, seconds: float, image: bytes) -> dict[str, float]:
    """Frames/s and processor time of one session, on a server that was loaded and on one that was not, in turn."""
    windows: dict[str, list[Window]] = {"loaded": [], "fresh": []}
    with tempfile.TemporaryDirectory() as work, served.serving(Path(work)) as fresh:
        for number in range(rounds):
            for name in sorted(windows, reverse=bool(number % 2)):
                windows[name].append(measure(loaded if name == "loaded" else fresh, 1, seconds, image))
    rates = {name: median(window.rate for window in measured) for name, measured in windows.items()}
    costs = {name: median(window.cpu for window in measured) for name, measured in windows.items()}
    return {
        "loaded_rate": rates["loaded"],
        "fresh_rate": rates["fresh"],
        "ratio": rates["loaded"] / max(1e-9, rates["fresh"]),
        "loaded_cpu": costs["loaded"],
        "fresh_cpu": costs["fresh"],
    }


def main() -> None:
    """Measure each number of sessions, and one session again at the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", default="1,2,4,8,16,32,64")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    image = served.jpeg(portraits()[0], (640, 480))
    counts = [int(count) for count in options.sessions.split(",")]
    sources = {"this": OWN_SOURCE, **({"other": options.against} if options.against else {})}
    print(f"commit {provenance.commit()}, {provenance.machine()}, 640x480, {len(image):,} bytes a frame")
    print("| version | sessions | refused | frames/s | p50, ms | p99, ms | CPU ms a frame | first face, s | errors |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    with servers(sources) as running:
        for count in counts:
            windows: dict[str, list[Window]] = {name: [] for name in running}
            for number in range(options.rounds):
                for name in sorted(running, reverse=bool(number % 2)):
                    windows[name].append(measure(running[name], count, options.seconds, image))
            for name, measured in windows.items():
                row = combined(measured)
                rows.append({"version": name, **{key: value for key, value in asdict(row).items() if key != "waits"}})
                print(
                    f"| {name} | {count} | {row.refused:g} | {row.rate:.0f} | {row.p50:.0f} | {row.p99:.0f} "
                    f"| {row.cpu:.2f} | {row.first:.1f} | {row.errors:g} |",
                    flush=True,
                )
        time.sleep(PAUSE_SECONDS)
        recovered = recovery(running["this"], RECOVERY_ROUNDS * options.rounds, options.seconds, image)
    print("one session afterwards:", {name: round(value, 2) for name, value in recovered.items()})
    if options.json:
        content = {"rows": rows, "recovery": recovered, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
