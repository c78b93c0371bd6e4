"""Which boxes of two moments belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from smilecam.types import Box, FoundFace, Landmarks, likeness

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
    shares = [(likeness(a, b), i, j) for i, a in enumerate(before) for j, b in enumerate(now)]
    pairs: list[tuple[int, int]] = []
    used_before, used_now = set[int](), set[int]()
    for share, i, j in sorted(shares, key=lambda entry: (-entry[0], entry[1:])):
        if share < least or share == 0:
            break
        if i not in used_before and j not in used_now:
            pairs.append((i, j))
            used_before.add(i)
            used_now.add(j)
    return pairs


def between(a: FoundFace, b: FoundFace, share: float) -> FoundFace:
    """The face on its straight way from ``a`` (share 0) to ``b`` (share 1)."""
    box = Box(*(round(p + share * (q - p)) for p, q in zip(a.box, b.box, strict=True)))
    points: Landmarks | None = None
    if a.landmarks is not None and b.landmarks is not None:
        moved = (p + share * (q - p) for p, q in zip(a.landmarks, b.landmarks, strict=True))
        points = cast(Landmarks, tuple(moved))
    return FoundFace(box, a.confidence + share * (b.confidence - a.confidence), points)
