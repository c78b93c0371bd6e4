"""Association of the boxes of two frames, and non-maximum suppression of those of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from smilecam.geometry import iou, similarity
from smilecam.types import Box, DetectedFace, Landmarks

SAME_FACE = 0.4
"""Similarity from which boxes of one frame are one face."""

MAX_UNCONFIRMED = 2
"""Detections in the whole image, in a row, that miss a known face before it is given up."""

MAX_FULL_GROWTH = 4.0
"""The time to the next detection in the whole image doubles with each that finds just the faces known, up to this."""

LEAST_SHARE = 0.25
"""Boxes of detections jitter, and with them what is read. So a box is the mean of those of the last detections, placed
by the pixels of the face: each counts for as much as each before it, but for this share at least."""

SAME_BOX = 0.6
"""IoU below which a re-detected box is no jitter: the face has come nearer, or following has drifted."""


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


def mean_face(followed: DetectedFace | None, found: DetectedFace, detections: int) -> tuple[DetectedFace, int]:
    """The mean of a face's boxes by its last detections.

    Args:
        followed: their mean so far, where the pixels of the face are now; None where they were not found.
        found: by a detection now.
        detections: that ``followed`` is the mean of.

    Returns:
        The face, and the number of detections that it is the mean of now.
    """
    if followed is None or iou(followed.box, found.box) < SAME_BOX:
        return found, 1
    return interpolate(followed, found, max(LEAST_SHARE, 1 / (detections + 1))), detections + 1
