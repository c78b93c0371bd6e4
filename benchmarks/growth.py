"""How CPU time grows with faces, pixels and streams.

    python benchmarks/growth.py CLIP [--detector haar] [--json PATH] [--plot PATH]

CLIP shows one face that stays. Faces: the middle of its frames, tiled up to 50 times in 1920x1080. Pixels: the clip
scaled. Both are recorded video to JSON lines, CPU milliseconds a frame beside decoding only. Streams: the clip in
640x480 at 15 frames/s, many times side by side in real time; of one core. Every value is the median of three.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from smilecam import provenance
from smilecam.opencv import cv2
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Image
from video_clips import encode, loop

HERE = Path(__file__).resolve().parent
FACES, WIDTHS, STREAMS = (1, 2, 4, 8, 16, 32, 50), (320, 640, 960, 1280, 1920), (1, 4, 8, 16, 24)
FRAMES, FPS, STREAM_FPS, STREAM_SECONDS, TURNS = 150, 25, 15, 10, 3
CANVAS, COLUMNS, ROWS = (1920, 1080), 10, 5


def worker(work: str, **arguments: object) -> dict[str, Any]:
    """Result of a piece of work of video_worker.py, in a process of its own."""
    job = json.dumps({"work": work, **arguments})
    command = [sys.executable, str(HERE / "video_worker.py"), job]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)  # noqa: S603
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def tiled(image: Image, count: int) -> Image:
    """The middle square of an image, so many times on a grey canvas."""
    width, height = CANVAS[0] // COLUMNS, CANVAS[1] // ROWS
    side, left = image.shape[0], (image.shape[1] - image.shape[0]) // 2
    small = cv2.resize(image[:, left : left + side], (width, width), interpolation=cv2.INTER_AREA)
    canvas = np.full((CANVAS[1], CANVAS[0], 3), 128, np.uint8)
    for place in range(count):
        row, column = divmod(place, COLUMNS)
        top = row * height + (height - width) // 2
        canvas[top : top + width, column * width : (column + 1) * width] = small
    return canvas


def crowd(clip: Path, folder: Path, count: int) -> Path:
    """A clip with so many faces."""
    target = folder / f"{count}-faces.mp4"
    with av.open(str(target), "w") as out, open_source(find_sources(clip)[0]) as source:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = *CANVAS, "yuv420p"
        for number, frame in enumerate(source):
            picture = av.VideoFrame.from_ndarray(tiled(frame.image, count), format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    return loop(target, folder, FRAMES).path


def per_frame(path: Path, detector: str) -> dict[str, float]:
    """CPU milliseconds a frame: decoding only, and the whole command."""
    decoding, whole = [], []
    for _ in range(TURNS):
        row = worker("decode", clip=str(path))
        decoding.append(1000 * row["cpu_seconds"] / row["frames"])
        row = worker("film", clip=str(path), arguments=["--detector", detector], frames=row["frames"])
        whole.append(1000 * row["cpu_seconds"] / row["frames"])
    return {"decoding": statistics.median(decoding), "whole": statistics.median(whole)}


def measure(clip: Path, detector: str, folder: Path) -> dict[str, dict[int, dict[str, float]]]:
    """Kind of growth -> size -> values."""
    with open_source(find_sources(clip)[0]) as source:
        height, width = next(iter(source)).shape
    faces = {count: per_frame(crowd(clip, folder, count), detector) for count in FACES}
    pixels = {}
    for wide in WIDTHS:
        scaled = encode(clip, folder, wide, round(wide * height / width / 2) * 2, FPS)
        pixels[wide] = per_frame(loop(scaled, folder, FRAMES).path, detector)
    fitted = loop(encode(clip, folder, 640, 480, STREAM_FPS), folder, STREAM_FPS * STREAM_SECONDS).path
    streams = {}
    for count in STREAMS:
        row = worker("many", clip=str(fitted), streams=count, detector=detector)
        streams[count] = {
            "core_share": row["core_share"],
            "dropped": row["dropped"],
            "p99_ms": row["latency_ms"]["p99"],
        }
    return {"faces": faces, "pixels": pixels, "streams": streams}


def plot(found: dict[str, dict[int, dict[str, float]]], path: Path) -> None:
    """Three plots side by side."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for axis, kind, label in (
        (axes[0], "faces", "faces, 1920x1080"),
        (axes[1], "pixels", "width of a frame, one face"),
    ):
        for name, style in (("decoding", "--"), ("whole", "-")):
            axis.plot(list(found[kind]), [row[name] for row in found[kind].values()], style, marker=".", label=name)
        axis.set(xlabel=label, ylabel="CPU ms a frame", ylim=(0, None))
        axis.legend()
    streams = found["streams"]
    axes[2].plot(list(streams), [row["core_share"] for row in streams.values()], marker=".")
    axes[2].set(xlabel="streams, 640x480 at 15 frames/s", ylabel="of one core", ylim=(0, None))
    figure.savefig(path)


def main() -> None:
    """Measure, print a table, and plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--detector", default="haar")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(options.clip, options.detector, Path(name))
    for kind, rows in found.items():
        names = list(next(iter(rows.values())))
        print(f"\n| {kind} | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
        for size, row in rows.items():
            print(f"| {size} | " + " | ".join(f"{row[name]:.2f}" for name in names) + " |")
    print(f"\n{options.detector}, commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {
            **found,
            "detector": options.detector,
            "commit": provenance.commit(),
            "machine": provenance.machine(),
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
