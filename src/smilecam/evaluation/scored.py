"""Labelled faces with a network's predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smilecam.types import BoolArray, GreyImage, IntArray


@dataclass(frozen=True)
class Scored:
    """Labelled faces, the network's inputs and its predictions.

    Attributes:
        names: n paths inside the data set.
        labels: int64 (n,), 1 smiling, 0 not smiling.
        probabilities: float64 (n,), of a smile.
        smiling: bool (n,), predicted as smiling.
        images: uint8 grey (n, 64, 64), the classified crop of each face; black without a detected face.
        sides: int64 (n,), the side of that crop in pixels of its original image; 0 without a detected face.
    """

    names: tuple[str, ...]
    labels: IntArray
    probabilities: npt.NDArray[np.float64]
    smiling: BoolArray
    images: GreyImage
    sides: IntArray

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: IntArray) -> Scored:
        """The faces of these rows, in this order."""
        return Scored(
            tuple(self.names[row] for row in rows),
            self.labels[rows],
            self.probabilities[rows],
            self.smiling[rows],
            self.images[rows],
            self.sides[rows],
        )

    def worst(self, count: int) -> IntArray:
        """Rows of the faces with wrong predictions, the most confident ones first."""
        error = np.abs(self.labels - self.probabilities)
        wrong = np.flatnonzero(self.smiling != (self.labels == 1))
        return wrong[np.argsort(-error[wrong], kind="stable")][:count]
