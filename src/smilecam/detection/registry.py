"""Every face detector by its name: settings, crop, thread safety and file. Elsewhere no detector is named.

"auto" is no detector but a choice among them: ``resolve_detector`` makes it.

A new detector is one entry of ``DETECTORS``; the contract test (tests/detection/test_detector_contract.py) then holds
it to what the others promise. Importing this module loads neither OpenCV nor ONNX Runtime, so that the command line can
list the detectors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from smilecam.detection.detector_settings import (
    HAAR_FOR_IMAGES,
    HAAR_FOR_STREAMS,
    HAAR_THOROUGH,
    YUNET_FOR_IMAGES,
    YUNET_FOR_STREAMS,
    DetectorSettings,
)
from smilecam.detection.files import YUNET_FILE, DetectorFile
from smilecam.errors import UsageProblem
from smilecam.presets import HAAR_TO_SMILES, WHOLE_BOX, YUNET_TO_SMILES, CropGeometry, LandmarkGeometry

if TYPE_CHECKING:
    from smilecam.classification.crop import FaceCrop
    from smilecam.classification.model_info import ModelInfo
    from smilecam.detection.base import FaceDetector


class Use(Enum):
    """What a detector is for."""

    IMAGE = "image"
    """Single images: faces of a group can be small, and a second of work is no matter."""

    STREAM = "stream"
    """Videos, cameras and live streams: every frame counts."""

    THOROUGH = "thorough"
    """A stream while nobody is known in it: there is time to detect more thoroughly."""


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """One face detector.

    Attributes:
        name: what users call it; also the key of its crop in a model file.
        help: one line for the help of ``--detector``.
        settings: its defaults for each use.
        build: makes one with given settings.
        landmark_crop: the square around its landmarks that goes to the network; None where the model file gives a
            crop of its boxes.
        box_crop: for a detector without ``landmark_crop``, from its boxes to the framing of the training images.
        thread_safe: whether several threads may use one instance at a time.
        file: what it needs beside the installed packages; None for nothing.
        origin: where it comes from, for a detector without a file.
        title: what sentences call it, where that is not its name.
        misses: faces that it tends to miss and the preferred detector finds, as in "misses small ones"; empty for none.
    """

    name: str
    help: str
    settings: Mapping[Use, DetectorSettings]
    build: Callable[[Any], FaceDetector]
    landmark_crop: LandmarkGeometry | None
    thread_safe: bool
    file: DetectorFile | None = None
    origin: str = ""
    title: str = ""
    misses: str = ""
    box_crop: CropGeometry = WHOLE_BOX

    def make(
        self, use: Use, detection_size: int | None = None, settings: DetectorSettings | None = None
    ) -> FaceDetector:
        """Make a detector.

        Args:
            use: chooses the defaults.
            detection_size: longer side of the reduced image in pixels, for this detector's own default.
            settings: for all other defaults.

        Raises:
            ModelFileError: its file is missing or damaged.
            UsageProblem: the settings are another detector's.
        """
        self.check_settings(settings)
        chosen = settings or self.settings[use]
        return self.build(replace(chosen, detection_size=detection_size) if detection_size else chosen)

    def factory(
        self, use: Use, detection_size: int | None = None, settings: DetectorSettings | None = None
    ) -> Callable[[], FaceDetector]:
        """A function that returns a detector for one more stream: the same one where threads may share it, else new.

        The arguments and errors are those of ``make``; settings and file are checked here already.
        """
        if self.thread_safe:
            shared = self.make(use, detection_size, settings)
            return lambda: shared
        self.check_settings(settings)
        self.check_file()
        return lambda: self.make(use, detection_size, settings)

    def thorough_factory(
        self, stream: Callable[[], FaceDetector], detection_size: int | None, settings: DetectorSettings | None
    ) -> Callable[[], FaceDetector]:
        """A function like that of ``factory``, for ``Use.THOROUGH``.

        Args:
            stream: the function for streams, given back where thorough detectors are no others.
            detection_size: as for ``make``.
            settings: as for ``make``; chosen ones count for thorough ones, too.
        """
        if settings is not None or self.settings[Use.THOROUGH] == self.settings[Use.STREAM]:
            return stream
        return self.factory(Use.THOROUGH, detection_size)

    def per_thread(
        self, use: Use, detection_size: int | None = None, settings: DetectorSettings | None = None
    ) -> Callable[[], FaceDetector]:
        """A function that returns the detector of the calling thread.

        Not for a detector that is handed to another thread: ``factory`` is. The arguments and errors are those of
        ``make``.
        """
        make, local = self.factory(use, detection_size, settings), threading.local()

        def of_thread() -> FaceDetector:
            if not hasattr(local, "detector"):
                local.detector = make()
            detector: FaceDetector = local.detector
            return detector

        return of_thread

    def check_settings(self, settings: DetectorSettings | None) -> None:
        """Refuse settings of another detector, which would have no effect.

        Raises:
            UsageProblem: they are.
        """
        own = type(self.settings[Use.STREAM])
        if settings is not None and not isinstance(settings, own):
            raise UsageProblem(
                f"the face detector {self.name} takes {own.__name__}, not {type(settings).__name__}: "
                "leave the settings out, or choose their detector"
            )

    def check_file(self) -> None:
        """Refuse to start without the file that the detector needs.

        Raises:
            ModelFileError: it is missing or damaged; the message names the command that fetches it.
        """
        if self.file is not None:
            self.file.load()

    def is_available(self) -> bool:
        """Whether the detector can be used now: it needs no file, or its file is there and verified."""
        return self.file is None or self.file.is_verified()

    def state(self) -> str:
        """For a list of detectors: where it comes from, or what is missing and the command that fetches it."""
        return self.origin if self.file is None else self.file.state()

    def crop(self, info: ModelInfo) -> FaceCrop:
        """How this detector's faces are cropped for a network.

        Args:
            info: of the network.

        Returns:
            The square of a face, in pixels of its image; it may leave the image.

        Raises:
            ModelFileError: the model has no crop for this detector.
        """
        from smilecam.classification.crop import face_crop

        return face_crop(self.landmark_crop or info.crop_for(self.name))

    @property
    def to_smiles(self) -> CropGeometry | LandmarkGeometry:
        """From this detector's faces to the framing of the training images."""
        return self.landmark_crop or self.box_crop


def _make_haar(settings: Any) -> FaceDetector:  # noqa: ANN401 - checked by make
    from smilecam.detection.haar import HaarDetector

    return HaarDetector(settings)


def _make_yunet(settings: Any) -> FaceDetector:  # noqa: ANN401 - checked by make
    from smilecam.detection.yunet import YuNetDetector

    return YuNetDetector(YUNET_FILE.load(), settings)


AUTO = "auto"
"""Stands for the preferred detector where its verified file is, else for the bundled one."""

DEFAULT_DETECTOR = AUTO

BUNDLED_DETECTOR = "haar"
"""Needs no file. Also the one whose boxes the packaged models' crop and the published figures are about."""

PREFERRED_DETECTOR = YUNET_FILE.detector

DETECTORS: Mapping[str, DetectorSpec] = {
    spec.name: spec
    for spec in (
        DetectorSpec(
            name=BUNDLED_DETECTOR,
            help="OpenCV's Haar cascade, for frontal faces",
            settings={Use.IMAGE: HAAR_FOR_IMAGES, Use.STREAM: HAAR_FOR_STREAMS, Use.THOROUGH: HAAR_THOROUGH},
            build=_make_haar,
            landmark_crop=None,
            box_crop=HAAR_TO_SMILES,
            thread_safe=False,  # the cascade keeps buffers
            origin="comes with OpenCV",
            title="the Haar cascade",
            misses="small, turned and tilted ones",
        ),
        DetectorSpec(
            name=PREFERRED_DETECTOR,
            help="a network that also finds small, turned and tilted faces",
            settings={Use.IMAGE: YUNET_FOR_IMAGES, Use.STREAM: YUNET_FOR_STREAMS, Use.THOROUGH: YUNET_FOR_STREAMS},
            build=_make_yunet,
            landmark_crop=YUNET_TO_SMILES,
            thread_safe=True,
            file=YUNET_FILE,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class ResolvedDetector:
    """The face detector that a name stands for.

    Attributes:
        spec: the detector.
        fallback: where "auto" could not have the preferred detector, a line with the reason, what that detector would
            find, and the command that brings its file; else empty.
    """

    spec: DetectorSpec
    fallback: str = ""


def resolve_detector(name: str = AUTO, settings: DetectorSettings | None = None) -> ResolvedDetector:
    """Choose the face detector that a name stands for.

    Args:
        name: of a detector, or "auto".
        settings: of a detector, given with the name; with "auto" they choose their detector.

    Raises:
        UsageProblem: there is no detector of this name.
    """
    if name != AUTO:
        return ResolvedDetector(detector_spec(name))
    if settings is not None:
        own = (spec for spec in DETECTORS.values() if isinstance(settings, type(spec.settings[Use.STREAM])))
        return ResolvedDetector(next(own, DETECTORS[BUNDLED_DETECTOR]))
    preferred, bundled = DETECTORS[PREFERRED_DETECTOR], DETECTORS[BUNDLED_DETECTOR]
    if preferred.file is None or preferred.file.is_verified():
        return ResolvedDetector(preferred)
    damage, fetch = preferred.file.damage(), preferred.file.fetch_command
    if damage:
        return ResolvedDetector(bundled, f"{damage}: faces by {bundled.title}; {fetch} replaces the file")
    return ResolvedDetector(bundled, f"faces by {bundled.title}; {fetch} adds {bundled.misses}")


def detector_names() -> list[str]:
    """What an option that chooses a face detector takes, the default first."""
    return [AUTO, *DETECTORS]


def available_detectors() -> list[str]:
    """Names of the face detectors that can be used now."""
    return [spec.name for spec in DETECTORS.values() if spec.is_available()]


def detector_spec(name: str) -> DetectorSpec:
    """A face detector by its name.

    Raises:
        UsageProblem: there is none of this name.
    """
    if name not in DETECTORS:
        raise UsageProblem(f"no face detector {name!r}: choose {', '.join(detector_names())}")
    return DETECTORS[name]


def detector_help() -> str:
    """Help of an option that chooses a detector."""
    described = (
        f"{spec.name}, {spec.help}{f' ({spec.file.fetch_command} downloads it)' if spec.file else ''}"
        for spec in DETECTORS.values()
    )
    auto = f"{AUTO}, {PREFERRED_DETECTOR} where its file is and {BUNDLED_DETECTOR} otherwise"
    return f"Face detector: {'; '.join((auto, *described))}."


def detection_size_help() -> str:
    """Help of an option that sets ``DetectorSettings.detection_size``."""
    defaults = "; ".join(
        f"{spec.name} {spec.settings[Use.IMAGE].detection_size} for images and "
        f"{spec.settings[Use.STREAM].detection_size} for streams"
        for spec in DETECTORS.values()
    )
    return (
        "Longer side, in pixels, to which images are reduced for face detection; larger finds smaller faces and is "
        f"slower. Default: {defaults}."
    )
