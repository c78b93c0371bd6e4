"""Throughput on recorded video and latency on live streams: decoding only, smilecam, and the tutorial loop.

    python benchmarks/video.py [CLIP...] [--videos FOLDER] [--yunet FILE] [--tutorial-python PATH]
        [--fer-python PATH] [--json PATH]

Each clip is looped to at least --frames frames. The configurations take turns, round after round, each in a process of
its own, so that noise of the machine affects all alike; loading before the first frame is timed separately. Values are
medians over the rounds, ratios are taken within a round. The tutorial loop, being slow, runs on fewer frames of the
same looped clip: whole clips, with at least --tutorial-frames frames. It is timed with ONNX Runtime, and with Keras if
--tutorial-python names an interpreter that has it. --fer-python names one that has the package fer, whose loop over the
same frames is timed too.

Live streams are the clips letterboxed to 640x480, played in real time: 30 frames/s; eight times as fast, as an
overload; many streams of 15 frames/s in one process; and a long run eight times as fast, for memory only.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smilecam import provenance
from smilecam.classification.classifier import model_path
from video_clips import Loop, encode, first_picture, loop

HERE = Path(__file__).resolve().parent
CLIPS = ("pyfeat_single_face.mp4", "facenetpt_video.mp4")
PARTS = ("film", "live", "many", "soak", "start")
LIVE_SIZE = (640, 480)
LIVE_FPS, MANY_FPS, FASTER = 30, 15, 8
FIRST_RESULT = "import sys, smilecam; smilecam.SmileDetector()(smilecam.load_image(sys.argv[1]))"
STARTS = 5
"""Number of times each command is started."""

Work = Callable[[], dict[str, Any]]
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """Options, folder for clips, and environment of the processes, for every part."""

    options: argparse.Namespace
    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """Output of a process; exits if it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def worker(self, work: str, **arguments: object) -> Figures:
        """Result of a piece of work of video_worker.py."""
        job = json.dumps({"work": work, **arguments})
        figures: Figures = json.loads(self.run(sys.executable, str(HERE / "video_worker.py"), job))
        return figures

    def tutorial(self, python: str, clip: Path, frames: int, network: str) -> Figures:
        """Result of the tutorial loop under an interpreter."""
        printed = self.run(python, str(HERE / "tutorial_worker.py"), str(clip), str(frames), network)
        figures: Figures = json.loads(printed.splitlines()[-1])
        return figures

    @property
    def detectors(self) -> tuple[str, ...]:
        """Face detectors whose files are available."""
        return ("haar", "yunet") if self.options.yunet else ("haar",)

    def settings(self) -> dict[str, list[str]]:
        """Configuration -> options of ``smilecam detect``."""
        return {f"{detector}_smilenet": ["--detector", detector] for detector in self.detectors}


def film_variants(bench: Bench, clip: Path, looped: Loop) -> dict[str, Work]:
    """Configuration -> function that measures it once."""
    path = str(looped.path)
    variants: dict[str, Work] = {
        "decode_only": lambda: bench.worker("decode", clip=path),
        "opencv_decode": lambda: bench.worker("opencv_decode", clip=path),
    }
    for name, arguments in bench.settings().items():
        variants[name] = lambda arguments=arguments: bench.worker(
            "film", clip=path, arguments=arguments, frames=looped.frames
        )
    of_clip = loop(clip, bench.folder, 1).frames
    fewer = min(looped.frames, math.ceil(bench.options.tutorial_frames / of_clip) * of_clip)
    if bench.options.tutorial_python:
        variants["tutorial_keras"] = lambda: bench.tutorial(bench.options.tutorial_python, looped.path, fewer, "keras")
    if bench.options.fer_python:
        variants["fer"] = lambda: bench.tutorial(bench.options.fer_python, looped.path, fewer, "fer")
    variants["tutorial_onnx"] = lambda: bench.tutorial(sys.executable, looped.path, fewer, str(model_path("lenet")))
    variants["smile_cascade"] = lambda: bench.tutorial(sys.executable, looped.path, fewer, "smile_cascade")
    return variants


def film(bench: Bench, clip: Path) -> Figures:
    """A clip from file to JSON lines: configuration -> result."""
    looped = loop(clip, bench.folder, bench.options.frames)
    rounds = []
    for number in range(bench.options.rounds):
        of_round = {}
        for name, work in film_variants(bench, clip, looped).items():
            tell(f"{clip.name}, round {number + 1} of {bench.options.rounds}: {name}")
            of_round[name] = work()
        rounds.append(of_round)
    if any(of_round["decode_only"]["frames"] != looped.frames for of_round in rounds):
        raise SystemExit(f"{clip} did not give {looped.frames} frames")
    return summary(rounds, looped)


def summary(rounds: Sequence[dict[str, Figures]], looped: Loop) -> Figures:
    """Medians over the rounds, and medians of the ratios within each round."""
    slow = "tutorial_keras" if "tutorial_keras" in rounds[0] else "tutorial_onnx"
    found = {}
    for name in rounds[0]:
        rows = [of_round[name] for of_round in rounds]
        rates = [row["frames"] / row["seconds"] for row in rows]
        found[name] = {
            "frames": rows[0]["frames"],
            "frames_per_second": statistics.median(rates),
            "of_decode_only": _ratio(rounds, name, "decode_only"),
            "times_tutorial": _ratio(rounds, name, slow),
            "tutorial": slow,
            "cpu_of_decode_only": _cpu_ratio(rounds, name),
            "cpu_seconds_per_video_second": statistics.median(
                row["cpu_seconds"] * looped.fps / row["frames"] for row in rows
            ),
            "peak_rss_mb": _median([row["peak_rss_mb"] for row in rows]),
            "start_seconds": statistics.median(row["start_seconds"] for row in rows),
            "rounds": rates,
            "latency_ms": None,
        }
        if "faces" in rows[0]:
            found[name]["faces"] = rows[0]["faces"]
    return found


def _ratio(rounds: Sequence[dict[str, Figures]], name: str, other: str) -> float:
    def rate(row: Figures) -> float:
        return float(row["frames"] / row["seconds"])

    return statistics.median(rate(of_round[name]) / rate(of_round[other]) for of_round in rounds)


def _cpu_ratio(rounds: Sequence[dict[str, Figures]], name: str) -> float:
    """CPU time a frame, relative to decoding only in the same round."""

    def cost(row: Figures) -> float:
        return float(row["cpu_seconds"] / row["frames"])

    return statistics.median(cost(of_round[name]) / cost(of_round["decode_only"]) for of_round in rounds)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def live(bench: Bench, clip: Path) -> Figures:
    """A clip as a live stream of 640x480 at 30 frames/s, and as an overload: configuration -> result."""
    fitted = encode(clip, bench.folder, *LIVE_SIZE, LIVE_FPS)
    count = round(bench.options.live_seconds * LIVE_FPS)
    realtime, pressed = loop(fitted, bench.folder, count), loop(fitted, bench.folder, count, FASTER)
    lines = str(bench.folder / "live.jsonl")
    found = {}
    tell(f"{clip.name}, live stream: decoding only")
    decoding = bench.worker("live_decode", clip=str(realtime.path))["core_share"]
    for name, arguments in bench.settings().items():
        tell(f"{clip.name}, live stream: {name}")
        row = bench.worker("live", clip=str(realtime.path), arguments=arguments, lines=lines)
        row["core_share_decoding"] = decoding
        row["overloaded"] = bench.worker("live", clip=str(pressed.path), arguments=arguments, lines=lines)
        found[name] = row
    return found


def many(bench: Bench, clip: Path) -> Figures:
    """Many streams of a clip in one process: detector -> result."""
    fitted = encode(clip, bench.folder, *LIVE_SIZE, MANY_FPS)
    looped = loop(fitted, bench.folder, round(bench.options.live_seconds * MANY_FPS))
    found = {}
    for detector in bench.detectors:
        tell(f"{clip.name}, {bench.options.streams} streams: {detector}")
        found[detector] = bench.worker("many", clip=str(looped.path), streams=bench.options.streams, detector=detector)
    return found


def soak(bench: Bench, clip: Path) -> Figures:
    """Memory of a long live stream, with each detector."""
    fitted = encode(clip, bench.folder, *LIVE_SIZE, LIVE_FPS)
    looped = loop(fitted, bench.folder, bench.options.soak_frames, FASTER)
    found = {}
    for detector in bench.detectors:
        tell(f"{clip.name}, live stream of {looped.frames} frames: {detector}")
        found[detector] = bench.worker("soak", clip=str(looped.path), detector=detector, frames=looped.frames)
    return found


def start(bench: Bench, clip: Path) -> Figures:
    """Duration of a whole process, median of several: command -> seconds."""
    photo = bench.options.photo or first_picture(clip, bench.folder)
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "help": [sys.executable, "-m", "smilecam", "--help"],
        "result": [sys.executable, "-c", FIRST_RESULT, str(photo)],
        "photo": [sys.executable, "-m", "smilecam", "detect", str(photo), "--detector", "haar"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(STARTS + 1):
        for name, command in commands.items():
            tell(f"startup: {name}")
            begun = time.perf_counter()
            bench.run(*command)
            if turn:  # the first one warms the disk cache and compiles modules
                times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(seconds) for name, seconds in times.items()} | {"photo_file": photo.name}


def tell(what: str) -> None:
    """Print progress to standard error."""
    print(what, file=sys.stderr, flush=True)


def measure(bench: Bench, clips: Sequence[Path], parts: Sequence[str]) -> Figures:
    """Results of the requested parts, as one object."""
    found: Figures = {"clips": {}, "live": {}, "many": {}, "soak": {}, "start": {}}
    for clip in clips:
        if "film" in parts:
            found["clips"][clip.name] = film(bench, clip)
        if "live" in parts:
            found["live"][clip.name] = live(bench, clip)
            for name, row in found["clips"].get(clip.name, {}).items():
                row["latency_ms"] = found["live"][clip.name].get(name, {}).get("latency_ms")
        if "many" in parts:
            found["many"][clip.name] = many(bench, clip)
    if "soak" in parts:
        found["soak"] = {clips[0].name: soak(bench, clips[0])}
    if "start" in parts:
        found["start"] = start(bench, clips[-1])
    options = bench.options
    of_run = {"rounds": options.rounds, "live_seconds": options.live_seconds, "soak_frames": options.soak_frames}
    return {
        **found,
        "settings": of_run,
        "commit": provenance.commit(),
        "machine": provenance.machine(),
        "versions": provenance.versions("av", "numpy", "onnxruntime", "opencv-python-headless"),
        "seed": None,
        "n": options.frames,
    }


def tables(found: Figures) -> str:
    """The results as Markdown."""
    from video_tables import film_table, live_table, rest_table, targets_table

    parts = [film_table(found), live_table(found), rest_table(found), targets_table(found)]
    return "\n\n".join(part for part in parts if part)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path, help=f"default: {' and '.join(CLIPS)} of --videos")
    parser.add_argument("--videos", type=Path, help="folder of the default clips")
    parser.add_argument("--yunet", type=Path, help="YuNet's file; default: the file of smilecam models fetch")
    parser.add_argument("--tutorial-python", help="interpreter with Keras and OpenCV")
    parser.add_argument("--fer-python", help="interpreter with the package fer")
    parser.add_argument("--tutorial-frames", type=int, default=200)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--live-seconds", type=float, default=15)
    parser.add_argument("--streams", type=int, default=24)
    parser.add_argument("--soak-frames", type=int, default=8_000)
    parser.add_argument("--photo", type=Path, help="default: the first frame of the last clip")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this part; repeatable")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.clips:
        if options.videos is None:
            parser.error("clips required, or the folder of the default ones in --videos")
        options.clips = [options.videos / name for name in CLIPS]
    return options


def main() -> None:
    """Measure, print the tables, and write the results."""
    options = _options()
    if options.yunet is None:
        from smilecam.detection.files import YUNET_FILE

        options.yunet = YUNET_FILE.path if YUNET_FILE.path.is_file() else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "SMILECAM_DATA": str(folder)}
        # Compiled modules, as in an installed package, also where this machine's Python is told to leave none.
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        if options.yunet:
            (folder / "models").mkdir()
            shutil.copy(options.yunet, folder / "models" / "yunet_n_640_640.onnx")
        found = measure(Bench(options, folder, environment), options.clips, options.only or PARTS)
    print(tables(found))
    print(f"\ncommit {found['commit']}, {found['machine']}, {options.rounds} rounds of {options.frames} frames")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
