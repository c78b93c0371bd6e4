"""Test-time augmentation: a face is read again, moved a little and mirrored, and the readings are averaged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smilecam.types import BoolArray, FloatArray

DOUBTFUL = 2.0
"""Log odds on both sides of even odds (probabilities of .12 to .88) within which a face is read again.

The thresholds of the packaged models' policy "broad" lie inside. Beyond, further readings changed no decision on the
faces of benchmarks/test_time_augmentation.py.
"""

TRANSLATION = 1 / 32
"""How far, as a share of the side. Chosen, with the directions, among moves, scales and mirror images on the faces of
CelebA and MTFL that were kept out of training, and on FER2013's validation split."""


def translated(faces: FloatArray) -> FloatArray:
    """Two further versions of each face: moved up to the right; and down to the left, then mirrored.

    Args:
        faces: float32 (n, 1, size, size). Pixels that a move leaves empty repeat the border.

    Returns:
        float32 (2 n, 1, size, size): all faces moved in the one way, then all in the other.
    """
    size = faces.shape[-1]
    pixels = max(1, round(TRANSLATION * size))
    wide = np.pad(faces, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)), mode="edge")
    up_right = wide[..., 2 * pixels :, :size]
    down_left = wide[..., :size, 2 * pixels :]
    return np.concatenate([up_right, down_left[..., ::-1]])


def average_outputs(
    faces: FloatArray, outputs: FloatArray, again: BoolArray, network: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Read some of the faces again, and average their outputs.

    Args:
        faces: float32 (n, 1, size, size).
        outputs: float32 (n, outputs): of the network for these faces.
        again: bool (n,): which ones are read again.
        network: from float32 (m, 1, size, size) to (m, outputs).

    Returns:
        float32 (n, outputs): as before, or the mean of three readings.
    """
    if not again.any():
        return outputs
    up_right, mirrored = np.split(network(translated(faces[again])), 2)
    averaged = outputs.copy()
    averaged[again] = (outputs[again] + up_right + mirrored) / 3
    return averaged
