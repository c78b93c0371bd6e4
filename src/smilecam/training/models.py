"""Network architectures: LeNet and SmileNet."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn

from smilecam.presets import InputSpec
from smilecam.training.recipe import ModelRecipe


class LeNet(nn.Module):
    """LeNet with ReLU, in the sizes of the reference run.

    conv 20@5x5, max-pool 2, conv 50@5x5, max-pool 2, dense 500, dense 2 per policy; convolutions keep the size.
    Weights are initialised as in Keras (Glorot uniform, biases zero), with which the reference run was made.
    """

    def __init__(self, spec: InputSpec, batch_norm: bool = False, dropout: float = 0.0, policies: int = 1) -> None:
        """Make the network for square images of ``spec.size`` pixels, with fresh random weights."""
        super().__init__()
        reduced = spec.size // 4
        self.features = nn.Sequential(
            *_pooled(1, 20, batch_norm),
            *_pooled(20, 50, batch_norm),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(50 * reduced * reduced, 500),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(500, 2 * policies),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, faces: Tensor) -> Tensor:
        """Compute the log odds of a smile.

        Args:
            faces: float32 (n, 1, size, size), normalised.

        Returns:
            float32 (n, policies): log odds of a smile. Softmax over a pair of outputs equals the logistic function of
            their difference.
        """
        pairs: Tensor = self.classifier(self.features(faces)).unflatten(1, (-1, 2))
        return pairs[..., 1] - pairs[..., 0]


class SmileNet(nn.Module):
    """A small residual network: a stem and one block for each further width, each of which halves the resolution.

    Global average pooling before the dense layer makes it robust to the position of the face in the crop.
    """

    def __init__(self, widths: tuple[int, ...], dropout: float, policies: int) -> None:
        """Make the network with fresh random weights.

        Args:
            widths: channels of the stem and of each block.
            dropout: share of the dense layer's inputs dropped in training.
            policies: number of outputs.
        """
        super().__init__()
        stem = nn.Sequential(*_normalized(1, widths[0], 5, stride=2), nn.ReLU())
        self.features = nn.Sequential(stem, *(ResidualBlock(*pair) for pair in itertools.pairwise(widths)))
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(widths[-1], policies)

    def forward(self, faces: Tensor) -> Tensor:
        """Compute the log odds of a smile.

        Args:
            faces: float32 (n, 1, size, size), normalised.

        Returns:
            float32 (n, policies): log odds of a smile.
        """
        logits: Tensor = self.classifier(self.dropout(self.features(faces).mean((2, 3))))
        return logits


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; halves height and width.

    Average pooling before the shortcut's 1x1 convolution takes every pixel into account (ResNet-D, He et al. 2018).
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Make the block with fresh random weights."""
        super().__init__()
        self.residual = nn.Sequential(
            *_normalized(channels_in, channels_out, 3, stride=2),
            nn.ReLU(),
            *_normalized(channels_out, channels_out, 3),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), *_normalized(channels_in, channels_out, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """float32 (n, channels_in, 2 side, 2 side) -> float32 (n, channels_out, side, side)."""
        return F.relu(self.residual(maps) + self.shortcut(maps))


def _pooled(channels_in: int, channels_out: int, batch_norm: bool) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, 5, padding="same", bias=not batch_norm)
    normalization = [nn.BatchNorm2d(channels_out)] if batch_norm else []
    # The same values as with ReLU first, since it keeps the order of its inputs, on a quarter of them.
    return [convolution, *normalization, nn.MaxPool2d(2), nn.ReLU()]


def _normalized(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(channels_out)]


def build(recipe: ModelRecipe, spec: InputSpec, policies: int, seed: int) -> nn.Module:
    """Make the network of a recipe; its initial weights depend on ``seed`` alone."""
    torch.manual_seed(seed)
    if recipe.name == "lenet":
        return LeNet(spec, recipe.batch_norm, recipe.dropout, policies)
    return SmileNet(recipe.widths, recipe.dropout, policies)
