"""Reading the smiles of faces that have been found: cut, normalise, and one call of the network for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import square_of_face, squares_input
from smilecam.presets import YUNET_TO_SMILES, CropGeometry
from smilecam.types import DetectedFace, GreyImage

LARGEST_BATCH = 64
"""Faces in one call: more are not read faster, and take memory."""


class FaceClassifier:
    """Gives probabilities of a smile for faces of one or several pictures. Threads may share it."""

    def __init__(self, classifier: SmileClassifier, crop: CropGeometry) -> None:
        """Keep a network, and the crop that fits the boxes of faces without landmarks."""
        self._classifier, self._crop = classifier, crop

    def __call__(self, pictures: Sequence[tuple[GreyImage, Sequence[DetectedFace]]]) -> list[list[float]]:
        """Read faces.

        Args:
            pictures: each uint8 (height, width), with its faces.

        Returns:
            For each picture the probability of a smile for each face, 0 to 1.
        """
        spec = self._classifier.info.input
        batches = [
            squares_input(grey, [square_of_face(face, self._crop, YUNET_TO_SMILES) for face in faces], spec)
            for grey, faces in pictures
        ]
        inputs = np.concatenate(batches) if batches else np.empty((0, 1, spec.size, spec.size), np.float32)
        parts = [self._classifier(inputs[at : at + LARGEST_BATCH]) for at in range(0, len(inputs), LARGEST_BATCH)]
        smiles = iter(np.concatenate(parts).tolist() if parts else [])
        return [[next(smiles) for _ in faces] for _, faces in pictures]
