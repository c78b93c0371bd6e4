"""Association of the boxes of two frames, and non-maximum suppression of those of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from smilecam.geometry import similarity
from smilecam.types import Box, DetectedFace, Landmarks

SAME_FACE = 0.4
"""Similarity from which boxes of one frame are one face."""

MAX_UNCONFIRMED = 2
"""Detections in the whole image, in a row, that miss a known face before it is given up."""


def match(before: Sequence[Box], now: Sequence[Box], min_similarity: float) -> list[tuple[int, int]]:
    """Pair boxes greedily, most similar first.

    Args:
        before: boxes of one frame.
        now: boxes of another.
        min_similarity: of a pair, 0 to 1.

    Returns:
        Pairs of indices into ``before`` and ``now``; each box is in one pair at most.
    """
    candidates = ((similarity(a, b), i, j) for i, a in enumerate(before) for j, b in enumerate(now))
    return pair_greedily((-value, i, j) for value, i, j in candidates if value >= min_similarity and value > 0)


def pair_greedily(candidates: Iterable[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """Choose pairs so that each index is in one at most.

    Args:
        candidates: a cost and two indices each; the cheapest are chosen first.
    """
    pairs: list[tuple[int, int]] = []
    used_first, used_second = set[int](), set[int]()
    for _, i, j in sorted(candidates):
        if i not in used_first and j not in used_second:
            pairs.append((i, j))
            used_first.add(i)
            used_second.add(j)
    return pairs


def non_maximum_suppression(boxes: Sequence[Box]) -> list[int]:
    """Keep one box of each face.

    Args:
        boxes: of one frame, in order of priority.

    Returns:
        Indices of the boxes kept, in the given order: those not of the same face as one kept before.
    """
    kept: list[int] = []
    for index, box in enumerate(boxes):
        if all(similarity(box, boxes[other]) < SAME_FACE for other in kept):
            kept.append(index)
    return kept


def interpolate(a: DetectedFace, b: DetectedFace, share: float) -> DetectedFace:
    """The face on the straight line from ``a`` (share 0) to ``b`` (share 1); with landmarks where both have them."""
    box = Box(*(round(p + share * (q - p)) for p, q in zip(a.box, b.box, strict=True)))
    landmarks: Landmarks | None = None
    if a.landmarks is not None and b.landmarks is not None:
        points = (p + share * (q - p) for p, q in zip(a.landmarks, b.landmarks, strict=True))
        landmarks = cast(Landmarks, tuple(points))
    return DetectedFace(box, a.confidence + share * (b.confidence - a.confidence), landmarks)
