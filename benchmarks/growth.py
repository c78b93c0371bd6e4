"""How CPU time grows with faces, pixels and streams.

    python benchmarks/growth.py [CLIP] [--detector haar yunet] [--only faces pixels streams] [--json PATH] [--plot PATH]

CLIP shows one face that stays. Faces: the middle of its frames, tiled up to 50 times in 1920x1080. Pixels: the clip
scaled. Both are recorded video to JSON lines, CPU milliseconds a frame beside decoding only. Streams: the clip in
640x480 at 15 frames/s, many times side by side in real time; of one core. Values of faces and pixels are medians
of three.

What has been measured is put into the file of --json, beside what is there of other detectors and kinds of growth.
Without CLIP nothing is measured: the file is plotted.
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
INK, COLOURS = "#7a7f87", {"haar": "#2f81c7", "yunet": "#d9730d"}

Rows = dict[str, dict[str, float]]
Content = dict[str, dict[str, dict[str, Any]]]
"""Detector -> kind of growth -> commit, machine, clip and rows."""

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


def growth_of_faces(clip: Path, detector: str, folder: Path) -> Rows:
    """Number of faces -> CPU milliseconds a frame."""
    return {str(count): per_frame(crowd(clip, folder, count), detector) for count in FACES}


def growth_of_pixels(clip: Path, detector: str, folder: Path) -> Rows:
    """Width of a frame -> CPU milliseconds a frame."""
    with open_source(find_sources(clip)[0]) as source:
        height, width = next(iter(source)).shape
    rows = {}
    for wide in WIDTHS:
        scaled = encode(clip, folder, wide, round(wide * height / width / 2) * 2, FPS)
        rows[str(wide)] = per_frame(loop(scaled, folder, FRAMES).path, detector)
    return rows


def growth_of_streams(clip: Path, detector: str, folder: Path) -> Rows:
    """Number of streams -> share of a core, dropped frames and latency."""
    fitted = loop(encode(clip, folder, 640, 480, STREAM_FPS), folder, STREAM_FPS * STREAM_SECONDS).path
    rows = {}
    for count in STREAMS:
        row = worker("many", clip=str(fitted), streams=count, detector=detector)
        rows[str(count)] = {
            "core_share": row["core_share"],
            "dropped": row["dropped"],
            "p99_ms": row["latency_ms"]["p99"],
        }
    return rows


KINDS = {"faces": growth_of_faces, "pixels": growth_of_pixels, "streams": growth_of_streams}


def plot(found: Content, path: Path) -> None:
    """A plot for each kind of growth, on no background and in greys that a dark page and a light one both show."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK))
    mpl.rcParams.update({"xtick.color": INK, "ytick.color": INK, "svg.hashsalt": "growth", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    labels = {
        "faces": ("faces in 1920x1080", "CPU ms per frame"),
        "pixels": ("width of a frame with one face", "CPU ms per frame"),
        "streams": ("streams of 640x480 at 15 frames/s", "of one core"),
    }
    kinds = [kind for kind in labels if any(kind in about for about in found.values())]
    figure, axes = plt.subplots(1, len(kinds), figsize=(3.7 * len(kinds), 3.4), layout="constrained", squeeze=False)
    for axis, kind in zip(axes[0], kinds, strict=True):
        (across, up), decoded = labels[kind], False
        for detector, about in found.items():
            rows = about.get(kind, {}).get("rows", {})
            sizes, style = [int(size) for size in rows], {"marker": ".", "color": COLOURS[detector], "label": detector}
            if kind != "streams" and rows and not decoded:
                decoded = True
                axis.plot(
                    sizes, [row["decoding"] for row in rows.values()], "--", color=INK, marker=".", label="decoding"
                )
            value = "core_share" if kind == "streams" else "whole"
            axis.plot(sizes, [row[value] for row in rows.values()], **style)
        axis.set(xlabel=across, ylabel=up, ylim=(0, None))
        axis.grid(color=INK, alpha=0.25)
        axis.legend(frameon=False)
    figure.savefig(path, transparent=True, metadata={"Date": None} if path.suffix == ".svg" else None)


def tell(kind: str, detector: str, rows: Rows) -> None:
    """Print a table."""
    names = list(next(iter(rows.values())))
    print(f"\n| {kind}, {detector} | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for size, row in rows.items():
        print(f"| {size} | " + " | ".join(f"{row[name]:.2f}" for name in names) + " |", flush=True)


def main() -> None:
    """Measure, print tables, and plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--detector", nargs="+", choices=list(COLOURS), default=list(COLOURS))
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    found: Content = {}
    if options.json and options.json.exists():
        found = json.loads(options.json.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as name:
        for detector, kind in ((one, kind) for one in options.detector for kind in options.only if options.clip):
            rows = KINDS[kind](options.clip, detector, Path(name))
            tell(kind, detector, rows)
            about = {"commit": provenance.commit(), "machine": provenance.machine(), "clip": options.clip.name}
            found.setdefault(detector, {})[kind] = {**about, "rows": rows}
    if options.json and options.clip:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
