"""The Haar cascade in two passes: a coarse one over the whole image, a fine one where that saw something.

OpenCV spends nearly all of its time on windows far from any face: from 48 pixels on there is one at every pixel of the
reduced image. The coarse pass halves the image again and again, so that windows are a twelfth of their side apart; it
has fewer sizes, and fewer stages, which let doubtful windows pass. Around those the whole cascade runs as usual.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smilecam.detection.cascade import SIDE, Window, detect_windows, make_cascade
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.types import Box, GreyImage

COARSE_STAGES = 20
"""Of 25: with all of them, one face in thirty more is missed in photos."""

SMALL_STEP, STEP = 2 ** (1 / 3), 2 ** (1 / 4)
"""Between sizes of the coarse pass: below 48 pixels, where most of the time goes, and above."""

MARGIN, SMALLER, LARGER = 0.12, 0.85, 1.2
"""Of the fine pass around a coarse window, as shares of its side: how far it goes, and its sizes."""

SAME_PLACE, SAME_SIZE = 0.3, 0.6
"""Coarse windows are taken together when their centres are less than this share of the larger side apart, and the
smaller side is more than this share of the larger one."""


GROUP_EPS = 0.2
"""OpenCV's own: windows whose borders differ by less than this share of their side are grouped."""

SAME_FACE = 0.4
"""IoU of a group's mean with the windows whose scores count for it."""


class _Hit(NamedTuple):
    """A window that the coarse pass let through, in pixels of the image."""

    x: float
    y: float
    side: float

    def is_about(self, other: _Hit) -> bool:
        """Whether the larger hit ``other`` is of about the same place and size."""
        reach, half = SAME_PLACE * other.side, (other.side - self.side) / 2
        return (
            abs(other.x + half - self.x) < reach
            and abs(other.y + half - self.y) < reach
            and self.side > SAME_SIZE * other.side
        )


class CoarseToFine:
    """Detects in two passes. Threads must not share one: cascades keep buffers."""

    def __init__(self, cascade: cv2.CascadeClassifier) -> None:
        """Load what the coarse pass needs.

        Args:
            cascade: with all stages, for the fine pass.
        """
        self._cascade, self._coarse = cascade, make_cascade(COARSE_STAGES)

    def __call__(self, grey: GreyImage, scale_factor: float, min_neighbors: int) -> list[Window]:
        """Windows of the whole cascade, as ``detect_windows`` gives them, near what the coarse pass saw.

        Args:
            grey: uint8 (height, width).
            scale_factor: of the fine pass.
            min_neighbors: likewise; where no windows agree, single ones are given.
        """
        return [
            window
            for group in _grouped(self._hits(grey))
            for window in self._refined(grey, group, scale_factor, min_neighbors)
        ]

    def _hits(self, grey: GreyImage) -> list[_Hit]:
        hits, factor = [], 1
        while min(grey.shape) >= SIDE:
            step = SMALL_STEP if factor == 1 else STEP
            windows = detect_windows(self._coarse, grey, step, 0, (SIDE, 2 * SIDE - 1))
            hits += [_Hit(x * factor, y * factor, side * factor) for (x, y, side, _), _ in windows]
            height, width = grey.shape
            grey = np.asarray(cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
            factor *= 2
        return hits

    def _refined(self, grey: GreyImage, hits: list[_Hit], scale_factor: float, min_neighbors: int) -> list[Window]:
        largest, margin = hits[0].side, MARGIN * hits[0].side
        roi = Box(
            max(0, int(min(hit.x for hit in hits) - margin)),
            max(0, int(min(hit.y for hit in hits) - margin)),
            min(grey.shape[1], int(max(hit.x + hit.side for hit in hits) + margin)),
            min(grey.shape[0], int(max(hit.y + hit.side for hit in hits) + margin)),
        )
        inside = np.ascontiguousarray(grey[roi.y1 : roi.y2, roi.x1 : roi.x2])
        sizes = (max(SIDE, round(SMALLER * hits[-1].side)), max(SIDE, round(LARGER * largest)))
        single = detect_windows(self._cascade, inside, scale_factor, 0, sizes)
        windows = _agreed(single, min_neighbors) or single
        return [([x + roi.x1, y + roi.y1, width, height], score) for (x, y, width, height), score in windows]


def _agreed(windows: list[Window], min_neighbors: int) -> list[Window]:
    """Means of windows that more than so many agree on, each with their highest score, as OpenCV makes them."""
    if len(windows) <= min_neighbors:
        return []
    means, _ = cv2.groupRectangles([box for box, _ in windows], min_neighbors, GROUP_EPS)
    agreed = []
    for mean in np.reshape(means, (-1, 4)).tolist():
        scores = [score for box, score in windows if iou(_box(box), _box(mean)) > SAME_FACE]
        agreed += [(mean, max(scores))] if scores else []
    return agreed


def _box(window: list[int]) -> Box:
    x, y, width, height = window
    return Box(x, y, x + width, y + height)


def _grouped(hits: list[_Hit]) -> list[list[_Hit]]:
    """Hits of about the same place and size, the largest of each group first, the smallest last."""
    groups: list[list[_Hit]] = []
    for hit in sorted(hits, key=lambda hit: -hit.side):
        group = next((group for group in groups if hit.is_about(group[0])), None)
        if group is None:
            groups.append([hit])
        else:
            group.append(hit)
    return groups
