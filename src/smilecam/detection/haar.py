"""Face detection with OpenCV's Haar cascade."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from smilecam.detection.cascade import SIDE, detect_windows, make_cascade
from smilecam.detection.coarse_to_fine import CoarseToFine
from smilecam.detection.detector_settings import HAAR_FOR_STREAMS, HaarSettings
from smilecam.detection.face_filter import face_log_odds
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.types import Box, DetectedFace, GreyImage, GreyPixels

MIN_FACE = SIDE
"""Side of the smallest face that the cascade detects, in pixels of the reduced image."""

SCORE_CENTRE, SCORE_WIDTH = 0.791, 1.294
"""Logistic curve from the cascade's score alone to the share of true faces, for boxes around a known face: fitted by
benchmarks/fit_haar_confidence.py on 365 boxes found in 9 images (43 faces) of dlib, and their mirror images."""

OFFSET, PER_SCORE, PER_LOG_ODDS = -1.15, 0.45, 1.1
"""Log odds of a face from the cascade's score and the filter's log odds.

benchmarks/fit_haar_confidence.py gives 0.135, 0.09, 1.53: on its easy material the filter alone decides nearly
everything, and a portrait whose glasses make the filter doubt (log odds -0.3, score 4.3) would be lost. With more
weight on the score that one is kept, and benchmarks/detection.py finds the same faces, with 11 false boxes instead of
12.
"""

MAX_IOU = 0.3
"""Of two boxes that share more than this, or whose centre lies in the other one, one goes."""

ROI_MARGIN = 0.2
"""How far a known face may have moved, as a share of its side: in 1/10 s that is two sides a second."""

REDETECT_CONFIDENCE = 0.2
"""Minimum confidence of a known face, as a share of that of a new one: there was a face about here."""

SCALE_PENALTY = 8.0
"""What a box of e times the size of the one before loses of its score: keeps boxes from shrinking frame by frame."""


class _RoiScan(NamedTuple):
    """One pass of the cascade over the region of interest around a known face.

    The region is reduced until the face has ``face_size`` pixels; sizes from ``min_scale`` to ``max_scale`` times the
    face's are tried, in steps of ``scale_factor``.
    """

    face_size: int
    min_scale: float
    max_scale: float
    scale_factor: float


ROI_SCANS = (_RoiScan(28, 0.85, 1.2, 1.15), _RoiScan(40, 0.75, 1.34, 1.05))
"""A quick scan, which detects 95 of 100 known faces a fifteenth of a second later, and for the rest a fine one."""


class Proposal(NamedTuple):
    """A box of the cascade with its score, and the log odds of a face by the filter network (``face_filter``)."""

    box: Box
    score: float
    log_odds: float


class HaarDetector:
    """Detects frontal faces, as square boxes from brow to chin with a margin.

    The cascade proposes: boxes that few of its windows agree on, many of them false. A small network disposes.

    Threads must not share one: the cascade keeps buffers.
    """

    name = "haar"

    def __init__(self, settings: HaarSettings | None = None) -> None:
        """Load the cascade from the OpenCV wheel; the default settings are ``HAAR_FOR_STREAMS``."""
        self.settings = settings or HAAR_FOR_STREAMS
        self._cascade = make_cascade()
        in_two_passes = self.settings.detection_size <= self.settings.two_passes_to
        self._coarse_to_fine = CoarseToFine(self._cascade) if in_two_passes else None

    def __call__(self, grey: GreyPixels, region: Box | None = None) -> list[DetectedFace]:
        """Detect faces, as ``FaceDetector.__call__`` does."""
        least = self.settings.min_confidence
        kept = [one for one in self.proposals(grey, region) if confidence(one.score, one.log_odds) >= least]
        return sorted(DetectedFace(one.box, confidence(one.score, one.log_odds)) for one in _nms(kept))

    def proposals(self, grey: GreyPixels, region: Box | None = None) -> list[Proposal]:
        """All boxes of the cascade, true and false; the arguments are those of a call."""
        factor = max(1.0, max(grey.shape) / self.settings.detection_size)
        whole = region or Box(0, 0, grey.shape[1], grey.shape[0])
        inside = grey[whole.y1 : whole.y2, whole.x1 : whole.x2]
        scored = [(box.translated(whole.x1, whole.y1), score) for box, score in self._boxes(inside, factor)]
        odds = face_log_odds(grey, [box for box, _ in scored]).tolist()
        return [Proposal(box, score, log_odds) for (box, score), log_odds in zip(scored, odds, strict=True)]

    def _boxes(self, grey: GreyImage, factor: float) -> list[tuple[Box, float]]:
        """Detect in an image reduced by ``factor``; boxes in the cascade's order, each with its raw score."""
        settings = self.settings
        height, width = grey.shape
        size = (round(width / factor), round(height / factor))
        if min(size) < MIN_FACE:
            return []
        if self._coarse_to_fine:
            small = _reduced(_reduced_by_whole_number(grey, size), size)
            windows = self._coarse_to_fine(small, settings.scale_factor, settings.min_neighbors)
        else:
            windows = detect_windows(self._cascade, _reduced(grey, size), settings.scale_factor, settings.min_neighbors)
        return [(_enlarge(box, width / size[0], height / size[1], width, height), score) for box, score in windows]

    def redetect(self, grey: GreyPixels, faces: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Detect known faces again, as ``FaceDetector.redetect`` does."""
        return [
            next(filter(None, (self._redetect(grey, face.box, scan) for scan in ROI_SCANS)), None) for face in faces
        ]

    def _redetect(self, grey: GreyPixels, before: Box, scan: _RoiScan) -> DetectedFace | None:
        side, min_confidence = max(before.width, before.height), REDETECT_CONFIDENCE * self.settings.min_confidence
        margin = round(ROI_MARGIN * side)
        left, top = max(0, before.x1 - margin), max(0, before.y1 - margin)
        roi = grey[top : max(0, before.y2 + margin), left : max(0, before.x2 + margin)]
        if min(roi.shape) < MIN_FACE:
            return None
        height, width = roi.shape
        factor = min(1.0, scan.face_size / side)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        sizes = [max(MIN_FACE, round(side * factor * scale)) for scale in (scan.min_scale, scan.max_scale)]
        found = detect_windows(self._cascade, _reduced(roi, size), scan.scale_factor, 1, (sizes[0], sizes[1]))
        confident = [(score, box) for box, score in found if score_confidence(score) >= min_confidence]
        if not confident:
            return None
        # Of boxes of several sizes the confident ones, but sizes change slowly.
        score, box = max(confident, key=lambda one: one[0] - SCALE_PENALTY * abs(math.log(one[1][2] / (side * factor))))
        in_image = _enlarge(box, width / size[0], height / size[1], width, height).translated(left, top)
        return DetectedFace(in_image, score_confidence(score))


def confidence(score: float, log_odds: float) -> float:
    """Share of true faces among proposals of this score of the cascade and these log odds of the filter, 0 to 1."""
    return _logistic(OFFSET + PER_SCORE * score + PER_LOG_ODDS * log_odds)


def score_confidence(score: float) -> float:
    """Share of true faces among boxes of this score of the cascade, 0 to 1."""
    return _logistic((score - SCORE_CENTRE) / SCORE_WIDTH)


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(min(700.0, -log_odds)))


def _nms(proposals: list[Proposal]) -> list[Proposal]:
    """Non-maximum suppression: single windows of the cascade lie in and over each other.

    The cascade's score decides, not the confidence: where many windows agree it is higher, and the box lies truer.
    """
    kept: list[Proposal] = []
    for one in sorted(proposals, key=lambda one: one.score, reverse=True):
        if not any(_same_face(one.box, other.box) for other in kept):
            kept.append(one)
    return kept


def _same_face(box: Box, better: Box) -> bool:
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return iou(box, better) > MAX_IOU or (better.x1 < x < better.x2 and better.y1 < y < better.y2)


def _reduced(grey: GreyImage, size: tuple[int, int]) -> GreyImage:
    """An image reduced by averages to a width and height, or the same one where it has them."""
    if grey.shape == size[::-1]:
        return grey
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _reduced_by_whole_number(grey: GreyImage, size: tuple[int, int]) -> GreyImage:
    """An image reduced as far as a whole number goes: that takes a tenth of the time of other reductions."""
    height, width = grey.shape
    times = max(1, min(width // size[0], height // size[1]))
    return _reduced(grey, (width // times, height // times))


def _enlarge(box: list[int], across: float, down: float, width: int, height: int) -> Box:
    """A box (x, y, width, height) of the reduced image in pixels of the original, clipped to it."""
    x, y, w, h = box
    x1, y1 = round(x * across), round(y * down)
    return Box(x1, y1, min(round((x + w) * across), width), min(round((y + h) * down), height))
