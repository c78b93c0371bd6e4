"""Random augmentation of whole batches of faces, on the device that trains.

Images have a margin around the framing of SMILES, so that a translated or rotated face shows its real surroundings.
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
"""Range of the blur's standard deviation, as shares of the side: up to 2.7 pixels of 64."""

REDUCED = (0.25, 0.9)
"""Range of the size to which an image is reduced before it is enlarged again, as shares: down to 16 pixels of 64."""

JPEG_QUALITY = (10, 60)
"""Range of the JPEG quality on the scale of libjpeg: from hardly recognisable to hardly visible."""

LEVELS = 16
"""Steps into which the ranges above are divided, so that each step's matrix is computed once."""

OCCLUDED = (0.12, 0.4)
"""Range of an occlusion's width and height, as shares of the side."""

ANNEALED_RANGE = 0.6
"""Range of the geometric transform of an annealed image, as a share of the recipe's ranges."""

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
    images: Tensor,
    settings: Augmentation,
    generator: torch.Generator,
    size: int = 0,
    margin: int = 0,
    annealing: float = 0.0,
) -> Tensor:
    """Change every image of a batch in its own way.

    Args:
        images: float32 (n, 1, side, side), grey values 0 to 255.
        settings: ranges of the changes.
        generator: source of randomness, on the CPU, so that every device makes the same changes; noise alone differs.
        size: side of the result; 0 for ``side`` without the margin.
        margin: pixels on each edge of ``images`` outside the framing of the result.
        annealing: probability that an image keeps its light and detail and is transformed in a smaller range
            (``ANNEALED_RANGE``).

    Returns:
        float32 (n, 1, size, size), grey values 0 to 255; beyond its edges an image repeats its border.
    """
    size = size or images.shape[-1] - 2 * margin
    # Drawn only where needed, so that recipes without annealing keep their random numbers.
    annealed = _bernoulli(len(images), annealing, generator) if annealing else torch.zeros(len(images))
    extent = 1 - (1 - ANNEALED_RANGE) * annealed
    warped = _warp(images, _transforms(extent, settings, generator), size, margin)
    relit = _relight(warped, settings, generator)
    degraded = _degrade(relit, settings.degrade, generator)
    noisy = _add_noise(degraded, settings.noise, generator)
    augmented = _occlude(noisy, settings.occlusion, generator).clamp(0, 255)
    if not annealing:
        return augmented
    return torch.where((annealed > 0)[:, None, None, None].to(images.device), warped, augmented)


def _warp(images: Tensor, transforms: Tensor, size: int, margin: int) -> Tensor:
    n, side = len(images), images.shape[-1]
    scaled = transforms * (1 - 2 * margin / side)
    grid = nn.affine_grid(scaled.to(images.device), [n, 1, size, size], align_corners=False)
    # Clamped to the centres of the outermost pixels, the grid repeats the border; not every Metal version can pad so.
    edge = 1 - 1 / side
    return nn.grid_sample(images, grid.clamp(-edge, edge), mode="bilinear", align_corners=False)


def _transforms(extent: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """(n, 2, 3) affine matrices from coordinates in the result to coordinates in the image, both from -1 to 1.

    ``extent`` (n,) is each image's share of the settings' ranges.
    """
    n = len(extent)
    angle = extent * _uniform(n, math.radians(settings.rotation), generator)
    scale = 1 + extent * _uniform(n, settings.scale, generator)
    mirror = 1 - 2 * _bernoulli(n, settings.flip, generator)
    # The side has length 2 in these coordinates.
    across, down = (2 * extent * _uniform(n, settings.translation, generator) for _ in range(2))
    aspect = (1 + extent * _uniform(n, settings.stretch, generator)).sqrt()
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    rows = [
        torch.stack([cosine * mirror * aspect, -sine / aspect, across], 1),
        torch.stack([sine * mirror * aspect, cosine / aspect, down], 1),
    ]
    return torch.stack(rows, 1)


def _relight(images: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    n, device = len(images), images.device
    if settings.gamma:
        change = _uniform(n, 1, generator)
        # Squared, so that small changes are more frequent.
        exponent = (settings.gamma * change * change.abs()).exp().to(device).reshape(n, 1, 1, 1)
        images = (images / 255).clamp(0, 1).pow(exponent) * 255
    if settings.gradient:
        images = images + _gradient(n, images.shape[-1], settings.gradient, generator, device)
    contrast = (1 + _uniform(n, settings.contrast, generator)).to(device).reshape(n, 1, 1, 1)
    brightness = _uniform(n, settings.brightness, generator).to(device).reshape(n, 1, 1, 1)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * contrast + mean + brightness).clamp(0, 255)


def _gradient(n: int, size: int, limit: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """(n, 1, size, size) grey values that rise linearly in a random direction, 0 in the middle."""
    direction = _uniform(n, math.pi, generator).reshape(n, 1, 1).to(device)
    strength = (torch.rand(n, generator=generator) * limit / 2).reshape(n, 1, 1).to(device)
    ramp = torch.linspace(-1, 1, size, device=device)
    return (strength * (direction.cos() * ramp[None, None] + direction.sin() * ramp[None, :, None])).unsqueeze(1)


def _degrade(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Blur, reduce or compress images with this probability, a third of them each."""
    if probability == 0:
        return images
    n, size, device = len(images), images.shape[-1], images.device
    kinds = torch.rand(n, generator=generator) / probability * 3
    level = torch.randint(LEVELS, (n,), generator=generator)
    degraded = images.clone()
    for kind, operators in enumerate(_on_device(size, device)):
        rows = torch.nonzero((kinds >= kind) & (kinds < kind + 1)).flatten()
        matrices = operators[level[rows].to(device)].unsqueeze(1)
        rows = rows.to(device)
        degraded[rows] = matrices @ images[rows] @ matrices.mT
    rows = torch.nonzero((kinds >= 2) & (kinds < 3)).flatten()
    quality = torch.linspace(*JPEG_QUALITY, LEVELS)[level[rows]]
    rows = rows.to(device)
    degraded[rows] = _jpeg(images[rows], quality.to(device))
    return degraded


@cache
def _on_device(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    return blur_operators(size).to(device), reduction_operators(size).to(device)


@cache
def blur_operators(size: int) -> Tensor:
    """(LEVELS, size, size) matrices M for which M @ image @ M.T is blurred, from least to most."""
    pixel = torch.arange(size, dtype=torch.float32)
    sigma = torch.linspace(*BLUR, LEVELS).reshape(-1, 1, 1) * size
    weights = torch.exp(-((pixel[:, None] - pixel[None]) ** 2)[None] / (2 * sigma**2))
    return weights / weights.sum(-1, keepdim=True)


@cache
def reduction_operators(size: int) -> Tensor:
    """(LEVELS, size, size) matrices that reduce by area averaging and enlarge again, from most to least."""
    return torch.stack([_enlarge(size, small) @ area_weights(size, small) for small in _reduced_sizes(size)])


def _reduced_sizes(size: int) -> list[int]:
    return [max(1, round(float(share) * size)) for share in torch.linspace(*REDUCED, LEVELS)]


def _enlarge(size: int, small: int) -> Tensor:
    """(size, small): linear interpolation between pixel centres, the border repeated."""
    identity = torch.eye(small).unsqueeze(1)
    return nn.interpolate(identity, size=size, mode="linear", align_corners=False)[:, 0].T.contiguous()


def _jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Losses of a grey JPEG of this quality: cosine coefficients of 8x8 blocks, rounded to the table's steps."""
    n, size = len(images), images.shape[-1]
    blocks = -(-size // 8)
    transform = torch.kron(torch.eye(blocks), _cosines())[:, :size].to(images.device)
    table = torch.tensor(JPEG_TABLE, dtype=torch.float32, device=images.device).repeat(blocks, blocks)
    # As in libjpeg: 50 is the table itself, 25 twice its steps, 75 half of them.
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50).reshape(n, 1, 1, 1)
    steps = (table * factor).clamp(1, 255)
    coefficients = transform @ (images - 128) @ transform.mT
    quantized: Tensor = (coefficients / steps).round() * steps
    return transform.mT @ quantized @ transform + 128


@cache
def _cosines() -> Tensor:
    """(8, 8): the orthonormal cosine transform."""
    index = torch.arange(8, dtype=torch.float32)
    rows = torch.cos(math.pi / 8 * (index[None] + 0.5) * index[:, None]) / 2
    rows[0] /= math.sqrt(2)
    return rows


def _add_noise(images: Tensor, limit: float, generator: torch.Generator) -> Tensor:
    if limit == 0:
        return images
    n, device = len(images), images.device
    # Squared, so that little noise is more frequent.
    deviation = (torch.rand(n, generator=generator) ** 2 * limit).to(device).reshape(n, 1, 1, 1)
    return images + deviation * _normal(images, generator)


def _normal(images: Tensor, generator: torch.Generator) -> Tensor:
    """Normally distributed numbers, as many as the images have pixels.

    Another device draws its own numbers: drawing so many on the CPU would take longer than the rest of a step.
    """
    if images.device.type != "cpu":
        seed = int(torch.randint(2**62, (), generator=generator))
        generator = torch.Generator(images.device).manual_seed(seed)
    return torch.randn(images.shape, generator=generator, device=images.device)


def _occlude(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    if probability == 0:
        return images
    n, size, device = len(images), images.shape[-1], images.device
    occluded = _bernoulli(n, probability, generator) > 0
    low, high = OCCLUDED
    extent = (low + (high - low) * torch.rand(2, n, generator=generator)) * size
    corner = torch.rand(2, n, generator=generator) * size - extent / 2
    grey = (255 * torch.rand(n, generator=generator)).reshape(n, 1, 1, 1)
    # Masks are made on the device that trains, from the few numbers that describe them.
    (width, height), (left, top), occluded = extent.to(device), corner.to(device), occluded.to(device)
    pixel = torch.arange(size, device=device)
    across = (pixel >= left[:, None]) & (pixel < (left + width)[:, None])
    down = (pixel >= top[:, None]) & (pixel < (top + height)[:, None])
    inside = (across[:, None] & down[:, :, None] & occluded[:, None, None]).unsqueeze(1)
    return torch.where(inside, grey.to(device), images)


def _uniform(n: int, limit: float, generator: torch.Generator) -> Tensor:
    """(n,) numbers from ``-limit`` to ``limit``."""
    return (2 * torch.rand(n, generator=generator) - 1) * limit


def _bernoulli(n: int, probability: float, generator: torch.Generator) -> Tensor:
    """(n,) numbers, each 1 with this probability and 0 otherwise."""
    return (torch.rand(n, generator=generator) < probability).float()


def render_size(spec: InputSpec) -> int:
    """Side of the augmented images from which the input is made: the smallest multiple of its size from 48 up.

    Smaller images would lose detail to point sampling; larger ones only cost time.
    """
    return spec.size * -(-48 // spec.size)


def area_weights(side: int, size: int) -> Tensor:
    """The matrix that reduces ``side`` pixels to ``size`` by area averaging, like OpenCV's INTER_AREA.

    Returns:
        float32 (size, side); each row sums to 1.
    """
    edges = torch.arange(size + 1, dtype=torch.float64) * side / size
    left, right = edges[:-1, None], edges[1:, None]
    pixel = torch.arange(side, dtype=torch.float64)[None]
    shared = (torch.minimum(right, pixel + 1) - torch.maximum(left, pixel)).clamp(min=0)
    return (shared / shared.sum(dim=1, keepdim=True)).float()


def to_input(images: Tensor, weights: Tensor, spec: InputSpec) -> Tensor:
    """Resize and normalise a batch, as ``smilecam.classification.crop`` does for single faces.

    Args:
        images: float32 (n, 1, side, side), grey values.
        weights: ``area_weights(side, spec.size)``, on the same device.
        spec: size and normalisation.

    Returns:
        float32 (n, 1, spec.size, spec.size).
    """
    small = weights @ images @ weights.T
    if spec.normalization is Normalization.UNIT:
        return small / 255
    mean = small.mean(dim=(-2, -1), keepdim=True)
    deviation = small.std(dim=(-2, -1), keepdim=True, correction=0)
    return (small - mean) / (deviation + STANDARDIZE_EPSILON)
