"""The networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from smilecam.config import InputSpec
from smilecam.training.recipe import ModelRecipe


class LeNet(nn.Module):
    """LeNet with ReLU, in the sizes of the reference run.

    conv 20@5x5, max-pool 2, conv 50@5x5, max-pool 2, dense 500, dense 2; convolutions keep the size. Weights
    start as Keras starts them (Glorot uniform, biases zero), since that is what the reference was made with.
    """

    def __init__(self, spec: InputSpec, batch_norm: bool = False, dropout: float = 0.0) -> None:
        """Make the network for square pictures of ``spec.size`` pixels, with fresh random weights."""
        super().__init__()
        reduced = spec.size // 4
        self.features = nn.Sequential(
            *_block(1, 20, batch_norm),
            *_block(20, 50, batch_norm),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(50 * reduced * reduced, 500),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(500, 2),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, faces: Tensor) -> Tensor:
        """Read faces.

        Args:
            faces: float32 (n, 1, size, size), normalised.

        Returns:
            float32 (n, 2): logits of not smiling and smiling.
        """
        logits: Tensor = self.classifier(self.features(faces))
        return logits


def _block(channels_in: int, channels_out: int, batch_norm: bool) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, 5, padding="same", bias=not batch_norm)
    normalization = [nn.BatchNorm2d(channels_out)] if batch_norm else []
    return [convolution, *normalization, nn.ReLU(), nn.MaxPool2d(2)]


def build(recipe: ModelRecipe, spec: InputSpec, seed: int) -> nn.Module:
    """Make the network of a recipe; its first weights depend on ``seed`` alone."""
    torch.manual_seed(seed)
    return LeNet(spec, recipe.batch_norm, recipe.dropout)
