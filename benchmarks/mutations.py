"""Hostile files by seeded mutation: images, videos and model files with bytes changed, cut, doubled or mixed.

Each must be read, or be refused with one of smilecam's own errors: no other exception, no crash, no hang.

    python benchmarks/mutations.py --tries 5000              # nightly
    python benchmarks/mutations.py --tries 1 --first 1234    # one of them again
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

BATCH = 100
"""Tries of one process: a crash costs so many."""

SECONDS_A_TRY = 3.0
FRAMES = 12


def originals(folder: Path) -> list[Path]:
    """Make small files of every kind; models are copies of the packaged one."""
    import av

    from smilecam.classification.classifier import model_path
    from smilecam.sources.images import save_image

    rng = np.random.default_rng(0)
    images = [np.full((64, 96, 3), 40 + 9 * number, np.uint8) for number in range(FRAMES)]
    for image in images:
        image[10:50, 20:70] = rng.integers(0, 255, (40, 50, 3), np.uint8)
    for suffix in ("jpg", "png", "bmp", "webp", "tiff"):
        save_image(folder / f"image.{suffix}", images[0])
    forms = {"mp4": "libx264", "mkv": "libx264", "avi": "mpeg4", "ts": "libx264", "mpg": "mpeg2video", "webm": "libvpx"}
    for suffix, codec in forms.items():
        with av.open(str(folder / f"video.{suffix}"), "w") as output:
            stream = output.add_stream(codec, rate=10)
            stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
            for image in images:
                output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            output.mux(stream.encode(None))
    (folder / "model.onnx").write_bytes(model_path("lenet").read_bytes())
    return sorted(folder.iterdir())


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a file in one to four ways."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at, length = int(rng.integers(0, max(1, len(data)))), int(rng.integers(1, 64))
        match rng.integers(0, 6):
            case 0:
                data[at : at + 1] = bytes([data[at] ^ 1 << int(rng.integers(0, 8))]) if data else b""
            case 1:
                data[at : at + length] = rng.bytes(length)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at : at + 4] = (0xFFFFFFFF, 0x7FFFFFFF, 0, 1)[int(rng.integers(0, 4))].to_bytes(4, "big")
            case _:
                del data[max(1, at) :]
        early = rng.random() < 0.5  # headers decide most
        if early and data:
            place = int(rng.integers(0, min(len(data), 600)))
            data[place] = int(rng.integers(0, 256))
    return bytes(data)


def attempt(seed: int, files: list[Path], folder: Path) -> str:
    """Read one mutated file: "read", or the name of the error that refused it."""
    from smilecam.classification.classifier import SmileClassifier
    from smilecam.errors import SmilecamError
    from smilecam.pipeline.detector import SmileDetector

    rng = np.random.default_rng(seed)
    original = files[int(rng.integers(0, len(files)))]
    path = folder / f"try{original.suffix}"
    path.write_bytes(mutated(original.read_bytes(), rng))
    try:
        if path.suffix == ".onnx":
            SmileClassifier(path)(np.zeros((1, 1, 28, 28), np.float32))
            return "read"
        with SmileDetector("lenet", detector="haar") as detector:
            for number, item in enumerate(detector.stream(path)):
                if any(not 0 <= face.smile <= 1 for face in (item.result.faces if item.result else ())):
                    raise AssertionError("a probability out of range")
                if number > 4 * FRAMES:
                    break
    except SmilecamError as error:
        return type(error).__name__
    return "read"


def work(first: int, tries: int) -> None:
    """Make tries, with a line for each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "originals").mkdir()
        files = originals(folder / "originals")
        for seed in range(first, first + tries):
            print("try", seed, flush=True)
            print("end", attempt(seed, files, folder), flush=True)


def main() -> int:
    """Run all tries in processes of their own, and report what was neither read nor refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="seed of the first try")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.first, options.tries)
        return 0
    ends: Counter[str] = Counter()
    failures, begin, seed, last = [], time.monotonic(), options.first, options.first + options.tries
    while seed < last:
        tries = min(BATCH, last - seed)
        command = [sys.executable, __file__, "--work", "--first", str(seed), "--tries", str(tries)]
        try:
            done = subprocess.run(  # noqa: S603 - this file itself
                command, capture_output=True, text=True, timeout=60 + SECONDS_A_TRY * tries, check=False
            )
            out, reason = done.stdout, f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        except subprocess.TimeoutExpired as error:
            out, reason = (error.stdout or b"").decode(), "no end"
        lines = [line.split() for line in out.splitlines()]
        ends.update(line[1] for line in lines if line[0] == "end")
        begun = [int(line[1]) for line in lines if line[0] == "try"]
        finished = sum(line[0] == "end" for line in lines)
        if finished < tries:
            failures.append((begun[-1] if begun else seed, reason))
        seed = begun[-1] + 1 if finished < tries and begun else seed + tries
    print(f"{options.tries} tries from seed {options.first} in {time.monotonic() - begin:.0f} s: {dict(ends)}")
    for failed, reason in failures:
        print(f"seed {failed}: {reason}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
