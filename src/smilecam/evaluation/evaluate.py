"""Scoring a model file on labelled pictures, through the run time's own crop and network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from smilecam import provenance
from smilecam.config import FER2013_TO_SMILES, WHOLE_BOX, CropGeometry
from smilecam.data.faces import content_digest, read_faces
from smilecam.data.layouts import Layout
from smilecam.evaluation.metrics import Metrics, measure
from smilecam.types import Box, FloatArray, GreyPicture
from smilecam.vision.classify import SmileClassifier
from smilecam.vision.crop import network_input
from smilecam.vision.detect import PICTURE_SEARCH, HaarDetector


class Boxes(Enum):
    """What part of a face the pictures show."""

    AUTO = "auto"
    """What the data set's layout says: SMILES framing, or FER2013's."""

    HAAR = "haar"
    """Each picture is a whole Haar box."""

    SMILES = "smiles"
    """Each picture is cut like those of SMILES already."""

    FER2013 = "fer2013"
    """Each picture is cut like those of FER2013."""

    FIND = "find"
    """The face is somewhere in the picture: the largest one that the detector finds is read."""


class Crop(Enum):
    """Which part of a box goes to the network."""

    TRAINED = "trained"
    """The part that shows what the training pictures show, as at run time."""

    WHOLE = "whole"
    """All of it, as in the well-known tutorial; for comparison."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures with all their conditions.

    Attributes:
        metrics: the figures.
        conditions: model, data, crop, versions, commit and machine.
        without_face: pictures in which no face was found; they count as not smiling.
        seen_in_training: whether the network was trained on this data set or a part of it.
    """

    metrics: Metrics
    conditions: dict[str, Any]
    without_face: int
    seen_in_training: bool

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        remarks = {"without_face": self.without_face, "seen_in_training": self.seen_in_training}
        return {**dataclasses.asdict(self.metrics), **remarks, **self.conditions}


def evaluate(model: str | Path, data: Path, boxes: Boxes, crop: Crop, threshold: float | None = None) -> Evaluation:
    """Score every picture of a data set.

    Args:
        model: a packaged model's name, or an ``.onnx`` file.
        data: a folder or archive of a known layout.
        boxes: what its pictures show.
        crop: which part of the boxes to read.
        threshold: in place of the model's own.

    Raises:
        ModelFileError: the model cannot be used.
        DataError: the data cannot be read.
        UsageProblem: the threshold is not from 0 to 1.
    """
    classifier = SmileClassifier(model)
    operating_threshold = classifier.info.operating_threshold(threshold)
    layout, faces = read_faces(data)
    locate = _locator(boxes)
    geometry = _geometry(classifier, layout, boxes, crop)
    labels, scores, lines, without_face = [], [], [], 0
    for face in faces:
        box = locate(face.grey)
        without_face += box is None
        scores.append(_score(classifier, face.grey, box, geometry))
        labels.append(face.label)
        lines.append(face.digest_line)
    metrics = measure(
        np.array(labels, np.int64),
        np.array(scores, np.float64),
        operating_threshold,
    )
    conditions = {
        "model": {"name": classifier.info.name, "version": classifier.info.version, "commit": classifier.info.commit},
        "data": {"name": data.resolve().name, "layout": layout.name, "content_digest": content_digest(lines)},
        "boxes": boxes.value,
        "crop": crop.value,
        "commit": provenance.commit(),
        "machine": provenance.machine(),
        "versions": provenance.versions("numpy", "opencv-python-headless", "onnxruntime"),
    }
    return Evaluation(metrics, conditions, without_face, _was_trained_on(classifier, content_digest(lines)))


def _was_trained_on(classifier: SmileClassifier, digest: str) -> bool:
    sources = classifier.info.training.get("data", {}).get("sources", [])
    return any(source.get("content_digest") == digest for source in sources)


def _geometry(classifier: SmileClassifier, layout: Layout, boxes: Boxes, crop: Crop) -> CropGeometry:
    if crop is Crop.WHOLE:
        return WHOLE_BOX
    known = {Boxes.AUTO: layout.to_smiles, Boxes.SMILES: WHOLE_BOX, Boxes.FER2013: FER2013_TO_SMILES}
    return known[boxes] if boxes in known else classifier.info.crop_for(HaarDetector.name)


def _locator(boxes: Boxes) -> Callable[[GreyPicture], Box | None]:
    if boxes is not Boxes.FIND:
        return lambda grey: Box(0, 0, grey.shape[1], grey.shape[0])
    find = HaarDetector(PICTURE_SEARCH)

    def largest(grey: GreyPicture) -> Box | None:
        found = [face.box for face in find(grey)]
        return max(found, key=lambda box: box.width * box.height, default=None)

    return largest


def _score(classifier: SmileClassifier, grey: GreyPicture, box: Box | None, geometry: CropGeometry) -> float:
    if box is None:
        return 0.0
    batch: FloatArray = network_input(grey, [box], geometry, classifier.info.input)
    return float(classifier(batch)[0])
