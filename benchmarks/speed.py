"""Frames a second of the run time beside a naive loop, side by side in one run.

    python benchmarks/speed.py VIDEO... [--frames 60] [--rounds 5]

"ours" is ``SmileDetector``: faces searched in the picture reduced to 480 pixels, one batched network call. "naive"
searches the full picture with the same cascade and calls the same network once a face. Both read frames that are
decoded already; they take turns, so that a noisy machine is noisy for both. The figure to look at is the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from smilecam import SmileDetector, provenance
from smilecam.config import WHOLE_BOX
from smilecam.opencv import cv2, haarcascades
from smilecam.types import Box, Picture
from smilecam.video.sources import find_sources, open_source
from smilecam.vision.classify import SmileClassifier
from smilecam.vision.crop import network_input
from smilecam.vision.detect import CASCADE, VIDEO_SEARCH


def read_frames(video: str, count: int) -> list[Picture]:
    """The first frames of a video."""
    frames = []
    with open_source(find_sources(video)[0]) as source:
        for frame in source:
            frames.append(frame.image)
            if len(frames) == count:
                break
    return frames


def naive() -> Callable[[Picture], object]:
    """The naive loop: full picture, whole box, one call a face."""
    cascade, classifier = cv2.CascadeClassifier(str(Path(haarcascades) / CASCADE)), SmileClassifier()

    def read(image: Picture) -> list[float]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(30, 30))
        boxes = [Box(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h in found]
        return [float(classifier(network_input(grey, [box], WHOLE_BOX, classifier.info.input))[0]) for box in boxes]

    return read


def milliseconds(read: Callable[[Picture], object], frames: list[Picture]) -> float:
    """Time of one frame, on average over all."""
    started = time.perf_counter()
    for frame in frames:
        read(frame)
    return (time.perf_counter() - started) / len(frames) * 1000


def main() -> None:
    """Time both on every video."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ours, theirs = SmileDetector(haar=VIDEO_SEARCH), naive()
    print(f"commit {provenance.commit()}, {provenance.machine()}, median of {options.rounds} rounds")
    print("| video | size | frames | ours, ms a frame | naive, ms a frame | ratio |\n|---|---|---|---|---|---|")
    for video in options.videos:
        frames = read_frames(video, options.frames)
        pairs = [(milliseconds(ours, frames), milliseconds(theirs, frames)) for _ in range(options.rounds)]
        mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        height, width = frames[0].shape[:2]
        print(f"| {Path(video).name} | {width}x{height} | {len(frames)} | {mine:.1f} | {other:.1f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
