"""The parts put together: a picture in, its faces and their smiles out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from smilecam.config import OperatingPoint
from smilecam.errors import InvalidImage, SourceEmpty, UsageProblem
from smilecam.opencv import cv2
from smilecam.types import Face, FrameResult, GreyPicture, Picture
from smilecam.video.sources import Frame, Kind, Source, camera_ref, find_sources, open_source
from smilecam.vision.classify import DEFAULT_MODEL, SmileClassifier
from smilecam.vision.crop import network_input
from smilecam.vision.detect import PICTURE_SEARCH, VIDEO_SEARCH, HaarDetector, HaarSettings


class SmileDetector:
    """Finds faces and reads whether they smile.

    >>> detector = SmileDetector()
    >>> result = detector(image)
    >>> for result in detector.stream("clip.mp4"): ...

    One detector serves one thread; make one for each.

    Attributes:
        threshold: a probability that reaches it is called smiling.
        classifier: the network, with ``classifier.info`` about it.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        threshold: float | None = None,
        haar: HaarSettings | None = None,
        policy: str | None = None,
        operating_point: str = OperatingPoint.BALANCED.value,
    ) -> None:
        """Load a model and the face detector.

        Args:
            model: a packaged model's name, or an ``.onnx`` file's path.
            threshold: from 0 to 1; by default what the model file says for the operating point.
            haar: how to search for faces; by default ``PICTURE_SEARCH`` when called with a picture, and
                ``VIDEO_SEARCH`` for videos and cameras.
            policy: what counts as a smile, one of the model's policies; by default its first.
            operating_point: "balanced", "accuracy" or "precision".

        Raises:
            ModelFileError: the model file is missing or invalid.
            UsageProblem: the threshold is not from 0 to 1, or there is no such policy or operating point.
        """
        known = [point.value for point in OperatingPoint]
        if operating_point not in known:
            raise UsageProblem(f"no operating point {operating_point!r}: choose {', '.join(known)}")
        self.classifier = SmileClassifier(model, policy)
        self.threshold = self.classifier.policy.threshold(threshold, OperatingPoint(operating_point))
        self._find_faces = HaarDetector()
        self._in_pictures, self._in_videos = haar or PICTURE_SEARCH, haar or VIDEO_SEARCH
        self._crop = self.classifier.info.crop_for(HaarDetector.name)

    def __call__(self, image: Picture) -> FrameResult:
        """Read one picture.

        Args:
            image: uint8 (height, width, 3) in blue-green-red order as OpenCV gives it, or (height, width) grey.

        Returns:
            The faces from left to right, boxes in pixels of ``image``.

        Raises:
            InvalidImage: it is not such an array.
        """
        return self._read(Frame(0, None, image), "", self._in_pictures)

    def stream(self, source: str | Path | int) -> Iterator[FrameResult]:
        """Read a video, a camera or a picture frame by frame, as fast as the results are taken.

        Args:
            source: a file's path, or the index of a camera.

        Raises:
            SourceError: it cannot be opened.
        """
        refs = [camera_ref(source)] if isinstance(source, int) else find_sources(source)
        if len(refs) != 1:
            raise SourceEmpty(f"{source} is not one picture, video or camera")
        with open_source(refs[0]) as opened:
            for _, result in self.analyze(opened):
                yield result

    def analyze(self, source: Source) -> Iterator[tuple[Frame, FrameResult]]:
        """Read every frame of an open source, and give it back with what was seen in it."""
        search = self._in_pictures if source.ref.kind is Kind.PICTURE else self._in_videos
        for frame in source:
            yield frame, self._read(frame, source.ref.name, search)

    def _read(self, frame: Frame, source: str, search: HaarSettings) -> FrameResult:
        grey = to_grey(frame.image)
        found = self._find_faces(grey, search)
        batch = network_input(grey, [face.box for face in found], self._crop, self.classifier.info.input)
        smiles = self.classifier(batch).tolist()
        faces = tuple(
            Face(face.box, face.confidence, smile, smile >= self.threshold)
            for face, smile in zip(found, smiles, strict=True)
        )
        return FrameResult(source, frame.number, frame.time, faces)


def to_grey(image: Picture) -> GreyPicture:
    """The grey version of a picture.

    Args:
        image: uint8 (height, width, 3) blue-green-red, or (height, width).

    Raises:
        InvalidImage: anything else.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InvalidImage(f"a picture is a uint8 array, not {kind}")
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise InvalidImage(f"a picture has the shape (height, width, 3) or (height, width), not {image.shape}")
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
