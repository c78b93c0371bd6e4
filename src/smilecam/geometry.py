"""How much boxes have in common. Numpy and the standard library only."""

from __future__ import annotations

from smilecam.types import Box


def iou(a: Box, b: Box) -> float:
    """What two boxes share, as a share of what they cover together (IoU): 0 to 1."""
    shared = _shared_area(a, b)
    together = a.area + b.area - shared
    return shared / together if together else 0.0


def _shared_area(a: Box, b: Box) -> int:
    across, down = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    return max(0, across) * max(0, down)


def similarity(a: Box, b: Box) -> float:
    """How likely two boxes are of one face, 0 to 1: their overlap, or more where one lies in the other.

    Detectors see a face now as larger, now as smaller; two faces do not lie in each other.
    """
    smaller, larger = sorted((a.area, b.area))
    if smaller == 0 or larger > LARGER * smaller:
        return iou(a, b)
    return max(iou(a, b), INSIDE * _shared_area(a, b) / smaller)


INSIDE = 0.6
"""Likeness of two boxes of which one lies in the other."""

LARGER = 4
"""Times the area of the smaller one, beyond which that says nothing."""
