"""Finding faces with OpenCV's Haar cascade."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smilecam.opencv import cv2, haarcascades
from smilecam.types import Box, FoundFace, GreyPicture

CASCADE = "haarcascade_frontalface_default.xml"
WINDOW = 24
"""Side of the smallest face the cascade can see, in pixels of the picture it searches."""

SCORE_CENTRE, SCORE_WIDTH = 0.791, 1.294
"""Logistic curve from the cascade's score to the share of true faces: fitted by
benchmarks/fit_haar_confidence.py on 365 boxes found in 9 pictures (43 faces) of dlib, and their mirror images."""


@dataclass(frozen=True, slots=True)
class HaarSettings:
    """How to search.

    Attributes:
        search_size: the longer side of the picture is reduced to this many pixels before the search. Time grows
            with its square, and the smallest face found is 24 pixels of the reduced picture.
            At 480, faces are found from 1/20 of the picture's longer side up; at 960 from 1/40.
        scale_factor: the search is repeated on pictures smaller by this factor each; nearer to 1 finds more and
            takes longer.
        min_neighbors: a face is kept when at least this many overlapping windows saw one; more means fewer false
            faces and fewer true ones.
        min_confidence: a face is kept when its ``confidence`` reaches this.
    """

    search_size: int = 480
    scale_factor: float = 1.15
    min_neighbors: int = 4
    min_confidence: float = 0.6


VIDEO_SEARCH = HaarSettings()
"""For videos and cameras: quick, and faces that matter there are near."""

PICTURE_SEARCH = HaarSettings(search_size=960)
"""For single pictures, where faces of a group can be small and nobody waits for the next frame."""


class HaarDetector:
    """Faces seen from the front, as square boxes from brow to chin with a margin.

    Not safe to share between threads: the cascade keeps buffers.
    """

    name = "haar"

    def __init__(self, settings: HaarSettings | None = None) -> None:
        """Read the cascade from the OpenCV wheel; the default settings are ``VIDEO_SEARCH``."""
        self.settings = settings or VIDEO_SEARCH
        # Read as text and parsed from memory: OpenCV itself does not open every path on Windows.
        text = (Path(haarcascades) / CASCADE).read_text("utf-8")
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        self._cascade = cv2.CascadeClassifier()
        self._cascade.read(storage.getFirstTopLevelNode())

    def __call__(self, grey: GreyPicture, settings: HaarSettings | None = None) -> list[FoundFace]:
        """Find faces.

        Args:
            grey: uint8 (height, width).
            settings: how to search this time, in place of the detector's own settings.

        Returns:
            Faces from the left to the right, boxes in pixels of ``grey`` and inside it.
        """
        return sorted(FoundFace(box, confidence(score)) for box, score in self.scored_boxes(grey, settings))

    def scored_boxes(self, grey: GreyPicture, settings: HaarSettings | None = None) -> list[tuple[Box, float]]:
        """Like calling the detector, in the cascade's order and with its raw score for each box."""
        settings = settings or self.settings
        height, width = grey.shape
        factor = max(1.0, max(height, width) / settings.search_size)
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


def confidence(score: float) -> float:
    """The share of true faces among boxes of this score, 0 to 1."""
    return 1 / (1 + math.exp(min(700.0, (SCORE_CENTRE - score) / SCORE_WIDTH)))


def _enlarge(box: list[int], across: float, down: float, width: int, height: int) -> Box:
    x, y, w, h = box
    x1, y1 = round(x * across), round(y * down)
    return Box(x1, y1, min(round((x + w) * across), width), min(round((y + h) * down), height))
