"""A network that tells faces from false boxes, for a detector that proposes more than it is sure of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smilecam.classification.crop import network_input
from smilecam.presets import CropGeometry, InputSpec, Normalization
from smilecam.types import Box, FloatArray, GreyPixels

if TYPE_CHECKING:
    from smilecam.onnx_runtime import Network

INPUT = InputSpec(32, Normalization.STANDARDIZE)

CROP = CropGeometry(side=0.856, shift_y=0.075)
"""Of a Haar box: the framing of SMILES with 5 of its 64 pixels more on each side."""


@cache
def _network() -> Network:
    from smilecam.onnx_runtime import load_network

    return load_network(Path(__file__).with_name("face_filter.onnx").read_bytes())


def face_log_odds(grey: GreyPixels, boxes: Sequence[Box]) -> FloatArray:
    """Estimate whether boxes of the Haar cascade hold faces.

    Args:
        grey: uint8 (height, width).
        boxes: in pixels of ``grey``.

    Returns:
        float32 (n,): log odds of a face, against the false boxes that the cascade makes.
    """
    if not boxes:
        return np.empty(0, np.float32)
    faces = network_input(grey, boxes, CROP, INPUT)
    outputs: FloatArray = np.asarray(_network().run(None, {"faces": faces})[0])
    return outputs[:, 0]
