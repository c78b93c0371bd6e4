"""Finding faces with OpenCV's Haar cascade."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from smilecam.opencv import cv2, haarcascades
from smilecam.types import Box, DetectedFace, GreyImage

CASCADE = "haarcascade_frontalface_default.xml"
WINDOW = 24
"""Side of the smallest face the cascade can see, in pixels of the picture it searches."""

SCORE_CENTRE, SCORE_WIDTH = 0.791, 1.294
"""Logistic curve from the cascade's score to the share of true faces: fitted by
benchmarks/fit_haar_confidence.py on 365 boxes found in 9 pictures (43 faces) of dlib, and their mirror images."""

NEAR_MARGIN = 0.2
"""How far a known face may have moved, as a share of its side: in 1/10 s that is two sides a second."""

NEAR_CONFIDENCE = 0.2
"""What a known face keeps being believed at, as a share of what a new one needs: there was a face about here."""

SIZE_MATTERS = 8.0
"""What a box of e times the size of the one before loses of its score: keeps boxes from shrinking from look to look."""


class _Look(NamedTuple):
    """How to look where a face was.

    The picture is reduced to ``side`` pixels a face; sizes are searched from ``least`` to ``most`` of the face before,
    in steps of ``factor``.
    """

    side: int
    least: float
    most: float
    factor: float


LOOKS = (_Look(28, 0.85, 1.2, 1.15), _Look(40, 0.75, 1.34, 1.05))
"""A quick look, which sees 95 of 100 known faces a fifteenth of a second later, and for the rest a close one."""


@dataclass(frozen=True, slots=True)
class HaarSettings:
    """How to search.

    Attributes:
        detection_size: the longer side of the picture is reduced to this many pixels before the search. Time grows
            with its square, and the smallest face found is 24 pixels of the reduced picture.
            At 480, faces are found from 1/20 of the picture's longer side up; at 960 from 1/40.
        scale_factor: the search is repeated on pictures smaller by this factor each; nearer to 1 finds more and
            takes longer.
        min_neighbors: a face is kept when at least this many overlapping windows saw one; more means fewer false
            faces and fewer true ones.
        min_confidence: a face is kept when its ``confidence`` reaches this.
    """

    detection_size: int = 480
    scale_factor: float = 1.15
    min_neighbors: int = 4
    min_confidence: float = 0.6


VIDEO_DETECTION = HaarSettings(scale_factor=1.2, min_neighbors=3)
"""For videos and cameras: quick, and faces that matter there are near. On clips it finds as many as the defaults do."""

IMAGE_DETECTION = HaarSettings(detection_size=960)
"""For single pictures, where faces of a group can be small and nobody waits for the next frame."""


class HaarDetector:
    """Faces seen from the front, as square boxes from brow to chin with a margin.

    Not safe to share between threads: the cascade keeps buffers.
    """

    name = "haar"

    def __init__(self, settings: HaarSettings | None = None) -> None:
        """Read the cascade from the OpenCV wheel; the default settings are ``VIDEO_DETECTION``."""
        self.settings = settings or VIDEO_DETECTION
        # Read as text and parsed from memory: OpenCV itself does not open every path on Windows.
        text = (Path(haarcascades) / CASCADE).read_text("utf-8")
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        self._cascade = cv2.CascadeClassifier()
        self._cascade.read(storage.getFirstTopLevelNode())

    def __call__(self, grey: GreyImage, region: Box | None = None) -> list[DetectedFace]:
        """Find faces.

        Args:
            grey: uint8 (height, width).
            region: as ``FaceDetector`` says.

        Returns:
            Faces from the left to the right, boxes in pixels of ``grey`` and inside it.
        """
        return sorted(DetectedFace(box, confidence(score)) for box, score in self.scored_boxes(grey, region))

    def scored_boxes(self, grey: GreyImage, region: Box | None = None) -> list[tuple[Box, float]]:
        """Like calling the detector, in the cascade's order and with its raw score for each box."""
        factor = max(1.0, max(grey.shape) / self.settings.detection_size)
        if region is None:
            return self._boxes(grey, factor)
        inside = grey[region.y1 : region.y2, region.x1 : region.x2]
        return [(box.translated(region.x1, region.y1), score) for box, score in self._boxes(inside, factor)]

    def _boxes(self, grey: GreyImage, factor: float) -> list[tuple[Box, float]]:
        """Search a picture reduced by ``factor``."""
        settings = self.settings
        height, width = grey.shape
        size = (round(width / factor), round(height / factor))
        if min(size) < WINDOW:
            return []
        small = grey if factor == 1 else cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        boxes, _, scores = self._cascade.detectMultiScale3(
            small,
            scaleFactor=settings.scale_factor,
            minNeighbors=settings.min_neighbors,
            minSize=(WINDOW, WINDOW),
            outputRejectLevels=True,
        )
        return [
            (_enlarge(box, width / size[0], height / size[1], width, height), float(score))
            for box, score in zip(np.reshape(boxes, (-1, 4)).tolist(), np.ravel(scores).tolist(), strict=True)
            if confidence(score) >= settings.min_confidence
        ]

    def redetect(self, grey: GreyImage, faces: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Look for known faces again, as ``FaceDetector.near`` says."""
        return [next(filter(None, (self._again(grey, face.box, look) for look in LOOKS)), None) for face in faces]

    def _again(self, grey: GreyImage, before: Box, look: _Look) -> DetectedFace | None:
        side, least = max(before.width, before.height), NEAR_CONFIDENCE * self.settings.min_confidence
        margin = round(NEAR_MARGIN * side)
        left, top = max(0, before.x1 - margin), max(0, before.y1 - margin)
        window = grey[top : max(0, before.y2 + margin), left : max(0, before.x2 + margin)]
        if min(window.shape) < WINDOW:
            return None
        height, width = window.shape
        factor = min(1.0, look.side / side)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        boxes, _, scores = self._cascade.detectMultiScale3(
            cv2.resize(window, size, interpolation=cv2.INTER_AREA) if factor < 1 else window,
            scaleFactor=look.factor,
            minNeighbors=1,
            minSize=(max(WINDOW, round(side * factor * look.least)),) * 2,
            maxSize=(max(WINDOW, round(side * factor * look.most)),) * 2,
            outputRejectLevels=True,
        )
        found = zip(np.ravel(scores).tolist(), np.reshape(boxes, (-1, 4)).tolist(), strict=True)
        sure = [(score, box) for score, box in found if confidence(score) >= least]
        if not sure:
            return None
        # Of boxes of several sizes the sure ones, but sizes change slowly.
        score, box = max(sure, key=lambda one: one[0] - SIZE_MATTERS * abs(math.log(one[1][2] / (side * factor))))
        placed = _enlarge(box, width / size[0], height / size[1], width, height).translated(left, top)
        return DetectedFace(placed, confidence(score))


def confidence(score: float) -> float:
    """The share of true faces among boxes of this score, 0 to 1."""
    return 1 / (1 + math.exp(min(700.0, (SCORE_CENTRE - score) / SCORE_WIDTH)))


def _enlarge(box: list[int], across: float, down: float, width: int, height: int) -> Box:
    x, y, w, h = box
    x1, y1 = round(x * across), round(y * down)
    return Box(x1, y1, min(round((x + w) * across), width), min(round((y + h) * down), height))
