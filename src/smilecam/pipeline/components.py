"""The loaded parts of a detector, apart from the settings by which smiles are decided."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from smilecam.classification.batch import FaceClassifier
from smilecam.classification.classifier import DEFAULT_MODEL, SmileClassifier
from smilecam.detection.base import FaceDetector
from smilecam.detection.haar import IMAGE_DETECTION, VIDEO_DETECTION, HaarDetector, HaarSettings
from smilecam.errors import UsageProblem
from smilecam.tracking.offline import OfflineFaceFinder
from smilecam.tracking.online import BackgroundDetection, OnlineFaceFinder
from smilecam.tracking.smile_state import DecisionSettings


class Components:
    """A face detector and a classifier, loaded once. Threads may share them.

    Attributes:
        detector: name of the face detector.
        classifier: the network.
        classify_faces: gives probabilities for faces that have been found.
    """

    def __init__(
        self,
        classifier: SmileClassifier,
        detector: str,
        make_image_detector: Callable[[], FaceDetector],
        make_stream_detector: Callable[[], FaceDetector],
    ) -> None:
        """Put the parts together; see ``load_components``."""
        self.detector, self.classifier = detector, classifier
        self.classify_faces = FaceClassifier(classifier, classifier.info.crop_for("haar"))
        self._make_image_detector, self.stream_detector = make_image_detector, make_stream_detector
        self._of_thread = threading.local()
        self._background = BackgroundDetection(make_stream_detector)

    @property
    def image_detector(self) -> FaceDetector:
        """The face detector for single images, one for each thread that asks."""
        if not hasattr(self._of_thread, "detector"):
            self._of_thread.detector = self._make_image_detector()
        detector: FaceDetector = self._of_thread.detector
        return detector

    def online_finder(self) -> OnlineFaceFinder:
        """Finds the faces of one online stream; all of them share the thread for detection in whole frames."""
        return OnlineFaceFinder(self.stream_detector(), self._background)

    def offline_finder(self) -> OfflineFaceFinder:
        """Finds the faces of one recorded video."""
        return OfflineFaceFinder(self.stream_detector())

    def close(self) -> None:
        """End the thread that online streams share. Runs must have been closed."""
        self._background.close()


def load_components(
    model: str | Path = DEFAULT_MODEL,
    policy: str | None = None,
    detector: str = HaarDetector.name,
    detection_size: int | None = None,
    haar: HaarSettings | None = None,
) -> Components:
    """Load a model and a face detector.

    Args:
        model: a packaged model's name, or an ``.onnx`` file's path.
        policy: of the model; None for its first.
        detector: name of the face detector.
        detection_size: in place of the detector's own.
        haar: settings of the cascade.

    Raises:
        ModelFileError: the file of the model, or of the face detector, is missing or invalid.
        UsageProblem: there is no such policy or detector, or ``haar`` is given for another detector.
    """
    check_choice("face detector", detector, [HaarDetector.name, "yunet"])
    if haar is not None and detector != HaarDetector.name:
        raise UsageProblem(f"settings of the haar cascade say nothing about the face detector {detector}")
    make = _yunet_makers(detection_size) if detector == "yunet" else _haar_makers(detection_size, haar)
    return Components(SmileClassifier(model, policy), detector, *make)


def check_choice(what: str, chosen: str, known: list[str]) -> None:
    """Refuse what is not among ``known``.

    Raises:
        UsageProblem: it is not.
    """
    if chosen not in known:
        raise UsageProblem(f"no {what} {chosen!r}: choose {', '.join(known)}")


Maker = Callable[[], FaceDetector]


def _haar_makers(detection_size: int | None, haar: HaarSettings | None) -> tuple[Maker, Maker]:
    def maker(settings: HaarSettings) -> Maker:
        sized = replace(settings, detection_size=detection_size) if detection_size else settings
        return lambda: HaarDetector(sized)

    return maker(haar or IMAGE_DETECTION), maker(haar or VIDEO_DETECTION)


def _yunet_makers(detection_size: int | None) -> tuple[Maker, Maker]:
    from smilecam.detection import yunet
    from smilecam.detection.files import yunet_file

    def maker(settings: yunet.YuNetSettings) -> Maker:
        sized = replace(settings, detection_size=detection_size) if detection_size else settings
        detector = yunet.YuNetDetector(yunet_file(), sized)
        return lambda: detector

    return maker(yunet.IMAGE_DETECTION), maker(yunet.VIDEO_DETECTION)


@dataclass(frozen=True, slots=True)
class StreamSetup:
    """How the frames of a stream are to be processed. An online run takes another one from any frame on.

    Attributes:
        components: what finds faces and classifies them.
        threshold: probability around which smiles begin and end.
        decision: when smiles begin and end.
    """

    components: Components
    threshold: float
    decision: DecisionSettings
