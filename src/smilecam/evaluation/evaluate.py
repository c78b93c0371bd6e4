"""Evaluation of a model file on labelled images, with the crop and classifier of run time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from smilecam import provenance
from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import cut, face_crop, resize, square_in_box, squares_input
from smilecam.data.faces import STORED_SIZE, LabelledFace, content_digest, iter_faces
from smilecam.data.label_files import load_label_file
from smilecam.data.layouts import Layout
from smilecam.data.photos import are_photos, is_small_crop, largest_face, leaves_room
from smilecam.detection.registry import BUNDLED_DETECTOR, Use, detector_spec
from smilecam.errors import DataError
from smilecam.evaluation.metrics import HALF, Metrics, measure
from smilecam.evaluation.scored import Scored
from smilecam.evaluation.slices import measure_slices
from smilecam.presets import FER2013_TO_SMILES, WHOLE_BOX, CropGeometry, OperatingPoint
from smilecam.types import BoolArray, Box, GreyImage


class Boxes(Enum):
    """Part of a face that the images show."""

    AUTO = "auto"
    """By the data set: the framing of SMILES or of FER2013; in whole photos, the largest detected face."""

    HAAR = "haar"
    """Each image is a whole Haar box."""

    SMILES = "smiles"
    """Each image has the framing of SMILES."""

    FER2013 = "fer2013"
    """Each image has the framing of FER2013."""

    FIND = "find"
    """The face is somewhere in the image: the largest detected one is classified."""


class Crop(Enum):
    """Part of a box that is classified."""

    TRAINED = "trained"
    """The part with the framing of the training images, as at run time."""

    WHOLE = "whole"
    """The whole box, as in the well-known tutorial; for comparison."""


@dataclass(frozen=True)
class Evaluation:
    """Metrics with all their conditions.

    Attributes:
        metrics: at the requested operating point.
        thresholds: of that operating point first, then of the others; "at 0.5" last.
        scored: every face with its prediction.
        conditions: model, policy, data, crop, versions, commit and machine.
        face_crops: number of images that were taken as face crops.
        whole_photos: number of images in which faces were detected.
        without_face: number of images without a detected face; they count as not smiling.
        seen_in_training: whether the network was trained on this data set or a part of it.
        calibrated_on: whether the policy's calibration and thresholds come from this data set.
    """

    metrics: Metrics
    thresholds: dict[str, float]
    scored: Scored
    conditions: dict[str, Any]
    face_crops: int
    whole_photos: int
    without_face: int
    seen_in_training: bool
    calibrated_on: bool

    def as_dict(self) -> dict[str, Any]:
        """Everything but the faces, as plain values."""
        labels, probabilities = self.scored.labels, self.scored.probabilities
        points = {point: measure(labels, probabilities, at) for point, at in self.thresholds.items()}
        return {
            **dataclasses.asdict(self.metrics),
            "face_crops": self.face_crops,
            "whole_photos": self.whole_photos,
            "without_face": self.without_face,
            "seen_in_training": self.seen_in_training,
            "calibrated_on": self.calibrated_on,
            "operating_points": {point: dataclasses.asdict(metrics) for point, metrics in points.items()},
            "slices": [dataclasses.asdict(each) for each in measure_slices(self.scored)],
            **self.conditions,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Model and threshold.

    Attributes:
        model: name of a packaged model, or an ``.onnx`` file.
        policy: name of a policy, or None for the model's default.
        point: operating point.
        threshold: overrides the operating point's.
    """

    model: str | Path
    policy: str | None = None
    point: OperatingPoint = OperatingPoint.BALANCED
    threshold: float | None = None


def evaluate(decision: Decision, data: Path, boxes: Boxes, crop: Crop, labels: Path | None = None) -> Evaluation:
    """Classify every image of a data set, and compute the metrics.

    Args:
        decision: model, policy and threshold.
        data: a folder or archive of a known layout.
        boxes: part of a face that its images show.
        crop: part of the boxes that is classified.
        labels: label file to evaluate against, in place of the data set's own labels; images without a label there
            are not scored.

    Raises:
        ModelFileError: the model cannot be used.
        DataError: the data cannot be loaded, or the label file does not have both classes of it.
        UsageProblem: the threshold is not from 0 to 1, or the model has no such policy.
    """
    classifier = SmileClassifier(decision.model, decision.policy)
    thresholds = _thresholds(classifier, decision)
    label_file = None if labels is None else load_label_file(labels)
    layout, faces = iter_faces(data)
    lines: list[str] = []
    labelled = _collect_lines(faces, lines)
    if label_file is not None:
        labelled = label_file.relabel(labelled)
    rows, photos = _score(_Scorer(classifier, layout, boxes, crop), labelled)
    if len({row.label for row in rows}) < 2:
        raise DataError(f"label file {labels} does not name images of both classes in {data}")
    scored = _gather(rows, next(iter(thresholds.values())))
    digest = content_digest(lines)
    conditions = {
        "model": {"name": classifier.info.name, "version": classifier.info.version, "commit": classifier.info.commit},
        "policy": classifier.policy.name,
        "data": {"name": data.resolve().name, "layout": layout.name, "content_digest": digest},
        **({} if label_file is None else {"labels": {"name": label_file.path.name, "sha256": label_file.digest}}),
        "boxes": boxes.value,
        **({"detector": BUNDLED_DETECTOR} if photos else {}),
        "crop": crop.value,
        "commit": provenance.commit(),
        "machine": provenance.machine(),
        "versions": provenance.versions("numpy", "opencv-python-headless", "onnxruntime"),
    }
    return Evaluation(
        metrics=measure(scored.labels, scored.probabilities, next(iter(thresholds.values()))),
        thresholds=thresholds,
        scored=scored,
        conditions=conditions,
        face_crops=len(scored) - photos,
        whole_photos=photos,
        without_face=int((scored.sides == 0).sum()),
        seen_in_training=_was_trained_on(classifier, digest),
        calibrated_on=digest in classifier.policy.source,
    )


def _collect_lines(faces: Iterable[LabelledFace], lines: list[str]) -> Iterator[LabelledFace]:
    """The faces, whose digest lines are appended to ``lines``: with the data set's own labels."""
    for face in faces:
        lines.append(face.digest_line)
        yield face


def _thresholds(classifier: SmileClassifier, decision: Decision) -> dict[str, float]:
    """The requested threshold, by the name of its operating point or as "chosen", then the others."""
    policy = classifier.policy
    first = policy.threshold(decision.threshold, decision.point)
    name = decision.point.value if decision.threshold is None else "chosen"
    others = {point.value: policy.thresholds[point] for point in OperatingPoint}
    return {name: first} | others | {HALF: 0.5} | {name: first}


def _was_trained_on(classifier: SmileClassifier, digest: str) -> bool:
    # Independent of the description's format: a digest is too long to occur by chance.
    return digest in json.dumps(classifier.info.training)


class _Row(NamedTuple):
    name: str
    label: int
    probability: float
    image: GreyImage
    side: int


class _Scorer:
    """Classifies images as face crops or as whole photos."""

    def __init__(self, classifier: SmileClassifier, layout: Layout, boxes: Boxes, crop: Crop) -> None:
        self._classifier, self._layout, self._boxes, self._crop = classifier, layout, boxes, crop
        detector = detector_spec(BUNDLED_DETECTOR)
        self._detect = detector.make(Use.IMAGE)
        self._face_crop = face_crop(WHOLE_BOX) if crop is Crop.WHOLE else detector.crop(classifier.info)

    def may_be_photo(self, face: LabelledFace) -> bool:
        if self._boxes is not Boxes.AUTO:
            return self._boxes is Boxes.FIND
        return self._layout.photos and face.framing is None and not is_small_crop(face.grey)

    def is_photo(self, with_room: list[bool]) -> BoolArray:
        """Which of the images that may be photos are: ``with_room`` as ``are_photos`` takes it."""
        return np.full(len(with_room), True) if self._boxes is Boxes.FIND else are_photos(with_room)

    def as_crop(self, face: LabelledFace) -> _Row:
        whole = Box(0, 0, face.grey.shape[1], face.grey.shape[0])
        return self._row(face, square_in_box(whole, self._geometry(face)))

    def as_photo(self, face: LabelledFace) -> tuple[_Row, bool]:
        """Its row, and whether there is room around the face."""
        found = largest_face(self._detect, face.grey)
        if found is None:
            return _Row(face.name, face.label, 0.0, np.zeros((STORED_SIZE, STORED_SIZE), np.uint8), 0), False
        return self._row(face, self._face_crop(found)), leaves_room(found, face.grey)

    def _geometry(self, face: LabelledFace) -> CropGeometry:
        if self._crop is Crop.WHOLE:
            return WHOLE_BOX
        framings = {
            Boxes.AUTO: face.framing or self._layout.to_smiles,
            Boxes.SMILES: WHOLE_BOX,
            Boxes.FER2013: FER2013_TO_SMILES,
        }
        return framings.get(self._boxes) or self._classifier.info.crop_for(BUNDLED_DETECTOR)

    def _row(self, face: LabelledFace, square: Box) -> _Row:
        batch = squares_input(face.grey, [square], self._classifier.info.input)
        image = resize(cut(face.grey, square), STORED_SIZE)
        return _Row(face.name, face.label, float(self._classifier(batch)[0]), image, square.width)


def _score(scorer: _Scorer, faces: Iterable[LabelledFace]) -> tuple[list[_Row], int]:
    """Classify all images; those that may be photos in both ways, until all are known.

    Returns:
        A row for each image, and the number of whole photos.
    """
    rows, with_room = [], []
    photos: dict[int, _Row] = {}
    for number, face in enumerate(faces):
        if scorer.may_be_photo(face):
            photos[number], room = scorer.as_photo(face)
            with_room.append(room)
        rows.append(scorer.as_crop(face))
    are = scorer.is_photo(with_room)
    for (number, row), photo in zip(photos.items(), are, strict=True):
        if photo:
            rows[number] = row
    return rows, int(are.sum())


def _gather(rows: list[_Row], threshold: float) -> Scored:
    probabilities = np.array([row.probability for row in rows], np.float64)
    return Scored(
        names=tuple(row.name for row in rows),
        labels=np.array([row.label for row in rows], np.int64),
        probabilities=probabilities,
        smiling=probabilities >= threshold,
        images=np.stack([row.image for row in rows]),
        sides=np.array([row.side for row in rows], np.int64),
    )
