"""The detector that programs use: an image or a stream in, faces and their smiles out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from smilecam.classification.classifier import DEFAULT_MODEL, SmileClassifier
from smilecam.detection.detector_settings import HaarSettings
from smilecam.detection.registry import DEFAULT_DETECTOR
from smilecam.errors import InvalidImage
from smilecam.pipeline.components import Components, StreamSetup, check_choice, load_components
from smilecam.pipeline.stages import Stage, Stages, Unmeasured
from smilecam.presets import OperatingPoint
from smilecam.results import FrameResult
from smilecam.sources.base import DEFAULT_OPTIONS, Kind, Source, SourceOptions
from smilecam.sources.frame import Frame
from smilecam.tracking.smile_state import DecisionSettings
from smilecam.types import Face, Image

if TYPE_CHECKING:
    from smilecam.pipeline.run import SourceRun
    from smilecam.pipeline.stream_item import StreamItem

IMAGES_AT_ONCE = 16
"""Images whose faces are classified together: more fill no larger batch, and take memory."""


class SmileDetector:
    """Finds faces and decides whether they smile.

    >>> with SmileDetector() as detector:
    ...     result = detector(image)
    ...     for item in detector.stream("clip.mp4"): ...

    Threads may share it: each stream has tracks and states of its own.

    Attributes:
        threshold: a probability that reaches it is called smiling; in a stream smiles begin and end around it.
        decision: when a smile begins and ends in a stream.
        components: the loaded networks, with ``components.classifier.info`` about the model.
        stages: to be set where the CPU time of each stage is to be added up; else None.
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
        every_frame: bool = False,
    ) -> None:
        """Load the networks.

        Args:
            model: a packaged model's name, or an ``.onnx`` file's path.
            threshold: probability of a smile, from 0 to 1; by default what the model file says for the operating point.
            haar: settings of the cascade, for images and streams; by default each has its own. With the detector
                "auto" they choose "haar".
            policy: what counts as a smile, one of the model's policies; by default its first.
            operating_point: "balanced", "accuracy" or "precision".
            decision: when a smile begins and ends in a stream.
            detector: name of the face detector: "haar", or "yunet", whose file ``smilecam models fetch yunet`` brings;
                "auto" is "yunet" where that file is, else "haar". ``components.detector`` tells which it became.
            detection_size: in pixels: faces are sought in the image reduced to this longer side; by default the
                detector's own. A larger one finds smaller faces, and takes longer.
            every_frame: whether a stream's faces are read in every frame. Otherwise a face that looks the same and is
                sure is read several times a second, and ``Face.interpolated`` tells where it was not.

        Raises:
            ModelFileError: the file of the model, or of the face detector, is missing or invalid.
            UsageProblem: the threshold is not from 0 to 1, there is no such policy, operating point or detector, or
                ``haar`` is given for another detector.
        """
        check_choice("operating point", operating_point, [point.value for point in OperatingPoint])
        self.components = load_components(model, policy, detector, detection_size, haar)
        self.threshold = self.classifier.policy.threshold(threshold, OperatingPoint(operating_point))
        self.decision = decision or DecisionSettings()
        self._every_frame = every_frame
        self.stages: Stages | None = None
        self._owns_components = True

    @classmethod
    def sharing(cls, components: Components, threshold: float, decision: DecisionSettings) -> Self:
        """A detector of parts that others use too; closing it leaves them open."""
        detector = cls.__new__(cls)
        detector.components, detector.threshold, detector.decision = components, threshold, decision
        detector._every_frame = detector._owns_components = False
        detector.stages = None
        return detector

    @property
    def classifier(self) -> SmileClassifier:
        """The network, with ``classifier.info`` about it."""
        return self.components.classifier

    @property
    def setup(self) -> StreamSetup:
        """How the frames of its streams are processed."""
        gate = self.components.gate
        return StreamSetup(self.components, self.threshold, self.decision, self._every_frame, self.stages, gate=gate)

    def __repr__(self) -> str:
        info = self.classifier.info
        return (
            f"SmileDetector(model={info.name!r}, version={info.version!r}, policy={self.classifier.policy.name!r}, "
            f"threshold={self.threshold:g}, detector={self.components.detector!r})"
        )

    def __call__(self, image: Image) -> FrameResult:
        """Find the faces of one image and decide which smile.

        Args:
            image: uint8 (height, width, 3) in blue-green-red order as OpenCV gives it, or (height, width) grey.

        Returns:
            The faces from left to right, boxes in pixels of ``image``. In a notebook it shows itself as an image.

        Raises:
            InvalidImage: it is not such an array.
        """
        (result,) = self.detect_many([image])
        return result

    def detect_many(self, images: Iterable[Image]) -> list[FrameResult]:
        """Find the faces of several images; their faces are classified together, which is quicker than one by one.

        Args:
            images: each as for a single call; they may differ in size.

        Returns:
            A result for each image, in order.

        Raises:
            InvalidImage: one is not such an array.
        """
        results: list[FrameResult] = []
        waiting = iter(images)
        while batch := list(islice(waiting, IMAGES_AT_ONCE)):
            for image in batch:
                check_image(image)
            frames = [Frame(0, None, image) for image in batch]
            found = self._detect_frames(frames)
            results += [FrameResult("", 0, None, faces, image=image) for faces, image in zip(found, batch, strict=True)]
        return results

    def stream(
        self, source: str | Path | int, options: SourceOptions = DEFAULT_OPTIONS
    ) -> Generator[StreamItem, None, None]:
        """Read a video, a camera, a live stream or an image frame by frame.

        Of a live source each item is of the newest frame; a recorded video gives every frame, as fast as they are
        taken. Events between frames (a source lost, the end of a smile with the stream) come as items without a frame.

        Args:
            source: what ``smilecam detect`` takes: a file's path, an address, or the index of a camera.
            options: how the source is opened.

        Yields:
            An item for each frame, with its faces and events; and items with events alone.

        Raises:
            SourceError: it cannot be opened, or fails later.
        """
        from smilecam.sources.open import open_source
        from smilecam.sources.resolve import single_source

        with open_source(single_source(source), options) as opened, self.run(opened) as run:
            yield from run

    def run(self, source: Source, *, keep_images: bool = True, threads: bool = True) -> SourceRun:
        """Read an open source: iterate what is returned, and close it.

        Args:
            source: open.
            keep_images: whether the items of a recorded video have the pixels of their frames.
            threads: whether a recorded video is decoded and its faces are found in threads beside the caller's.
        """
        # Not imported with this module: a program that reads one photo starts sooner.
        from smilecam.pipeline.run import ImageRun, OfflineRun

        if source.ref.kind is Kind.IMAGE:
            return ImageRun(source, self._detect_image)
        setup = self.setup
        if not source.live:
            return OfflineRun(source, setup, keep_images=keep_images, threads=threads)
        from smilecam.pipeline.online_run import OnlineSourceRun

        return OnlineSourceRun(source, lambda: setup)

    def close(self) -> None:
        """End the thread that online streams share. Streams that are being read must have been closed."""
        if self._owns_components:
            self.components.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _detect_image(self, frame: Frame, source: str) -> FrameResult:
        (faces,) = self._detect_frames([frame])
        return FrameResult(source, frame.number, frame.time, faces)

    def _detect_frames(self, frames: Sequence[Frame]) -> list[tuple[Face, ...]]:
        """The faces of single frames, without regard to each other."""
        stages, detect = self.stages or Unmeasured(), self.components.image_detector()
        with stages.measure(Stage.DECODE):
            greys = [frame.grey for frame in frames]
        with stages.measure(Stage.DETECT):
            found = [(grey, detect(grey)) for grey in greys]
        with stages.measure(Stage.READ):
            smiles = self.components.classify_faces(found)
        stages.count(len(frames))
        return [
            tuple(
                Face(face.box, face.confidence, smile, smile >= self.threshold)
                for face, smile in zip(faces, of_image, strict=True)
            )
            for (_, faces), of_image in zip(found, smiles, strict=True)
        ]


def check_image(image: Image) -> None:
    """Refuse what is no image: uint8 (height, width, 3) or (height, width).

    Raises:
        InvalidImage: it is none; where another form of image is known, the error names the line that converts it.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InvalidImage(f"an image is a uint8 array, not {kind}{_conversion(image)}")
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise InvalidImage(f"an image has the shape (height, width, 3) or (height, width), not {image.shape}")


def _conversion(image: object) -> str:
    """The line that makes an image of what was given, where that is known."""
    if isinstance(image, str | Path):
        return ": pass smilecam.load_image(path)"
    if type(image).__module__.partition(".")[0] == "PIL":
        return ': pass numpy.asarray(image.convert("RGB"))[..., ::-1]'
    if type(image).__module__.partition(".")[0] == "torch":
        return ": pass image.cpu().numpy(), (height, width, 3) in blue-green-red order"
    return ""
