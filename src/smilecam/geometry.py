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
    smaller, larger = sorted((a.area, b.area))
    if smaller == 0 or larger > MAX_AREA_RATIO * smaller:
        return iou(a, b)
    return max(iou(a, b), NESTED_SIMILARITY * _intersection(a, b) / smaller)


def _intersection(a: Box, b: Box) -> int:
    """Area in pixels that two boxes share."""
    across, down = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    return max(0, across) * max(0, down)
