"""``smilecam scan`` on photos of 1 megapixel and videos: rates, memory, what bounds them, and scans that are killed.

    python benchmarks/scan.py rates --faces GENKI --videos FOLDER [--photos 500] [--rounds 3] [--engines NAME ...]
    python benchmarks/scan.py stages --faces GENKI [--photos 200]
    python benchmarks/scan.py videos --videos FOLDER [--minutes 120]
    python benchmarks/scan.py film --videos FOLDER [--minutes 120]
    python benchmarks/scan.py kills --faces GENKI --videos FOLDER [--photos 60] [--kills 100] [--seed 0]
    python benchmarks/scan.py peers --faces GENKI --peers-python PYTHON [--photos 500]

Each kill of "kills" has a seed of its own, so that 100 of them may be made in parts (--seed 25 --kills 25).

"film" repeats the longest MP4 video until it lasts the given minutes, and reads that with memory in view; so does
"videos" at its end.

Engines of "rates" are 1 (worker), 2 (workers), ray (two workers in a cluster that the scan starts and ends) and cluster
(the same in one that is running already and has been used, as when machines are shared).

GENKI is a folder with smile/ and not_smile/ of face crops. Each photo shows one of them, 180 to 320 pixels wide, on a
blurred photograph; so its label is known. On a machine with other work only the CPU seconds and the ratios of runs side
by side mean much.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from smilecam import provenance
from smilecam.types import Box

WIDTH, HEIGHT = 1152, 864
SAMPLE_SECONDS = 0.5
ENGINES = {
    "1": ["--workers", "1"],
    "2": ["--workers", "2"],
    "ray": ["--workers", "2", "--engine", "ray"],
    "cluster": ["--workers", "2", "--engine", "ray", "--address"],
}
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
print("ADDRESS", cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
"""A cluster of one node, until its standard input is closed."""

PEER = Path(__file__).with_name("scan_peer.py")


def make_photos(folder: Path, faces: Path, count: int) -> list[Box]:
    """Write photos of about 1 megapixel, named by their labels, the same each time; give where their faces are."""
    from skimage import data

    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(0)  # noqa: S311 - the same photos each time
    background = cv2.GaussianBlur(cv2.resize(data.astronaut()[..., ::-1], (WIDTH, HEIGHT)), (0, 0), 40)
    crops = {label: sorted((faces / label).glob("*.jpg")) for label in ("smile", "not_smile")}
    places = []
    for number in range(count):
        label = ("smile", "not_smile")[number % 2]
        side = chance.randint(180, 320)
        face = cv2.resize(cv2.imread(str(chance.choice(crops[label]))), (side, side), interpolation=cv2.INTER_CUBIC)
        photo = background.copy()
        x, y = chance.randint(0, WIDTH - side), chance.randint(0, HEIGHT - side)
        photo[y : y + side, x : x + side] = face
        photo = cv2.add(photo, np.random.default_rng(number).integers(0, 12, photo.shape, dtype=np.uint8))
        cv2.imwrite(str(folder / f"{number:05}_{label}.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 90])
        places.append(Box(x, y, x + side, y + side))
    return places


def make_archive(folder: Path, faces: Path, videos: Path, photos: int) -> None:
    """Write photos, and copies of videos."""
    make_photos(folder / "photos", faces, photos)
    (folder / "videos").mkdir()
    for path in sorted(videos.iterdir()):
        if path.suffix in {".mp4", ".mov", ".mkv", ".avi", ".mpg"}:
            shutil.copyfile(path, folder / "videos" / path.name)


@dataclass(slots=True)
class Usage:
    """What a process and its descendants took.

    Attributes:
        seconds: wall time.
        cpu: by process id, CPU seconds.
        peak_mb: by process id, peak resident memory in MB of 10^6 bytes.
    """

    seconds: float = 0.0
    cpu: dict[int, float] = field(default_factory=dict)
    peak_mb: dict[int, float] = field(default_factory=dict)

    def sample(self, root: int) -> None:
        """Read /proc once."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    status = (entry / "status").read_text()
                except OSError:
                    continue
                parents[int(entry.name)] = (int(stat[1]), stat, status)
        family = {root}
        while True:
            more = {pid for pid, (parent, _, _) in parents.items() if parent in family} - family
            if not more:
                break
            family |= more
        for pid in family & set(parents):
            _, stat, status = parents[pid]
            self.cpu[pid] = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
            peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
            if peak:  # a process that has ended has none
                self.peak_mb[pid] = int(peak[0]) * 1024 / 1e6


def run_scan(arguments: list[str]) -> Usage:
    """Run the command, and give what it took."""
    usage, ended = Usage(), threading.Event()
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "smilecam", "scan", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            usage.sample(process.pid)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    usage.seconds = time.perf_counter() - started
    ended.set()
    watcher.join()
    if code not in {0, 5}:
        raise SystemExit(f"smilecam scan {' '.join(arguments)} ended with {code}")
    return usage


def rates(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Wall and CPU time of each engine on the same archive, in turn."""
    make_archive(work / "archive", options.faces, options.videos, options.photos)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in options.engines}
    with running_cluster("cluster" in options.engines) as address:
        if address:  # Ray Data keeps some processes in a cluster that has been used
            engine = [*ENGINES["cluster"], address]
            run_scan([str(next((work / "archive" / "photos").iterdir())), "--out", str(work / "first"), *engine])
        for _ in range(options.rounds):
            for name in options.engines:
                shutil.rmtree(work / "out", ignore_errors=True)
                engine = [*ENGINES[name], *([address] if name == "cluster" else [])]
                usage = run_scan([str(work / "archive"), "--out", str(work / "out"), "--detector", "haar", *engine])
                peaks = sorted(usage.peak_mb.values(), reverse=True)
                found[name].append({"seconds": usage.seconds, "cpu": sum(usage.cpu.values()), "largest_mb": peaks[0]})
                print(name, {key: round(value, 1) for key, value in found[name][-1].items()}, flush=True)
    wall = {name: median(run["seconds"] for run in runs) for name, runs in found.items()}
    ratios = {}
    for name, other in (("2", "1"), ("ray", "2"), ("cluster", "2")):
        if name in wall and other in wall:
            ratios[f"{name} / {other}"] = wall[name] / wall[other]
            print(f"{name} / {other}: {wall[name] / wall[other]:.2f} times the wall time")
    return {"runs": found, "wall_time_ratios": ratios}


@contextmanager
def running_cluster(wanted: bool) -> Iterator[str]:
    """The address of a Ray cluster, which ends with the block."""
    if not wanted:
        yield ""
        return
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}  # as local workers
    program = [sys.executable, "-c", CLUSTER]
    with subprocess.Popen(  # noqa: S603 - our own program
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        for line in process.stdout or ():
            if line.startswith("ADDRESS "):
                yield line.split()[1]
                break
        process.communicate()  # which closes its input


def stages(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """CPU seconds of one worker on photos, by stage, for several sizes of detection."""
    from smilecam.detection.registry import available_detectors
    from smilecam.opencv import use_one_thread
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.sources.frame import Frame
    from smilecam.sources.open import open_source
    from smilecam.sources.resolve import single_source

    use_one_thread()
    make_photos(work / "photos", options.faces, options.photos)
    paths, results = sorted((work / "photos").iterdir()), {}
    for name, size in ((name, size) for name in available_detectors() for size in (480, 960)):
        with SmileDetector(detector=name, detection_size=size) as detector:
            detect, classify = detector.components.image_detector(), detector.components.classify_faces
            with open_source(single_source(paths[0])) as source:
                list(detector.run(source))  # the networks are loaded now
            spent = dict.fromkeys(("decode", "grey", "detect", "classify"), 0.0)
            for path in paths:
                at = [time.process_time()]
                with open_source(single_source(path)) as source:
                    (frame,) = (item for item in source if isinstance(item, Frame))
                at.append(time.process_time())
                grey = frame.grey
                at.append(time.process_time())
                faces = detect(grey)
                at.append(time.process_time())
                classify([(grey, faces)])
                at.append(time.process_time())
                for stage, begin, end in zip(spent, at[:-1], at[1:], strict=True):
                    spent[stage] += end - begin
        milliseconds = {stage: 1000 * value / len(paths) for stage, value in spent.items()}
        rate = 1000 / sum(milliseconds.values())
        results[f"{name} {size}"] = milliseconds | {"photos_per_core_second": rate}
        print(name, size, {stage: round(value, 1) for stage, value in results[f"{name} {size}"].items()}, flush=True)
    return {"stages": results}


def videos(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """CPU seconds of one worker for a second of each video, and its memory over a long one."""
    from smilecam.detection.registry import available_detectors
    from smilecam.opencv import use_one_thread
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.scan.worker import ONE_THREAD
    from smilecam.sources.open import open_source
    from smilecam.sources.resolve import find_sources

    use_one_thread()
    results: dict[str, Any] = {}
    for name in available_detectors():
        for ref in find_sources(options.videos):
            with SmileDetector(detector=name) as detector, open_source(ref, ONE_THREAD) as source:
                began, last, height = time.process_time(), 0.0, 0
                for item in detector.run(source, keep_images=False, threads=False):
                    if item.source_frame is not None:
                        last, height = item.time or 0.0, item.source_frame.shape[0]
                cost = (time.process_time() - began) / max(last, 0.1)
            title = f"{name} {Path(ref.name).name} {height}p"
            results[title] = {"cpu_per_second": round(cost, 4), "fps": source.fps}
            print(title, results[title], flush=True)
    if options.minutes:
        results["long"] = long_video(options, work)
    return results


def long_video(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Memory of a worker after each tenth of a long video, the longest one of a folder again and again."""
    source = max(options.videos.glob("*.mp4"), key=lambda path: _seconds(path))
    repeat_video(source, work / "long.mp4", round(options.minutes * 60 / _seconds(source)))
    peaks: list[float] = []
    program = [sys.executable, "-m", "smilecam", "scan", str(work / "long.mp4"), "--out", str(work / "out")]
    settings = ["--workers", "1", "--detector", "haar", "--every", "1s"]
    process = subprocess.Popen([*program, *settings])  # noqa: S603 - our own program
    started, usage = time.perf_counter(), Usage()
    while process.poll() is None:
        usage.sample(process.pid)
        peaks.append(max(usage.peak_mb.values(), default=0.0))
        time.sleep(1)
    tenths = [round(peaks[len(peaks) * at // 10 - 1]) for at in range(1, 11)]
    content = {
        "code": process.returncode,
        "source": source.name,
        "seconds_of_video": round(_seconds(work / "long.mp4")),
        "file_mb": round((work / "long.mp4").stat().st_size / 1e6),
        "wall_seconds": round(time.perf_counter() - started),
        "cpu_seconds": round(sum(usage.cpu.values())),
        "peak_mb_after_tenths": tenths,
        "rows": {path.stem: sum(1 for _ in path.open()) for path in sorted((work / "out").glob("*.jsonl"))},
    }
    print("long", content, flush=True)
    return content


def _seconds(path: Path) -> float:
    import av

    with av.open(str(path)) as container:
        return (container.duration or 0) / av.time_base


def repeat_video(source: Path, target: Path, count: int) -> None:
    """Copy the packets of a video's image so many times, one after another."""
    import av

    with av.open(str(target), "w") as output:
        stream, base = None, 0
        for _ in range(count):
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                end = base
                for packet in container.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = (packet.pts or 0) + base, packet.dts + base
                    end = max(end, packet.pts + (packet.duration or 1))
                    packet.stream = stream
                    output.mux(packet)
            base = end


def kills(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Kill scans at seeded moments, run them again, and compare the tables with those of a scan in one go."""
    make_archive(work / "archive", options.faces, options.videos, options.photos)
    shutil.rmtree(work / "archive" / "videos")
    (work / "archive" / "videos").mkdir()
    for path in sorted(options.videos.glob("grid_*"))[:4]:
        shutil.copyfile(path, work / "archive" / "videos" / path.name)
    common = [str(work / "archive"), "--detector", "haar", "--detection-size", "240", "--workers", "2"]
    usage = run_scan([*common, "--out", str(work / "whole")])
    different, moments = 0, []
    for number in range(options.seed, options.seed + options.kills):
        out, delay = work / "out", random.Random(number).uniform(0, usage.seconds)  # noqa: S311
        shutil.rmtree(out, ignore_errors=True)
        program = [sys.executable, "-m", "smilecam", "scan", *common, "--out", str(out)]
        process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        shards = len(list(out.glob("shards/*.gz"))) if out.exists() else 0
        ended = (out / "summary.json").exists()
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        tables = [path for path in (work / "whole").iterdir() if path.suffix in {".parquet", ".jsonl"}]
        same = all((out / path.name).read_bytes() == path.read_bytes() for path in tables)
        different += not same
        moments.append({"seed": number, "seconds": round(delay, 2), "shards": shards, "ended": ended, "same": same})
        print(moments[-1], flush=True)
    print(f"{options.kills - different} of {options.kills} scans have the tables of a scan in one go")
    return {"one_go_seconds": usage.seconds, "kills": moments, "different": different}


def peers(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """The same photos by one worker, and by the loops of other packages in their own interpreter, side by side."""
    make_photos(work / "photos", options.faces, options.photos)
    results = {}
    out = work / "out"
    for size in ("480", "960"):
        shutil.rmtree(out, ignore_errors=True)
        arguments = ["--detector", "haar", "--detection-size", size, "--workers", "1", "--format", "jsonl"]
        usage = run_scan([str(work / "photos"), "--out", str(out), *arguments])
        rows = [json.loads(line) for line in (out / "images.jsonl").read_text("utf-8").splitlines()]
        found = {Path(row["path"]).name: bool(row["smiling"]) for row in rows if row["faces"]}
        results[f"smilecam {size}"] = _score(found, work / "photos", usage)
    for package in ("fer", "deepface"):
        answers = work / f"{package}.json"
        usage, started = Usage(), time.perf_counter()
        program = [options.peers_python, str(PEER), package, str(work / "photos"), str(answers)]
        process = subprocess.Popen(program)  # noqa: S603 - the interpreter that the user named
        while process.poll() is None:
            usage.sample(process.pid)
            time.sleep(SAMPLE_SECONDS)
        usage.seconds = time.perf_counter() - started
        if process.returncode:
            print(f"{package} does not run here")
            continue
        results[package] = _score(json.loads(answers.read_text()), work / "photos", usage)
    for name, content in results.items():
        print(name, content)
    return {"peers": results}


def _score(found: dict[str, bool], photos: Path, usage: Usage) -> dict[str, Any]:
    """Rates, memory, and accuracy over the photos in which a face was found, with their share."""
    names = [path.name for path in photos.iterdir()]
    right = sum(found[name] == (not name.endswith("not_smile.jpg")) for name in found)
    return {
        "photos_per_second": round(len(names) / usage.seconds, 2),
        "photos_per_cpu_second": round(len(names) / sum(usage.cpu.values()), 2),
        "peak_mb": round(max(usage.peak_mb.values())),
        "faces_found": round(len(found) / len(names), 3),
        "accuracy": round(right / max(1, len(found)), 3),
    }


def main() -> None:
    """Run one part of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rates", "stages", "videos", "film", "kills", "peers"])
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--videos", type=Path)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peers-python")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    parts = {"rates": rates, "stages": stages, "videos": videos, "film": long_video, "kills": kills, "peers": peers}
    with tempfile.TemporaryDirectory() as folder:
        results = parts[options.what](options, Path(folder))
    about = {"machine": provenance.machine(), "commit": provenance.commit(), "photos": options.photos}
    if options.json:
        options.json.write_text(json.dumps(about | results, indent=2) + "\n")


if __name__ == "__main__":
    main()
