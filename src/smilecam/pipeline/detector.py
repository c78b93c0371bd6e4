"""The parts put together: a picture or a stream in, faces and their smiles out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from smilecam.classification.batch import FaceClassifier
from smilecam.classification.classifier import DEFAULT_MODEL, SmileClassifier
from smilecam.detection.base import FaceDetector
from smilecam.detection.detector_settings import HaarSettings
from smilecam.detection.registry import DEFAULT_DETECTOR, Use, detector_spec
from smilecam.errors import InvalidImage, SourceEmpty, UsageProblem
from smilecam.pipeline.run import ImageRun, OfflineRun, OnlineRun, StreamRun
from smilecam.presets import OperatingPoint
from smilecam.sources.base import Kind, Source
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.sources.resolve import camera_ref, find_sources
from smilecam.tracking.faces import FaceTracks
from smilecam.tracking.offline import OfflineFaceFinder
from smilecam.tracking.online import BackgroundDetection, OnlineFaceFinder
from smilecam.tracking.smile_state import DecisionSettings
from smilecam.types import Event, Face, FrameResult, Image


class SmileDetector:
    """Finds faces and reads whether they smile.

    >>> detector = SmileDetector()
    >>> result = detector(image)
    >>> for result in detector.stream("clip.mp4"): ...

    Threads may share it: each stream is followed by itself.

    Attributes:
        threshold: a probability that reaches it is called smiling; in a stream smiles begin and end around it.
        decision: when a smile begins and ends in a stream.
        classifier: the network, with ``classifier.info`` about it.
        classify_faces: reads faces that have been found.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        threshold: float | None = None,
        haar: HaarSettings | None = None,
        policy: str | None = None,
        operating_point: str = OperatingPoint.BALANCED.value,
        decision: DecisionSettings | None = None,
        detector: str = DEFAULT_DETECTOR,
        detection_size: int | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: a packaged model's name, or an ``.onnx`` file's path.
            threshold: from 0 to 1; by default what the model file says for the operating point.
            haar: how the cascade searches for faces; by default ``HAAR_FOR_IMAGES`` when called with a picture, and
                ``HAAR_FOR_STREAMS`` for streams.
            policy: what counts as a smile, one of the model's policies; by default its first.
            operating_point: "balanced", "accuracy" or "precision".
            decision: when a smile begins and ends in a stream.
            detector: what finds faces: "haar", or "yunet", whose file ``smilecam models fetch yunet`` brings.
            detection_size: in place of the detector's own: faces are sought in the image reduced to this longer side.

        Raises:
            ModelFileError: the file of the model, or of the face detector, is missing or invalid.
            UsageProblem: the threshold is not from 0 to 1, or there is no such policy, operating point or detector.
        """
        check_choice("operating point", operating_point, [point.value for point in OperatingPoint])
        spec = detector_spec(detector)
        spec.check_settings(haar)
        self.classifier = SmileClassifier(model, policy)
        self.threshold = self.classifier.policy.threshold(threshold, OperatingPoint(operating_point))
        self.decision = decision or DecisionSettings()
        self._image_detector = spec.per_thread(Use.IMAGE, detection_size, haar)
        self._make_stream_detector = spec.factory(Use.STREAM, detection_size, haar)
        self.classify_faces = FaceClassifier(self.classifier, spec.crop(self.classifier.info))
        self._background = BackgroundDetection(self.stream_detector)

    def __call__(self, image: Image) -> FrameResult:
        """Read one picture.

        Args:
            image: uint8 (height, width, 3) in blue-green-red order as OpenCV gives it, or (height, width) grey.

        Returns:
            The faces from left to right, boxes in pixels of ``image``.

        Raises:
            InvalidImage: it is not such an array.
        """
        check_image(image)
        return self._read_picture(Frame(0, None, image), "")

    def stream(self, source: str | Path | int) -> Iterator[FrameResult]:
        """Read a video, a camera, a live stream or a picture frame by frame.

        Of a live source each result is of the newest frame; a film gives every frame, as fast as they are taken.

        Args:
            source: what ``smilecam detect`` takes: a file's path, an address, or the index of a camera.

        Raises:
            SourceError: it cannot be opened.
        """
        refs = [camera_ref(source)] if isinstance(source, int) else find_sources(source)
        if len(refs) != 1:
            raise SourceEmpty(f"{source} is not one picture, video or camera")
        with open_source(refs[0]) as opened, closing(self.reading(opened)) as reading:
            for item in reading:
                if not isinstance(item, Event):
                    yield item[1]

    def reading(self, source: Source) -> StreamRun:
        """Read an open source: iterate what is returned, and close it."""
        if source.ref.kind is Kind.IMAGE:
            return ImageRun(source, self._read_picture)
        tracks = FaceTracks(source.ref.name, self.threshold, self.decision)
        if source.live:
            return OnlineRun(source, tracks, self.online_finder(), self.classify_faces)
        return OfflineRun(source, tracks, OfflineFaceFinder(self.stream_detector()), self.classify_faces)

    def close(self) -> None:
        """End the thread that live streams share. Streams that are being read must have been closed."""
        self._background.close()

    def online_finder(self) -> OnlineFaceFinder:
        """Finds the faces of one live stream; all of them share the thread for whole searches."""
        return OnlineFaceFinder(self.stream_detector(), self._background)

    def stream_detector(self) -> FaceDetector:
        """A face detector for streams, for one thread."""
        return self._make_stream_detector()

    def _read_picture(self, frame: Frame, source: str) -> FrameResult:
        grey = frame.grey
        found = self._image_detector()(grey)
        (smiles,) = self.classify_faces([(grey, found)])
        faces = tuple(
            Face(face.box, face.confidence, smile, smile >= self.threshold)
            for face, smile in zip(found, smiles, strict=True)
        )
        return FrameResult(source, frame.number, frame.time, faces)


def check_choice(what: str, chosen: str, known: list[str]) -> None:
    """Refuse what is not among ``known``.

    Raises:
        UsageProblem: it is not.
    """
    if chosen not in known:
        raise UsageProblem(f"no {what} {chosen!r}: choose {', '.join(known)}")


def check_image(image: Image) -> None:
    """Refuse what is no picture: uint8 (height, width, 3) or (height, width).

    Raises:
        InvalidImage: it is none.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InvalidImage(f"a picture is a uint8 array, not {kind}")
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise InvalidImage(f"a picture has the shape (height, width, 3) or (height, width), not {image.shape}")
