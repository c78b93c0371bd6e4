"""Classification of detected faces: crop, normalise, and one call of the network for the faces of several images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import FaceCrop, squares_input
from smilecam.types import DetectedFace, FloatArray, GreyPixels

MAX_BATCH = 64
"""Faces in one call of the network: more are not faster, and take memory."""


class FaceClassifier:
    """Gives probabilities of a smile for the faces of one or several images. Threads may share it."""

    def __init__(self, classifier: SmileClassifier, crop: FaceCrop) -> None:
        """Prepare.

        Args:
            classifier: the network.
            crop: of the detector that finds the faces: ``DetectorSpec.crop(classifier.info)``.
        """
        self._classifier, self._crop = classifier, crop

    def __call__(self, images: Sequence[tuple[GreyPixels, Sequence[DetectedFace]]]) -> list[list[float]]:
        """Classify faces.

        Args:
            images: each uint8 (height, width), with its faces in its pixels.

        Returns:
            For each image the probability of a smile for each face, 0 to 1.
        """
        smiles = iter(self.classify(self.inputs(images)))
        return [[next(smiles) for _ in faces] for _, faces in images]

    def inputs(self, images: Sequence[tuple[GreyPixels, Sequence[DetectedFace]]]) -> FloatArray:
        """The network's inputs for faces, float32 (faces, 1, size, size); the arguments are those of a call."""
        spec = self._classifier.info.input
        batches = [squares_input(grey, [self._crop(face) for face in faces], spec) for grey, faces in images]
        return np.concatenate(batches) if batches else np.empty((0, 1, spec.size, spec.size), np.float32)

    def classify(self, inputs: FloatArray) -> list[float]:
        """The probability of a smile, 0 to 1, for each of what ``inputs`` gives."""
        chunks = [self._classifier(inputs[at : at + MAX_BATCH]) for at in range(0, len(inputs), MAX_BATCH)]
        smiles: list[float] = np.concatenate(chunks).tolist() if chunks else []
        return smiles
