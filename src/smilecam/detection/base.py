"""What every face detector offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from smilecam.types import Box, DetectedFace, GreyImage


class FaceDetector(Protocol):
    """Finds faces in a picture. Not safe to share between threads: detectors keep buffers.

    Attributes:
        name: by which model files know the crop that fits its boxes.
    """

    name: str

    def __call__(self, grey: GreyImage, region: Box | None = None) -> list[DetectedFace]:
        """Search a picture.

        Args:
            grey: uint8 (height, width).
            region: search only this part, no more closely than the whole would be; None for the whole.

        Returns:
            Faces from left to right, boxes in pixels of ``grey``.
        """

    def redetect(self, grey: GreyImage, faces: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Look for known faces again, each only about where it was: much quicker than a whole search.

        Args:
            grey: uint8 (height, width).
            faces: where each was in a frame shortly before or after.

        Returns:
            For each of them where it is now, or None where nothing is seen there.
        """
