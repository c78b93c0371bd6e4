"""Labelled faces with what a network said of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smilecam.types import BoolArray, GreyImage, IntArray


@dataclass(frozen=True)
class Scored:
    """Labelled faces, what the network saw of them and what it said.

    Attributes:
        names: n paths inside the data set.
        labels: int64 (n,), 1 smiling, 0 not smiling.
        probabilities: float64 (n,), of a smile.
        smiling: bool (n,), called smiling.
        pictures: uint8 (n, 64, 64), the part of each face that the network read; black where no face was found.
        sides: int64 (n,), the side of that part in pixels of the picture that it was cut from.
    """

    names: tuple[str, ...]
    labels: IntArray
    probabilities: npt.NDArray[np.float64]
    smiling: BoolArray
    pictures: GreyImage
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
            self.pictures[rows],
            self.sides[rows],
        )

    def worst(self, count: int) -> IntArray:
        """Rows of the faces whose label the network contradicts, the surest contradictions first."""
        doubt = np.abs(self.labels - self.probabilities)
        wrong = np.flatnonzero(self.smiling != (self.labels == 1))
        return wrong[np.argsort(-doubt[wrong], kind="stable")][:count]
