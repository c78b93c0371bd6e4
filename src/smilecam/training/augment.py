"""Random changes to whole batches of faces, on the device that trains."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as nn
from torch import Tensor

from smilecam.config import InputSpec, Normalization
from smilecam.training.recipe import Augmentation
from smilecam.vision.crop import STANDARDIZE_EPSILON


def augment(pictures: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Shift, turn, scale, mirror and relight every picture of a batch in its own way.

    Args:
        pictures: float32 (n, 1, side, side), grey values 0 to 255.
        settings: how far.
        generator: source of randomness, on the CPU, so that every device draws the same numbers.

    Returns:
        float32 of the same shape, grey values 0 to 255; what comes in from outside repeats the border.
    """
    n, device = len(pictures), pictures.device
    grid = nn.affine_grid(_transforms(n, settings, generator).to(device), list(pictures.shape), align_corners=False)
    # Held to the centres of the outermost pixels, the grid repeats the border, which not every Metal version can pad.
    edge = 1 - 1 / pictures.shape[-1]
    moved = nn.grid_sample(pictures, grid.clamp(-edge, edge), mode="bilinear", align_corners=False)
    contrast = (1 + _uniform(n, settings.contrast, generator)).to(device).view(n, 1, 1, 1)
    brightness = _uniform(n, settings.brightness, generator).to(device).view(n, 1, 1, 1)
    mean = moved.mean(dim=(1, 2, 3), keepdim=True)
    return ((moved - mean) * contrast + mean + brightness).clamp(0, 255)


def _transforms(n: int, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """(n, 2, 3) matrices from places in the result to places in the picture, both from -1 to 1."""
    angle = _uniform(n, math.radians(settings.rotation), generator)
    scale = 1 + _uniform(n, settings.scale, generator)
    mirror = 1 - 2 * (torch.rand(n, generator=generator) < settings.flip).float()
    # A side is 2 long in these coordinates.
    across, down = (2 * _uniform(n, settings.translation, generator) for _ in range(2))
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    rows = [torch.stack([cosine * mirror, -sine, across], 1), torch.stack([sine * mirror, cosine, down], 1)]
    return torch.stack(rows, 1)


def _uniform(n: int, reach: float, generator: torch.Generator) -> Tensor:
    return (2 * torch.rand(n, generator=generator) - 1) * reach


def area_weights(side: int, size: int) -> Tensor:
    """The matrix that shrinks ``side`` pixels to ``size`` by averaging areas, as OpenCV's INTER_AREA does.

    Returns:
        float32 (size, side); each row sums to 1.
    """
    edges = torch.arange(size + 1, dtype=torch.float64) * side / size
    left, right = edges[:-1, None], edges[1:, None]
    pixel = torch.arange(side, dtype=torch.float64)[None]
    overlap = (torch.minimum(right, pixel + 1) - torch.maximum(left, pixel)).clamp(min=0)
    return (overlap / overlap.sum(dim=1, keepdim=True)).float()


def to_input(pictures: Tensor, weights: Tensor, spec: InputSpec) -> Tensor:
    """Shrink and normalise a batch, as ``smilecam.vision.crop`` does it for single faces.

    Args:
        pictures: float32 (n, 1, side, side), grey values.
        weights: ``area_weights(side, spec.size)``, on the same device.
        spec: size and normalisation.

    Returns:
        float32 (n, 1, spec.size, spec.size).
    """
    small = weights @ pictures @ weights.T
    if spec.normalization is Normalization.UNIT:
        return small / 255
    mean = small.mean(dim=(-2, -1), keepdim=True)
    deviation = small.std(dim=(-2, -1), keepdim=True, correction=0)
    return (small - mean) / (deviation + STANDARDIZE_EPSILON)
