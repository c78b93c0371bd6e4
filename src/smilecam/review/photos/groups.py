"""Which photos show the same scene: bursts, and people who were photographed several times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smilecam.opencv import cv2
from smilecam.types import BoolArray, FloatArray, Image

HASH_SIDE, HASHED_SIDE = 8, 32
"""Frequencies kept on each side of the cosine transform, and the side of the image that it is taken of."""

HISTOGRAM_BINS = (16, 8, 8)
"""Of hue, saturation and value."""

MAX_HASH_DISTANCE, MAX_COLOUR_DISTANCE = 20, 0.2
"""Largest differences within a scene: bits of 64, and 1 minus the correlation of histograms.

Of 128 pairs of frames 0.7 s apart in 34 clips, 95 % are taken for one scene; of 561 pairs of first frames of different
clips, some of which show the same room, 1.6 % (benchmarks/photo_groups.py).
"""

COMPARED_BEFORE = 4
"""A photo is compared with so many before it: in between, somebody may have photographed something else."""


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """What a photo looks like, in 4 kB.

    Attributes:
        bits: perceptual hash, bool (64,): which low frequencies are above their median.
        colours: float32 (1024,), histogram of hue, saturation and value.
    """

    bits: BoolArray
    colours: FloatArray


def signature(image: Image) -> Signature:
    """The signature of an image, uint8 (height, width, 3), blue-green-red."""
    side = 4 * HASHED_SIDE
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    hashed = cv2.resize(grey, (HASHED_SIDE, HASHED_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    frequencies = cv2.dct(hashed)[1 : HASH_SIDE + 1, 1 : HASH_SIDE + 1].ravel()
    hsv = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)
    colours = cv2.calcHist([hsv], [0, 1, 2], None, HISTOGRAM_BINS, [0, 180, 0, 256, 0, 256]).ravel()
    return Signature(np.asarray(frequencies > np.median(frequencies)), np.asarray(colours, np.float32))


def are_alike(one: Signature, other: Signature) -> bool:
    """Whether two photos look alike in both structure and colours."""
    if int((one.bits != other.bits).sum()) > MAX_HASH_DISTANCE:
        return False
    distance = float(cv2.compareHist(one.colours, other.colours, cv2.HISTCMP_CORREL))
    return 1 - distance <= MAX_COLOUR_DISTANCE


def natural_key(path: Path) -> tuple[str, list[tuple[int, str]]]:
    """Orders names as people do: IMG_9 before IMG_10."""
    blocks = re.findall(r"\d+|\D+", path.name.lower())
    return str(path.parent), [(int(block) if block.isdecimal() else -1, block) for block in blocks]


def group_photos(signatures: Sequence[Signature]) -> list[list[int]]:
    """Group photos by scene.

    Args:
        signatures: of the photos, in the order in which they were taken.

    Returns:
        Groups of places in ``signatures``, each in order, by their first photo.
    """
    group_of: list[int] = []
    for place, current in enumerate(signatures):
        before = range(place - 1, max(-1, place - 1 - COMPARED_BEFORE), -1)
        match = next((group_of[other] for other in before if are_alike(current, signatures[other])), None)
        group_of.append(place if match is None else match)
    groups: dict[int, list[int]] = {}
    for place, group in enumerate(group_of):
        groups.setdefault(group, []).append(place)
    return list(groups.values())
