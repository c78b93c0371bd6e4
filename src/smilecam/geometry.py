"""Similarity of boxes. Numpy and the standard library only."""

from __future__ import annotations

from smilecam.types import Box

NESTED_SIMILARITY = 0.6
"""Similarity of two boxes of which one lies in the other."""

MAX_AREA_RATIO = 4
"""A box of more times the area of the one inside it is not taken for the same face."""


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1; 0 for two empty ones."""
    intersection = _intersection(a, b)
    union = a.area + b.area - intersection
    return intersection / union if union else 0.0


def similarity(a: Box, b: Box) -> float:
    """How likely two boxes are of one face, 0 to 1: their IoU, or more where one lies in the other.

    Detectors find a face now larger, now smaller; two faces do not lie in each other.
    """
    intersection = _intersection(a, b)
    if intersection == 0:  # most pairs of a crowd
        return 0.0
    area_a, area_b = a.area, b.area
    of_union = intersection / (area_a + area_b - intersection)
    smaller, larger = min(area_a, area_b), max(area_a, area_b)
    return of_union if larger > MAX_AREA_RATIO * smaller else max(of_union, NESTED_SIMILARITY * intersection / smaller)


def _intersection(a: Box, b: Box) -> int:
    """Area in pixels that two boxes share."""
    ax1, ay1, ax2, ay2 = a
    bx1, by1, bx2, by2 = b
    if ax2 <= bx1 or bx2 <= ax1 or ay2 <= by1 or by2 <= ay1:
        return 0
    return max(0, min(ax2, bx2) - max(ax1, bx1)) * max(0, min(ay2, by2) - max(ay1, by1))
