"""Settings as frozen values, whose fields are named like the options of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LABELS = ("not_smile", "smile")
"""Names of the labels 0 and 1."""

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm"}
)
"""File names that are read as pictures, in lower case."""


@dataclass(frozen=True, slots=True)
class CropGeometry:
    """The square inside a face box that goes to the network.

    All figures are shares of the box's width (across) or height (down), so they hold for any face size.

    Attributes:
        side: side of the square, as a share of the box's longer side.
        shift_x: how far the square's centre lies to the right of the box's centre.
        shift_y: how far it lies below.
    """

    side: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0


WHOLE_BOX = CropGeometry()
"""The box as it is: what the well-known tutorial feeds to its network."""

HAAR_TO_SMILES = CropGeometry(side=0.74, shift_y=0.075)
"""From a frontal-face Haar box to the framing of the SMILES pictures.

SMILES pictures are LFW pictures cut at (83,92)-(166,175) of 250x250, and LFW was made of Haar boxes enlarged 2.2
times; so a SMILES picture is the square of .74 of the Haar box's side whose centre lies 7.5 % to 8 % lower.
"""

FER2013_TO_SMILES = CropGeometry(side=0.795, shift_y=0.035)
"""From a FER2013 picture, which shows more of the head, to about the framing of the SMILES pictures.

The square nearest to x .11-.89 and y .13-.94 of the picture.
"""


class Normalization(Enum):
    """How grey values become what the network reads."""

    UNIT = "unit"
    """Grey values 0-255 divided by 255."""

    STANDARDIZE = "standardize"
    """Each picture by itself: mean 0, standard deviation 1."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the network reads: a square of ``size`` pixels, normalised."""

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
    """Where to draw the line between smiling and not."""

    BALANCED = "balanced"
    """As many of the smiles right as of the rest, nearly: the highest mean of both shares."""

    ACCURACY = "accuracy"
    """The most faces right, where smiles are as frequent as in the data that it was chosen on."""

    PRECISION = "precision"
    """Hardly a false smile: 98 of 100 reported smiles are smiles, at the price of missed ones."""
