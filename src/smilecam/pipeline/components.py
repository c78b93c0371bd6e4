"""The loaded parts of a detector, apart from the settings by which smiles are decided."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smilecam.classification.batch import FaceClassifier
from smilecam.classification.classifier import DEFAULT_MODEL, SmileClassifier
from smilecam.detection.base import FaceDetector
from smilecam.detection.detector_settings import DetectorSettings
from smilecam.detection.registry import DEFAULT_DETECTOR, DetectorSpec, Use, resolve_detector
from smilecam.errors import UsageProblem
from smilecam.pipeline.fair_gate import FairGate
from smilecam.pipeline.stages import MeasuredDetector, Stages
from smilecam.tracking.smile_state import DecisionSettings

if TYPE_CHECKING:
    from smilecam.tracking.background import BackgroundDetection
    from smilecam.tracking.offline import OfflineFaceFinder
    from smilecam.tracking.online import OnlineFaceFinder


class Components:
    """A face detector and a classifier, loaded once. Threads may share them.

    Attributes:
        detector: name of the face detector, never "auto".
        classifier: the network.
        classify_faces: gives probabilities for faces that this detector found.
        gate: for the frames of online streams, as many at a time as there are cores.
    """

    def __init__(
        self,
        classifier: SmileClassifier,
        spec: DetectorSpec,
        detection_size: int | None = None,
        settings: DetectorSettings | None = None,
    ) -> None:
        """Put the parts together; ``load_components`` loads them first.

        Raises:
            ModelFileError: the file of the face detector is missing or damaged, or the model has no crop for it.
            UsageProblem: the settings are another detector's.
        """
        self.detector, self.classifier = spec.name, classifier
        self._image_detector = spec.per_thread(Use.IMAGE, detection_size, settings)
        self._stream_detector = spec.factory(Use.STREAM, detection_size, settings)
        self.classify_faces = FaceClassifier(classifier, spec.crop(classifier.info))
        self._thorough_detector = spec.thorough_factory(self._stream_detector, detection_size, settings)
        self.gate = FairGate()
        self._background: BackgroundDetection | None = None
        self._lock = threading.Lock()

    def image_detector(self) -> FaceDetector:
        """The face detector for single images in the calling thread."""
        return self._image_detector()

    def stream_detector(self) -> FaceDetector:
        """A face detector for one more stream."""
        return self._stream_detector()

    def online_finder(self, stages: Stages | None = None, max_faces: int | None = None) -> OnlineFaceFinder:
        """Finds the faces of one online stream; all of them share the thread for detection in whole frames.

        Args:
            stages: add up the CPU time of re-detection; None for nobody.
            max_faces: that it follows at a time; None for all.
        """
        # What only streams need is imported with the first of them: a program that reads one photo starts sooner.
        from smilecam.tracking.background import BackgroundDetection
        from smilecam.tracking.online import OnlineFaceFinder

        with self._lock:
            if self._background is None:
                self._background = BackgroundDetection(self._stream_detector, self._thorough_detector)
        detector = _measured(self.stream_detector(), stages)
        return OnlineFaceFinder(detector, self._background, max_faces=max_faces)

    def offline_finder(self, stages: Stages | None = None) -> OfflineFaceFinder:
        """Finds the faces of one recorded video."""
        from smilecam.tracking.offline import OfflineFaceFinder

        thorough = _measured(self._thorough_detector(), stages)
        return OfflineFaceFinder(_measured(self.stream_detector(), stages), thorough=thorough)

    def close(self) -> None:
        """End the thread that online streams share. Runs must have been closed."""
        if self._background is not None:
            self._background.close()


def _measured(detector: FaceDetector, stages: Stages | None) -> FaceDetector:
    return detector if stages is None else MeasuredDetector(detector, stages)


def load_components(
    model: str | Path = DEFAULT_MODEL,
    policy: str | None = None,
    detector: str = DEFAULT_DETECTOR,
    detection_size: int | None = None,
    settings: DetectorSettings | None = None,
) -> Components:
    """Load a model and a face detector.

    Args:
        model: a packaged model's name, or an ``.onnx`` file's path.
        policy: of the model; None for its first.
        detector: name of the face detector; "auto" for what ``resolve_detector`` makes of it.
        detection_size: longer side of the reduced image in pixels; None for the detector's own.
        settings: of the face detector, for images and streams; None for its own for each.

    Raises:
        ModelFileError: the file of the model, or of the face detector, is missing or invalid.
        UsageProblem: there is no such policy or detector, or the settings are another detector's.
    """
    spec = resolve_detector(detector, settings).spec
    spec.check_settings(settings)
    return Components(SmileClassifier(model, policy), spec, detection_size, settings)


def check_choice(what: str, chosen: str, known: list[str]) -> None:
    """Refuse what is not among ``known``.

    Raises:
        UsageProblem: it is not.
    """
    if chosen not in known:
        raise UsageProblem(f"no {what} {chosen!r}: choose {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class StreamSetup:
    """How the frames of a stream are to be processed. An online run takes another one from any frame on.

    Attributes:
        components: what finds faces and classifies them.
        threshold: probability around which smiles begin and end.
        decision: when smiles begin and end.
        every_frame: whether every face is read in every frame, also where nothing can have changed.
        stages: adds up the CPU time of each stage; None where nobody asks for it.
        max_faces: that an online stream follows at a time; None for all.
        gate: through which the frames of an online stream pass; None where something else gives them their turns.
    """

    components: Components
    threshold: float
    decision: DecisionSettings
    every_frame: bool = False
    stages: Stages | None = None
    max_faces: int | None = None
    gate: FairGate | None = None
