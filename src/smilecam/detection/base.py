"""The interface of every face detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from smilecam.types import Box, DetectedFace, GreyPixels


class FaceDetector(Protocol):
    """Finds faces in an image. Whether threads may share one stands in its ``DetectorSpec``.

    Attributes:
        name: of its entry in the registry.
    """

    name: str

    def __call__(self, grey: GreyPixels, region: Box | None = None) -> list[DetectedFace]:
        """Detect faces.

        Args:
            grey: uint8 (height, width), of which only the region is taken.
            region: detect inside this part of the image only, at the resolution used for the whole; None for the whole.

        Returns:
            Faces from left to right, boxes in pixels of ``grey`` and inside it.
        """

    def redetect(self, grey: GreyPixels, faces: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Detect known faces again, each in a region of interest (ROI) around its box: much quicker than a full pass.

        Args:
            grey: uint8 (height, width), of which only the regions are taken.
            faces: where each was in a frame shortly before or after.

        Returns:
            For each of them where it is now, or None where no face is found.
        """
