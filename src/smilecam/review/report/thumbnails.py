"""Small images for a report, taken from the files that its results are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from smilecam.detection.registry import Use, resolve_detector
from smilecam.errors import SourceError
from smilecam.opencv import cv2, reduced
from smilecam.sinks.anonymise import blur_faces
from smilecam.sources.base import Kind, SourceRef
from smilecam.sources.images import load_image
from smilecam.types import Box, Event, Image

FACE_SIDE = 144
"""Side of a face's thumbnail in pixels."""

FACE_MARGIN = 0.6
"""What a face's thumbnail shows around its box, as a share of the box's longer side, on each side."""

IMAGE_WIDTH = 260
"""Longer side of an image's thumbnail in pixels."""

JPEG_QUALITY = 82

TIME_SLACK = 0.001
"""Seconds by which a time in results, which are rounded, may be later than the frame's own."""


class Anonymiser:
    """Makes all faces of an image unrecognisable: those of the results, and those that a detector finds besides."""

    def __init__(self) -> None:
        """Load the preferred face detector."""
        self._detect = resolve_detector().spec.make(Use.IMAGE)

    def __call__(self, image: Image, boxes: Sequence[Box]) -> Image:
        """Anonymise.

        Args:
            image: uint8 (height, width, 3), blue-green-red; left as it is.
            boxes: of known faces, in pixels.

        Returns:
            A new image of the same shape.
        """
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        return blur_faces(image, [*boxes, *(face.box for face in self._detect(grey))])


def frame_at(path: Path, time: float) -> Image:
    """The frame of a video file that is shown at a time.

    Args:
        path: of the file.
        time: seconds, as in results.

    Returns:
        uint8 (height, width, 3), blue-green-red.

    Raises:
        SourceError: the file cannot be read, or has no frame there.
    """
    from smilecam.sources.pyav import open_file

    with open_file(SourceRef(str(path), Kind.VIDEO, path), path) as source:
        source.begin_at(time)
        last = None
        for frame in source:
            if isinstance(frame, Event):
                continue
            last = frame
            if (frame.time or 0.0) >= time - TIME_SLACK:
                break
        if last is None:
            raise SourceError(f"{path} has no frame at {time:.2f} s")
        return last.image


def face_thumbnail(image: Image, box: Box | None, anonymise: Anonymiser | None = None) -> bytes:
    """A JPEG file of a face and what is around it; of the whole image where the box is not known.

    Args:
        image: uint8 (height, width, 3), blue-green-red.
        box: of the face, in pixels.
        anonymise: applied to the image first; None for not.
    """
    if anonymise:
        image = anonymise(image, [box] if box else [])
    if box is None:
        return _jpeg(reduced(image, FACE_SIDE))
    half = round((0.5 + FACE_MARGIN) * max(box.width, box.height))
    x, y = (box.x1 + box.x2) // 2, (box.y1 + box.y2) // 2
    x1, y1, x2, y2 = x - half, y - half, x + half, y + half
    height, width = image.shape[:2]
    inside = image[max(0, y1) : max(0, min(height, y2)), max(0, x1) : max(0, min(width, x2))]
    if inside.size == 0:  # the file is another one than the results are about
        return _jpeg(reduced(image, FACE_SIDE))
    border = (max(0, -y1), max(0, y2 - height), max(0, -x1), max(0, x2 - width))
    square = cv2.copyMakeBorder(inside, *border, cv2.BORDER_REPLICATE)
    return _jpeg(np.asarray(cv2.resize(square, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA), np.uint8))


def image_thumbnail(path: Path, boxes: Sequence[Box], anonymise: Anonymiser | None = None) -> bytes:
    """A small JPEG file of an image file.

    Args:
        path: of the file.
        boxes: of its faces, in pixels.
        anonymise: applied first; None for not.

    Raises:
        SourceError: it cannot be read.
    """
    image = load_image(path)
    return _jpeg(reduced(anonymise(image, boxes) if anonymise else image, IMAGE_WIDTH))


def _jpeg(image: Image) -> bytes:
    return np.asarray(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1], np.uint8).tobytes()


def or_none(take: Callable[[], bytes]) -> bytes | None:
    """A thumbnail; None where its file cannot be read."""
    try:
        return take()
    except SourceError:
        return None
