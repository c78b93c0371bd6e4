"""Long runs with time compressed: memory, threads and open files stay flat, and the end gives what the beginning gave.

    python benchmarks/soak.py frames [--n 500000]        # smilecam detect on a drawn face, as fast as it goes
    python benchmarks/soak.py online [--n 500000]        # the engine of live streams, on frames 40 ms apart
    python benchmarks/soak.py sessions [--n 10000]       # a server: WebSockets and uploaded images in turn
    python benchmarks/soak.py reconnects [--n 200]       # an MJPEG camera that breaks off each time
    python benchmarks/soak.py rtsp [--n 200]             # an RTSP server that is killed and started again
    python benchmarks/soak.py abandoned [--n 1000]       # iterators of results that nobody takes to their end

Prints what the process and its children hold after each tenth of the work, and whether it grew from the second tenth to
the last; exit code 1 if so, or if results differ. ``--json PATH`` keeps it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from smilecam import provenance
from smilecam.opencv import cv2
from smilecam.pipeline.components import StreamSetup, load_components
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.online_run import OnlineRun
from smilecam.sources.base import SourceOptions
from smilecam.sources.frame import Frame
from smilecam.sources.network import open_stream
from smilecam.sources.resolve import find_sources
from smilecam.sources.synthetic_face import NEUTRAL_SECONDS, SMILE_SECONDS, SyntheticFace
from smilecam.sources.threaded import Backoff, ThreadedSource
from smilecam.tracking.smile_state import DecisionSettings
from smilecam.types import Event, EventKind

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "server"), str(TESTS / "sources")]

FPS = 25
SIZE = (160, 120)
SMILE_PERIOD = round(FPS * (2 * NEUTRAL_SECONDS + SMILE_SECONDS))
PERIOD = 60 * FPS
"""Frames after which the drawn face repeats: smiles do after 4 seconds, its place after 5 across and 3 down."""

GROWTH_MB, GROWTH_SHARE, GROWTH_COUNT = 12.0, 0.05, 3
"""What counts as growth from the second tenth to the last: more than these MB and this share; more threads or files."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process and its children hold.

    Attributes:
        done: how much of the work.
        mb: resident memory, MB of 10^6 bytes.
        threads: number of threads.
        files: open files and sockets.
        processes: number of processes.
    """

    done: int
    mb: float
    threads: int
    files: int
    processes: int


def held(process: psutil.Process, done: int) -> Held:
    """Look at a process and its children; one that ends meanwhile counts as gone."""
    mb, threads, files, count = 0.0, 0, 0, 0
    for one in (process, *process.children(recursive=True)):
        try:
            with one.oneshot():
                more = one.memory_info().rss / 1e6, one.num_threads(), one.num_fds()
        except psutil.NoSuchProcess:
            continue
        mb, threads, files, count = mb + more[0], threads + more[1], files + more[2], count + 1
    return Held(done, round(mb, 1), threads, files, count)


class Checkpoints:
    """Looks at a process after each tenth of the work."""

    def __init__(self, process: psutil.Process, n: int) -> None:
        self.process, self.n = process, n
        self.found: list[Held] = []

    def reached(self, done: int) -> None:
        """Tell how much has been done; looks where a tenth is full."""
        if done * 10 >= self.n * (len(self.found) + 1):
            gc.collect()
            self.found.append(held(self.process, done))
            print(self.found[-1], flush=True)

    def growth(self) -> list[str]:
        """What has grown."""
        first, last = self.found[1], self.found[-1]
        grown = []
        if last.mb - first.mb > max(GROWTH_MB, GROWTH_SHARE * first.mb):
            grown.append(f"memory from {first.mb:.0f} to {last.mb:.0f} MB")
        for name in ("threads", "files", "processes"):
            before, after = getattr(first, name), getattr(last, name)
            if after - before > GROWTH_COUNT:
                grown.append(f"{name} from {before} to {after}")
        return grown


ARENAS = "MALLOC_ARENA_MAX"
"""Each thread of a video may have an arena of glibc's, which is kept: that is no leak, and hides one."""

Part = tuple[Checkpoints, dict[str, Any], list[str]]
"""Of each kind of run: what was held, further facts, and what is wrong."""


def frames(n: int) -> Part:
    """The command on a long video."""
    points, states = Checkpoints(psutil.Process(), n - PERIOD // 2), States(n)
    source = f"synthetic:face:{SIZE[0]}x{SIZE[1]}@{FPS}?seconds={n / FPS:.3f}"
    command = [sys.executable, "-m", "smilecam", "detect", source, "--detector", "haar", "--jsonl", "-"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603 - smilecam
    points.process = psutil.Process(process.pid)
    with process:
        for line in process.stdout or ():
            if line.startswith(b'{"type": "frame"'):
                states.frame(json.loads(line)["faces"])
                points.reached(states.done)
            elif b'"smile_start"' in line:
                states.smile(json.loads(line)["since"])
    return points, states.facts(), states.wrong()


def online(n: int) -> Part:
    """Frames through the engine of live streams, with a clock of their own."""
    points, states = Checkpoints(psutil.Process(), n), States(n)
    draw = SyntheticFace(*SIZE, FPS, n / FPS).renderer()
    drawn = [cv2.cvtColor(draw(number), cv2.COLOR_BGR2GRAY) for number in range(PERIOD)]
    components = load_components("smilenet", None, "haar", None)
    run = OnlineRun("soak", StreamSetup(components, 0.5, DecisionSettings()), clock=lambda: 0.0)
    for number in range(n):
        item = run.process(Frame(number, number / FPS, drawn[number % PERIOD]))
        for event in item.events:
            if event.kind is EventKind.SMILE_START:
                states.smile(event.since or 0.0)
        states.frame([face.as_dict() for face in item.faces])
        points.reached(number + 1)
    components.close()
    return points, states.facts(), states.wrong()


class States:
    """What was found in the drawn face: in an early period, in the last one, and how late its smiles were found."""

    def __init__(self, n: int) -> None:
        self.n, self.done = n, 0
        last = n // PERIOD - 1
        self.periods = {"early": range(PERIOD, 2 * PERIOD), "late": range(last * PERIOD, (last + 1) * PERIOD)}
        self.faces: dict[str, list[Any]] = {name: [] for name in self.periods}
        self.late_by: list[float] = []

    def frame(self, faces: list[dict[str, Any]]) -> None:
        """Take the faces of the next frame."""
        for name, period in self.periods.items():
            if self.done in period:
                self.faces[name].append(_essence(faces))
        self.done += 1

    def smile(self, since: float) -> None:
        """Take the beginning of a smile, in seconds."""
        self.late_by.append((since - NEUTRAL_SECONDS) % (SMILE_PERIOD / FPS))

    def facts(self) -> dict[str, Any]:
        """Numbers for the reader."""
        pairs = list(zip(*self.faces.values(), strict=True))
        states = sum([face[2] for face in one] != [face[2] for face in other] for one, other in pairs)
        tenth = max(1, len(self.late_by) // 10)
        return {
            "smiles": len(self.late_by),
            "smiles_drawn": self.n // SMILE_PERIOD,
            "frames_compared": len(pairs),
            "frames_equal": sum(one == other for one, other in pairs),
            "frames_of_another_state": states,
            "median_delay_first_tenth": round(median(self.late_by[:tenth]), 4),
            "median_delay_last_tenth": round(median(self.late_by[-tenth:]), 4),
        }

    def wrong(self) -> list[str]:
        """What differs between the beginning and the end."""
        facts, wrong = self.facts(), []
        if self.done != self.n:
            wrong.append(f"{self.done} of {self.n} frames")
        if abs(facts["smiles"] - facts["smiles_drawn"]) > 1:
            wrong.append(f"{facts['smiles']} smiles, {facts['smiles_drawn']} were drawn")
        if abs(facts["median_delay_first_tenth"] - facts["median_delay_last_tenth"]) > 1 / FPS:
            wrong.append("smiles are found later, or earlier, than at the beginning")
        return wrong


def _essence(faces: list[dict[str, Any]]) -> list[Any]:
    return [[face["box"], face["smile"], face["smiling"]] for face in faces]


def sessions(n: int) -> Part:
    """A server, and one client after another: half of them streams, half of them uploads."""
    import served

    image = served.jpeg(SyntheticFace(320, 240).image(smile=1.0))
    answers = []
    with tempfile.TemporaryDirectory() as folder, served.serving(Path(folder)) as server:
        points = Checkpoints(psutil.Process(server.process.pid), n)
        for number in range(n):
            if number % 2:
                with server.socket() as stream:
                    served.ask(stream, served.frame(0, 0.0, image))
            else:
                with server.client(verify=False) as client:  # not https; certificates take longest to load
                    done = client.post("/v1/detect", files={"image": image}).json()
                answers.append([[face["box"], face["smile"]] for face in done["results"][0]["faces"]])
            points.reached(number + 1)
        time.sleep(1)
        code, _ = server.stop()
        errors = server.errors.read_text("utf-8")
    wrong = [f"exit code {code}"] if code != 130 else []
    wrong += [f"the server reported: {errors[:300]}"] if errors not in ("", "smilecam: interrupted\n") else []
    if any(one != answers[0] for one in answers):
        wrong.append("uploads of one image had different answers")
    return points, {"sessions": n, "equal_answers": sum(one == answers[0] for one in answers)}, wrong


def reconnects(n: int) -> Part:
    """A camera that sends four images and breaks off, each time."""
    from test_mjpeg import JPEGS, Camera, part

    with Camera(b"".join(map(part, JPEGS))) as camera:
        return _reconnected(n, camera.url, lambda _: None)


def rtsp(n: int) -> Part:
    """An RTSP server that is killed after some frames of each connection."""
    from servers import RtspServer

    server = RtspServer()
    server.start()

    def again(_: int) -> None:
        server.kill()
        server.start()

    try:
        return _reconnected(n, server.url(), again)
    finally:
        server.kill()


def _reconnected(n: int, url: str, break_off: Callable[[int], None]) -> Part:
    """Lose and restore a source so many times."""
    (ref,), options = find_sources(url), SourceOptions(open_timeout=10, read_timeout=3)
    points, lost, restored, taken, times = Checkpoints(psutil.Process(), n), 0, 0, 0, []
    source = ThreadedSource(ref, lambda: open_stream(ref, url, options), options, backoff=Backoff(0.01, 0.2))
    with source:
        since = 0
        for item in source:
            if isinstance(item, Event):
                lost += item.kind is EventKind.SOURCE_LOST
                restored += item.kind is EventKind.SOURCE_RESTORED
                since = 0
                if item.kind is EventKind.SOURCE_RESTORED:
                    points.reached(restored)
                if restored == n:
                    break
                continue
            taken, since = taken + 1, since + 1
            times.append(item.time)
            if since == 3:
                break_off(restored)
    wrong = [] if lost in (n, n + 1) and restored == n else [f"{lost} times lost, {restored} times restored"]
    if times != sorted(set(times)):
        wrong.append("time went back")
    return points, {"lost": lost, "restored": restored, "frames_taken": taken}, wrong


def abandoned(n: int) -> Part:
    """Iterators of a video, of a live source and of a camera, each left after its first result."""
    from test_mjpeg import JPEGS, Camera, part

    points, first = Checkpoints(psutil.Process(), n), dict[str, list[Any]]()
    face = f"synthetic:face:{SIZE[0]}x{SIZE[1]}@{FPS}?seconds=60"
    with tempfile.TemporaryDirectory() as folder, Camera(b"".join(map(part, JPEGS * 50))) as camera:
        path = Path(folder) / "clip.mp4"
        write_clip(path)
        live = SourceOptions(realtime=True)
        kinds = {"file": (str(path), SourceOptions()), "live": (face, live), "camera": (camera.url, live)}
        with SmileDetector("lenet", detector="haar") as detector:
            for number in range(n):
                kind = list(kinds)[number % 3]
                name, options = kinds[kind]
                items = detector.stream(name, options)
                item = next(item for item in items if item.result is not None)
                if kind == "file":
                    first.setdefault(kind, []).append(_essence([face.as_dict() for face in item.faces]))
                del items, item
                points.reached(number + 1)
            time.sleep(2)
            points.found[-1] = held(points.process, n)
    wrong = [] if all(one == first["file"][0] for one in first["file"]) else ["the first results differ"]
    return points, {"iterators": n}, wrong


def write_clip(path: Path) -> None:
    """Four seconds of the drawn face as a video file."""
    from smilecam.sinks.video_writer import VideoRecorder

    draw = SyntheticFace(*SIZE, FPS, 4).renderer()
    with VideoRecorder(path, FPS) as recorder:
        for number in range(4 * FPS):
            recorder.write(draw(number), None)


PARTS: dict[str, tuple[Callable[[int], Part], int]] = {
    "frames": (frames, 500_000),
    "online": (online, 500_000),
    "sessions": (sessions, 10_000),
    "reconnects": (reconnects, 200),
    "rtsp": (rtsp, 200),
    "abandoned": (abandoned, 1_000),
}


def main() -> int:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=list(PARTS))
    parser.add_argument("--n", type=int)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.part == "abandoned" and ARENAS not in os.environ:  # glibc reads it before anything of ours runs
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {ARENAS: "1"})  # noqa: S606
    run, usual = PARTS[options.part]
    n, began = options.n or usual, time.monotonic()
    points, facts, wrong = run(n)
    wrong = [*points.growth(), *wrong]
    about = {"part": options.part, "n": n, "commit": provenance.commit(), "machine": provenance.machine()}
    content = about | {"seconds": round(time.monotonic() - began, 1), **facts, "wrong": wrong}
    print(json.dumps(content, indent=1))
    if options.json:
        content["held"] = [asdict(one) for one in points.found]
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
