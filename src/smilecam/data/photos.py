"""Whole photos among face crops: which images of a folder are to be cropped by a face detector first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smilecam.detection.base import FaceDetector
from smilecam.errors import DataError
from smilecam.types import BoolArray, DetectedFace, GreyImage

CROP_SIDE = 100
"""Square images of at most this many pixels are face crops: SMILES and GENKI boxes have 64, FER2013 48, others 96."""

FACE_SHARE = 0.8
"""A detected face that takes up less than this of an image's shorter side leaves room for more than a face crop shows.

Share of images with such a face: 9 of 9 group photos and 87 % of frames of videos; of enlarged face crops 3 to 4 %
(framing of SMILES), 0 to 5 % (Haar boxes) and 20 % (FER2013).
"""

ALL_PHOTOS, SOME_PHOTOS = 0.5, 0.25
"""Share of images with such a face from which all images are photos, and from which these are."""

CHECKED = 100
"""Number of images of each class that are checked before training."""


def is_small_crop(grey: GreyImage) -> bool:
    """Whether an image is a face crop by its shape alone: small and about square."""
    height, width = grey.shape
    return bool(max(height, width) <= min(CROP_SIDE, 1.1 * min(height, width)))


def largest_face(detect: FaceDetector, grey: GreyImage) -> DetectedFace | None:
    """The face with the largest box, if any is detected."""
    return max(detect(grey), key=lambda face: face.box.area, default=None)


def leaves_room(face: DetectedFace | None, grey: GreyImage) -> bool:
    """Whether an image shows clearly more than a face: see ``FACE_SHARE``."""
    return face is not None and max(face.box.width, face.box.height) < FACE_SHARE * min(grey.shape)


def are_photos(with_room: Sequence[bool]) -> BoolArray:
    """Which images are whole photos.

    A face without room around it and an image without a detected face are ambiguous, and the cascade detects a small
    face in one of thirty face crops: such images go with the majority.

    Args:
        with_room: for each image that may be a photo, ``leaves_room``.

    Returns:
        bool (n,).
    """
    own = np.array(with_room, dtype=bool)
    share = own.mean() if len(own) else 0.0
    return np.full(len(own), True) if share >= ALL_PHOTOS else own & (share >= SOME_PHOTOS)


class PhotoCheck:
    """Refuses whole photos where face crops are needed, by the first images of each class."""

    def __init__(self, detect: FaceDetector, where: object) -> None:
        """Check the images of one data set.

        Args:
            detect: the face detector to use.
            where: the data set, for the message.
        """
        self._detect, self._where = detect, where
        self._with_room: dict[int, list[bool]] = {0: [], 1: []}

    def add(self, grey: GreyImage, label: int) -> None:
        """Check one more image, unless enough of its class were.

        Raises:
            DataError: enough were, and there are whole photos.
        """
        checked = self._with_room[label]
        if len(checked) < CHECKED and not is_small_crop(grey):
            checked.append(leaves_room(largest_face(self._detect, grey), grey))
            if len(checked) == CHECKED:
                self.refuse_photos()

    def refuse_photos(self) -> None:
        """Raise if there are whole photos.

        Raises:
            DataError: there are.
        """
        checked = [*self._with_room[0], *self._with_room[1]]
        if photos := int(are_photos(checked).sum()):
            raise DataError(
                f"{self._where} holds whole photos, not face crops ({photos} of {len(checked)} images checked): "
                f"cut out the faces with smilecam data crop {self._where} --out FOLDER"
            )
