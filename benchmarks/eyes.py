"""How often eyes are seen open. Results: ``MIN_OPENNESS`` in ``smilecam.detection.eyes``.

Faces of a data set, most of which have open eyes, and the same with skin, mixed from the rows above and below an eye,
and a dark line like that of a closed lid painted over both eyes. And every fourth frame of a clip in which somebody
blinks, sorted by hand.

    python benchmarks/eyes.py --data genki4k_public --clip sadtalker_aoc.mp4
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from smilecam.data.faces import iter_faces
from smilecam.detection.eyes import EyeDetector
from smilecam.detection.registry import Use, resolve_detector
from smilecam.opencv import cv2
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Box, Event, GreyImage

EVERY = 4
CLOSED = frozenset({12, 36, 56, 80})
HALF_CLOSED = frozenset({24, 28, 96, 112, 128, 132, 152, 176})
"""Numbers of frames of sadtalker_aoc.mp4."""


def paint_lids(grey: GreyImage) -> GreyImage:
    """A face that fills its image, with both eyes painted over."""
    painted = grey.copy()
    height, width = grey.shape
    for middle in (0.31, 0.69):
        x1, x2 = round((middle - 0.15) * width), round((middle + 0.15) * width)
        y1, y2 = round(0.30 * height), round(0.47 * height)
        skin = np.linspace(grey[y1 - 2 : y1, x1:x2].mean(axis=0), grey[y2 : y2 + 2, x1:x2].mean(axis=0), y2 - y1)
        painted[y1:y2, x1:x2] = skin.astype(np.uint8)
        line = (x1 + round(0.04 * width), round(0.40 * height)), (x2 - round(0.04 * width), round(0.40 * height))
        cv2.line(painted, *line, float(0.45 * skin.mean()), max(1, width // 60))
    return painted


def describe(name: str, seen: Sequence[bool | None]) -> None:
    """Print how many have open eyes."""
    print(f"{name}: {sum(map(bool, seen))} of {len(seen)} ({np.mean([bool(each) for each in seen]):.3f})")


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="labelled faces whose images are whole Haar boxes")
    parser.add_argument("--clip", type=Path, required=True, help="sadtalker_aoc.mp4")
    options = parser.parse_args()
    detector = EyeDetector()
    greys = [face.grey for face in iter_faces(options.data)[1]]
    for name, images in (("faces", greys), ("painted over", [paint_lids(grey) for grey in greys])):
        describe(name, [detector(grey, Box(0, 0, grey.shape[1], grey.shape[0])) for grey in images])
    detect, seen = resolve_detector("haar").spec.make(Use.STREAM), defaultdict[str, list[bool | None]](list)
    with open_source(find_sources(options.clip)[0]) as source:
        for frame in source:
            if isinstance(frame, Event) or frame.number % EVERY:
                continue
            face = max(detect(frame.grey), key=lambda face: face.box.width)
            kind = "closed" if frame.number in CLOSED else "half closed" if frame.number in HALF_CLOSED else "open"
            seen[kind].append(detector(frame.grey, face.box))
    for kind, of_kind in seen.items():
        describe(f"frames with {kind} eyes", of_kind)


if __name__ == "__main__":
    main()
