"""Settings as frozen values, whose fields are named like the options of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LABELS = ("not_smile", "smile")
"""Names of the labels 0 and 1."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm"})
"""Suffixes of image files, in lower case."""


@dataclass(frozen=True, slots=True)
class CropGeometry:
    """The square inside a face box that goes to the network.

    All values are shares of the box's width (across) or height (down), so they hold for any face size.

    Attributes:
        side: side of the square, as a share of the box's longer side.
        shift_x: how far the square's centre lies to the right of the box's centre.
        shift_y: how far it lies below.
    """

    side: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0


WHOLE_BOX = CropGeometry()
"""The whole box: what the well-known tutorial feeds to its network."""

HAAR_TO_SMILES = CropGeometry(side=0.74, shift_y=0.075)
"""From a frontal-face Haar box to the framing of the SMILES images.

SMILES images are LFW images cut at (83,92)-(166,175) of 250x250, and LFW was made of Haar boxes enlarged 2.2
times; so a SMILES image is the square of .74 of the Haar box's side whose centre lies 7.5 % to 8 % lower.
"""

FER2013_TO_SMILES = CropGeometry(side=0.795, shift_y=0.035)
"""From a FER2013 image, which shows more of the head, to about the framing of the SMILES images.

The square nearest to x .11-.89 and y .13-.94 of the image.
"""


@dataclass(frozen=True, slots=True)
class LandmarkGeometry:
    """The upright square around a face's landmarks that goes to the network.

    All values are shares of distances between the middles of the eyes and of the mouth, so they hold for any face
    size.

    Attributes:
        side: side of the square, as a multiple of the mean of two distances: from eye to eye, and from the middle
            between the eyes to the middle of the mouth.
        along: where its centre lies on the way from the middle between the eyes (0) to the middle of the mouth (1).
    """

    side: float
    along: float


YUNET_TO_SMILES = LandmarkGeometry(side=2.0, along=0.51)
"""From YuNet's landmarks to the framing of the SMILES images.

Fitted by benchmarks/fit_yunet_crop.py on every fifth SMILES image (a face found in 2,606 to 2,632 of 2,633): side
2.01 with a spread of 8 % to 10 %, the least of the measures tried, along .510. Where both detectors find a face, it is
about the square of ``HAAR_TO_SMILES``: medians of 2.00 and .49 over 17 clips and images.
"""


class Normalization(Enum):
    """How grey values become the network's input values."""

    UNIT = "unit"
    """Grey values 0-255 divided by 255."""

    STANDARDIZE = "standardize"
    """Each image by itself: mean 0, standard deviation 1."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The network's input: a square of ``size`` pixels, normalised."""

    size: int = 28
    normalization: Normalization = Normalization.UNIT


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a network's outputs to one probability: logistic(weights . outputs + offset).

    Attributes:
        weights: one for each output of the network.
        offset: log odds added.
    """

    weights: tuple[float, ...] = (1.0,)
    offset: float = 0.0


class OperatingPoint(Enum):
    """Which threshold separates smiling from not smiling."""

    BALANCED = "balanced"
    """Best balanced accuracy: the highest mean of sensitivity and specificity."""

    ACCURACY = "accuracy"
    """Best accuracy, where smiles are as frequent as in the data that it was chosen on."""

    PRECISION = "precision"
    """98 % precision: 98 of 100 reported smiles are smiles, at the price of missed ones."""
