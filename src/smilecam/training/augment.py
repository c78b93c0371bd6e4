"""Random changes to whole batches of faces, on the device that trains.

Pictures come with a margin around the framing of SMILES, so that a shifted or turned face shows what was beside it.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as nn
from torch import Tensor

from smilecam.classification.crop import STANDARDIZE_EPSILON
from smilecam.presets import InputSpec, Normalization
from smilecam.training.recipe import Augmentation

BLUR = (0.006, 0.042)
"""Standard deviation of blur, as shares of the side: up to 2.7 pixels of 64."""

REDUCED = (0.25, 0.9)
"""Size of a picture that was small before, as a share: down to 16 pixels of 64."""

JPEG_QUALITY = (10, 60)
"""From hardly recognisable to hardly visible, on the scale of libjpeg."""

LEVELS = 16
"""Steps into which the ranges above are divided, so that each step's matrix is made once."""

COVERED = (0.12, 0.4)
"""Width and height of what covers a face, as shares of the side."""

GENTLE_REACH = 0.6
"""How far a picture that is spared is still moved, as a share of the recipe's ranges."""

# Annex K of the JPEG standard (ITU-T T.81): the luminance table at quality 50.
JPEG_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def augment(
    pictures: Tensor,
    settings: Augmentation,
    generator: torch.Generator,
    size: int = 0,
    margin: int = 0,
    gentle: float = 0.0,
) -> Tensor:
    """Change every picture of a batch in its own way.

    Args:
        pictures: float32 (n, 1, side, side), grey values 0 to 255.
        settings: how far.
        generator: source of randomness, on the CPU, so that every device draws the same numbers.
        size: side of the result; 0 for what is left of ``side`` without the margin.
        margin: pixels on each edge of ``pictures`` that lie outside the framing of the result.
        gentle: probability that a picture is spared: moved less far (``GENTLE_REACH``), its light and detail kept.

    Returns:
        float32 (n, 1, size, size), grey values 0 to 255; what comes in from outside repeats the border.
    """
    size = size or pictures.shape[-1] - 2 * margin
    # Drawn only where it is asked for, so that recipes without it see the same numbers as ever.
    spared = _chosen(len(pictures), gentle, generator) if gentle else torch.zeros(len(pictures))
    reach = 1 - (1 - GENTLE_REACH) * spared
    moved = _move(pictures, _transforms(reach, settings, generator), size, margin)
    lit = _relight(moved, settings, generator)
    lossy = _degrade(lit, settings.degrade, generator)
    changed = _cover(_add_noise(lossy, settings.noise, generator), settings.occlusion, generator).clamp(0, 255)
    return torch.where((spared > 0).view(-1, 1, 1, 1).to(pictures.device), moved, changed) if gentle else changed


def _move(pictures: Tensor, transforms: Tensor, size: int, margin: int) -> Tensor:
    n, side = len(pictures), pictures.shape[-1]
    scaled = transforms * (1 - 2 * margin / side)
    grid = nn.affine_grid(scaled.to(pictures.device), [n, 1, size, size], align_corners=False)
    # Held to the centres of the outermost pixels, the grid repeats the border, which not every Metal version can pad.
    edge = 1 - 1 / side
    return nn.grid_sample(pictures, grid.clamp(-edge, edge), mode="bilinear", align_corners=False)


def _transforms(reach: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """(n, 2, 3) matrices from places in the result to places in the picture, both from -1 to 1.

    ``reach`` (n,) is the share of the settings' ranges that each picture may use.
    """
    n = len(reach)
    angle = reach * _uniform(n, math.radians(settings.rotation), generator)
    scale = 1 + reach * _uniform(n, settings.scale, generator)
    mirror = 1 - 2 * _chosen(n, settings.flip, generator)
    # A side is 2 long in these coordinates.
    across, down = (2 * reach * _uniform(n, settings.translation, generator) for _ in range(2))
    stretch = (1 + reach * _uniform(n, settings.stretch, generator)).sqrt()
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    rows = [
        torch.stack([cosine * mirror * stretch, -sine / stretch, across], 1),
        torch.stack([sine * mirror * stretch, cosine / stretch, down], 1),
    ]
    return torch.stack(rows, 1)


def _relight(pictures: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    n, device = len(pictures), pictures.device
    if settings.gamma:
        bend = _uniform(n, 1, generator)
        # Squared, so that most pictures are bent little.
        exponent = (settings.gamma * bend * bend.abs()).exp().to(device).view(n, 1, 1, 1)
        pictures = (pictures / 255).clamp(0, 1).pow(exponent) * 255
    if settings.gradient:
        pictures = pictures + _gradient(n, pictures.shape[-1], settings.gradient, generator).to(device)
    contrast = (1 + _uniform(n, settings.contrast, generator)).to(device).view(n, 1, 1, 1)
    brightness = _uniform(n, settings.brightness, generator).to(device).view(n, 1, 1, 1)
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return ((pictures - mean) * contrast + mean + brightness).clamp(0, 255)


def _gradient(n: int, size: int, reach: float, generator: torch.Generator) -> Tensor:
    """(n, 1, size, size) grey values that rise evenly in a random direction, 0 in the middle."""
    direction = _uniform(n, math.pi, generator).view(n, 1, 1)
    strength = (torch.rand(n, generator=generator) * reach / 2).view(n, 1, 1)
    ramp = torch.linspace(-1, 1, size)
    return (strength * (direction.cos() * ramp[None, None] + direction.sin() * ramp[None, :, None])).unsqueeze(1)


def _degrade(pictures: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Of the pictures that are hit, a third each are blurred, made small, and compressed."""
    if probability == 0:
        return pictures
    n, size, device = len(pictures), pictures.shape[-1], pictures.device
    fate = torch.rand(n, generator=generator) / probability * 3
    level = torch.randint(LEVELS, (n,), generator=generator)
    changed = pictures.clone()
    for kind, operators in enumerate((blur_operators(size), reduction_operators(size))):
        rows = torch.nonzero((fate >= kind) & (fate < kind + 1)).flatten()
        each = operators[level[rows]].to(device).unsqueeze(1)
        changed[rows.to(device)] = each @ pictures[rows.to(device)] @ each.mT
    rows = torch.nonzero((fate >= 2) & (fate < 3)).flatten()
    quality = torch.linspace(*JPEG_QUALITY, LEVELS)[level[rows]]
    changed[rows.to(device)] = _jpeg(pictures[rows.to(device)], quality.to(device))
    return changed


@cache
def blur_operators(size: int) -> Tensor:
    """(LEVELS, size, size) matrices M for which M @ picture @ M.T is blurred, from least to most."""
    place = torch.arange(size, dtype=torch.float32)
    sigma = torch.linspace(*BLUR, LEVELS).view(-1, 1, 1) * size
    weights = torch.exp(-((place[:, None] - place[None]) ** 2)[None] / (2 * sigma**2))
    return weights / weights.sum(-1, keepdim=True)


@cache
def reduction_operators(size: int) -> Tensor:
    """(LEVELS, size, size) matrices that shrink by averaging areas and enlarge again, from most to least."""
    return torch.stack([_enlarge(size, small) @ area_weights(size, small) for small in _reduced_sizes(size)])


def _reduced_sizes(size: int) -> list[int]:
    return [max(1, round(float(share) * size)) for share in torch.linspace(*REDUCED, LEVELS)]


def _enlarge(size: int, small: int) -> Tensor:
    """(size, small): linear interpolation between the centres of pixels, the border repeated."""
    identity = torch.eye(small).unsqueeze(1)
    return nn.interpolate(identity, size=size, mode="linear", align_corners=False)[:, 0].T.contiguous()


def _jpeg(pictures: Tensor, quality: Tensor) -> Tensor:
    """Lose what a grey JPEG of this quality loses: cosine coefficients of 8x8 blocks, rounded to table steps."""
    n, size = len(pictures), pictures.shape[-1]
    blocks = -(-size // 8)
    transform = torch.kron(torch.eye(blocks), _cosines())[:, :size].to(pictures.device)
    table = torch.tensor(JPEG_TABLE, dtype=torch.float32, device=pictures.device).repeat(blocks, blocks)
    # The rule of libjpeg: 50 is the table itself, 25 twice its steps, 75 half of them.
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(n, 1, 1, 1)
    steps = (table * factor).clamp(1, 255)
    coefficients = transform @ (pictures - 128) @ transform.mT
    kept: Tensor = (coefficients / steps).round() * steps
    return transform.mT @ kept @ transform + 128


@cache
def _cosines() -> Tensor:
    """(8, 8): the orthonormal cosine transform."""
    place = torch.arange(8, dtype=torch.float32)
    rows = torch.cos(math.pi / 8 * (place[None] + 0.5) * place[:, None]) / 2
    rows[0] /= math.sqrt(2)
    return rows


def _add_noise(pictures: Tensor, reach: float, generator: torch.Generator) -> Tensor:
    if reach == 0:
        return pictures
    n, device = len(pictures), pictures.device
    # Squared, so that most pictures have little of it.
    deviation = (torch.rand(n, generator=generator) ** 2 * reach).to(device).view(n, 1, 1, 1)
    return pictures + deviation * torch.randn(pictures.shape, generator=generator).to(device)


def _cover(pictures: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    if probability == 0:
        return pictures
    n, size, device = len(pictures), pictures.shape[-1], pictures.device
    hit = _chosen(n, probability, generator) > 0
    low, high = COVERED
    width, height = (low + (high - low) * torch.rand(2, n, generator=generator)) * size
    left, top = torch.rand(2, n, generator=generator) * size - torch.stack([width, height]) / 2
    place = torch.arange(size)
    across = (place >= left[:, None]) & (place < (left + width)[:, None])
    down = (place >= top[:, None]) & (place < (top + height)[:, None])
    inside = (across[:, None] & down[:, :, None] & hit[:, None, None]).unsqueeze(1)
    grey = (255 * torch.rand(n, generator=generator)).view(n, 1, 1, 1)
    return torch.where(inside.to(device), grey.to(device), pictures)


def _uniform(n: int, reach: float, generator: torch.Generator) -> Tensor:
    return (2 * torch.rand(n, generator=generator) - 1) * reach


def _chosen(n: int, probability: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=generator) < probability).float()


def render_size(spec: InputSpec) -> int:
    """Side of the augmented pictures from which the input is made: the smallest multiple of it from 48 up.

    Smaller ones would lose detail by sampling points; larger ones only take time.
    """
    return spec.size * -(-48 // spec.size)


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
    """Shrink and normalise a batch, as ``smilecam.classification.crop`` does it for single faces.

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
