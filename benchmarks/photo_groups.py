"""How alike photos of one scene and of different scenes are. Results: ``smilecam.review.photos.groups``.

Frames 0.7 s apart of one clip stand for the photos of a burst, and the first frames of different clips for photos of
different scenes, though some clips show the same room.

    python benchmarks/photo_groups.py --videos FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from smilecam.errors import SourceError
from smilecam.opencv import cv2
from smilecam.review.photos.groups import Signature, are_alike, signature
from smilecam.sources.base import Kind
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Event

FRAMES, SECONDS = 5, 0.7


def signatures_of(path: Path) -> list[Signature]:
    """Of the first frames of a clip."""
    found: list[Signature] = []
    with open_source(find_sources(path)[0]) as source:
        for frame in source:
            if isinstance(frame, Event) or (frame.time or 0.0) < len(found) * SECONDS:
                continue
            found.append(signature(frame.image))
            if len(found) == FRAMES:
                break
    return found


def describe(name: str, pairs: Sequence[tuple[Signature, Signature]], at: Sequence[int]) -> None:
    """Print percentiles of both distances, and the share of pairs that are taken for one scene."""
    bits = [int((one.bits != other.bits).sum()) for one, other in pairs]
    colours = [1 - cv2.compareHist(one.colours, other.colours, cv2.HISTCMP_CORREL) for one, other in pairs]
    alike = np.mean([are_alike(*pair) for pair in pairs])
    print(f"{name}: {len(pairs)} pairs, {alike:.3f} taken for one scene")
    for what, values in (("bits", bits), ("colours", colours)):
        print(f"  {what}: " + ", ".join(f"{percent} % {np.percentile(values, percent):.3f}" for percent in at))


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True)
    clips = []
    for ref in find_sources(parser.parse_args().videos):
        try:
            if ref.kind is Kind.VIDEO and ref.path:
                clips.append(signatures_of(ref.path))
        except SourceError as error:
            print(error)
    same = [pair for clip in clips for pair in pairwise(clip)]
    different = [(one[0], other[0]) for one, other in combinations(clips, 2)]
    describe("one clip", same, (50, 90, 95, 99))
    describe("different clips", different, (1, 5, 25, 50))


if __name__ == "__main__":
    main()
