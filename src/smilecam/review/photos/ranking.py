"""How good photos of people are: how many smile, how surely, and whose eyes are seen open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smilecam.detection.eyes import EyeDetector
from smilecam.opencv import cv2
from smilecam.pipeline.detector import SmileDetector
from smilecam.review.photos.groups import Signature, group_photos, natural_key, signature
from smilecam.sources.images import load_image
from smilecam.types import Face

BYSTANDER_SHARE = 0.35
"""Faces narrower than this share of the widest one are not counted: people in the background."""

MIN_CONFIDENCE = 0.7
"""Of faces that count: a false one would be somebody who never smiles."""

EYES_WORTH = 0.1
"""What a face with both eyes seen open adds to a score, where a sure smile adds 1: it decides between equals only,
since eyes that are not found may well be open."""


@dataclass(frozen=True, slots=True)
class RatedFace:
    """A face that counts.

    Attributes:
        face: with its smile.
        eyes_open: whether both eyes are seen open; None in a face too small to tell.
    """

    face: Face
    eyes_open: bool | None

    def as_dict(self) -> dict[str, Any]:
        """The face as plain values."""
        return self.face.as_dict() | {"eyes_open": self.eyes_open}


@dataclass(frozen=True, slots=True)
class RatedPhoto:
    """A photo with what it was rated by.

    Attributes:
        path: of the file.
        faces: that count, from left to right.
        bystanders: number of faces that do not count, smaller or doubtful ones.
        signature: what it looks like.
    """

    path: Path
    faces: tuple[RatedFace, ...]
    bystanders: int
    signature: Signature

    @property
    def smiling(self) -> int:
        """How many smile."""
        return sum(rated.face.smiling for rated in self.faces)

    @property
    def eyes_open(self) -> int:
        """How many have both eyes seen open."""
        return sum(bool(rated.eyes_open) for rated in self.faces)

    @property
    def score(self) -> float:
        """The expected number of smiles, and a little for eyes."""
        return sum(rated.face.smile for rated in self.faces) + EYES_WORTH * self.eyes_open

    @property
    def rank(self) -> tuple[int, float]:
        """Sorts the best photo first: by the number of smiles, then by the score."""
        return -self.smiling, -self.score


@dataclass(frozen=True, slots=True)
class PhotoGroup:
    """Photos of one group, the best first."""

    photos: tuple[RatedPhoto, ...]

    @property
    def best(self) -> RatedPhoto:
        """The best photo."""
        return self.photos[0]

    @property
    def faces(self) -> int:
        """The largest number of faces in one of the photos."""
        return max(len(photo.faces) for photo in self.photos)

    def everybody_smiles(self, photo: RatedPhoto) -> bool:
        """Whether as many smile in a photo of the group as there are faces in any of them."""
        return 0 < self.faces == photo.smiling

    def as_dict(self) -> dict[str, Any]:
        """The group as plain values."""
        return {
            "faces": self.faces,
            "photos": [
                {
                    "path": str(photo.path),
                    "everybody_smiles": self.everybody_smiles(photo),
                    "smiling": photo.smiling,
                    "eyes_open": photo.eyes_open,
                    "score": round(photo.score, 4),
                    "bystanders": photo.bystanders,
                    "faces": [rated.as_dict() for rated in photo.faces],
                }
                for photo in self.photos
            ],
        }


def rate_photo(path: Path, detector: SmileDetector, eyes: EyeDetector) -> RatedPhoto:
    """Rate one photo.

    Raises:
        SourceError: it cannot be read.
    """
    image = load_image(path)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    found = detector(image).faces
    sure = [face for face in found if face.confidence >= MIN_CONFIDENCE]
    widest = max((face.box.width for face in sure), default=0)
    counted = [face for face in sure if face.box.width >= BYSTANDER_SHARE * widest]
    faces = tuple(RatedFace(face, eyes(grey, face.box)) for face in counted)
    return RatedPhoto(path, faces, len(found) - len(faces), signature(image))


def rank_groups(photos: Sequence[RatedPhoto]) -> list[PhotoGroup]:
    """Group photos by group, in the order of their names, and rank them.

    Returns:
        Scenes by their best photo, each with its photos from the best to the worst.
    """
    ordered = sorted(photos, key=lambda photo: natural_key(photo.path))
    ranked = [
        PhotoGroup(tuple(sorted((ordered[place] for place in places), key=lambda photo: photo.rank)))
        for places in group_photos([photo.signature for photo in ordered])
    ]
    return sorted(ranked, key=lambda group: group.best.rank)
