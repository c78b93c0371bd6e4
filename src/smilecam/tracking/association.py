"""Which boxes of two moments belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from smilecam.geometry import similarity
from smilecam.types import Box, DetectedFace, Landmarks

SAME_FACE = 0.4
"""Boxes of one moment that are so alike are one face."""

UNCONFIRMED = 2
"""Searches of the whole picture in a row that do not see a followed face before it is given up."""


def match(before: Sequence[Box], now: Sequence[Box], least: float) -> list[tuple[int, int]]:
    """Pair boxes greedily, those most alike first.

    Args:
        before: boxes of one moment.
        now: boxes of another.
        least: likeness (0 to 1) from which two boxes may be a pair.

    Returns:
        Pairs of indices into ``before`` and ``now``; each box is in one pair at most.
    """
    alike = ((similarity(a, b), i, j) for i, a in enumerate(before) for j, b in enumerate(now))
    return pair_greedily((-share, i, j) for share, i, j in alike if share >= least and share > 0)


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


def between(a: DetectedFace, b: DetectedFace, share: float) -> DetectedFace:
    """The face on its straight way from ``a`` (share 0) to ``b`` (share 1)."""
    box = Box(*(round(p + share * (q - p)) for p, q in zip(a.box, b.box, strict=True)))
    points: Landmarks | None = None
    if a.landmarks is not None and b.landmarks is not None:
        translated = (p + share * (q - p) for p, q in zip(a.landmarks, b.landmarks, strict=True))
        points = cast(Landmarks, tuple(translated))
    return DetectedFace(box, a.confidence + share * (b.confidence - a.confidence), points)
