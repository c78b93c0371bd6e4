"""One epoch of training, and scoring: nothing here reads files or prints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn

from smilecam.config import InputSpec
from smilecam.data.faces import FaceSet
from smilecam.errors import NonFiniteLoss
from smilecam.training.augment import area_weights, augment, to_input
from smilecam.training.recipe import Augmentation, OptimizerRecipe, Recipe
from smilecam.types import FloatArray, GreyPicture, IntArray
from smilecam.vision.crop import normalize, resize


@dataclass(frozen=True, slots=True)
class EpochResult:
    """Loss per picture (class-weighted in training, plain in validation) and share called right."""

    loss: float
    accuracy: float


class Progress(Protocol):
    """What is told of every step: a progress bar, for one."""

    def update(self, steps: int = 1) -> object:
        """Count ``steps`` more."""


def class_weights(labels: IntArray) -> Tensor:
    """Weight of each class: the size of the larger class over its own, as in the reference run.

    Args:
        labels: int (n,) of the training part, both classes present.

    Returns:
        float32 (2,): 1 for the larger class.
    """
    counts = np.bincount(labels, minlength=2)
    return torch.tensor(counts.max() / counts, dtype=torch.float32)


def plain_inputs(pictures: GreyPicture, spec: InputSpec) -> Tensor:
    """The network's input without augmentation, made by the run time's own functions.

    Args:
        pictures: uint8 (n, side, side).
        spec: size and normalisation.

    Returns:
        float32 (n, 1, size, size), on the CPU.
    """
    small = np.stack([resize(picture, spec.size) for picture in pictures])
    return torch.from_numpy(normalize(small, spec.normalization)).unsqueeze(1)


class Batches:
    """The training part, shuffled and augmented anew in every epoch.

    What an epoch shows depends on the seed and the epoch's number alone, so a resumed run sees the same.
    """

    def __init__(self, faces: FaceSet, recipe: Recipe, seed: int, device: torch.device) -> None:
        """Move the pictures to ``device``: as uint8 to be augmented there, or as finished inputs."""
        self._recipe, self._seed, self._device = recipe, seed, device
        self._labels = torch.from_numpy(faces.labels).to(device)
        if recipe.augmentation is None:
            self._pictures = plain_inputs(faces.pictures, recipe.input).to(device)
        else:
            self._pictures = torch.from_numpy(faces.pictures).unsqueeze(1).to(device)
        self._area = area_weights(faces.pictures.shape[-1], recipe.input.size).to(device)

    def __len__(self) -> int:
        return math.ceil(len(self._labels) / self._recipe.training.batch_size)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (inputs float32 (b, 1, size, size), labels int64 (b,)) for the epoch ``number``."""
        # Dropout draws from the global generator; the rest from one of its own.
        torch.manual_seed(_epoch_seed(self._seed, number, stream=1))
        generator = torch.Generator().manual_seed(_epoch_seed(self._seed, number, stream=0))
        order = torch.randperm(len(self._labels), generator=generator).to(self._device)
        for rows in torch.split(order, self._recipe.training.batch_size):
            yield self._inputs(rows, self._recipe.augmentation, generator), self._labels[rows]

    def _inputs(self, rows: Tensor, settings: Augmentation | None, generator: torch.Generator) -> Tensor:
        if settings is None:
            return self._pictures[rows]
        changed = augment(self._pictures[rows].float(), settings, generator)
        return to_input(changed, self._area, self._recipe.input)


def _epoch_seed(seed: int, epoch: int, stream: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, stream]).generate_state(1)[0])


def make_optimizer(model: nn.Module, recipe: OptimizerRecipe) -> torch.optim.AdamW:
    """Adam; with no weight decay it is the plain one."""
    return torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


class WeightAverage:
    """A running mean of weights and statistics; it forgets faster in its first steps, to leave the start behind."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Start from the model's present weights."""
        self.decay = decay
        self.steps = 0
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: nn.Module) -> None:
        """Take in the model's weights after a step."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value.detach(), 1 - decay)
            else:
                self.values[name].copy_(value)


@dataclass(slots=True)
class Learner:
    """All that changes while a run goes on."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None

    def weights(self) -> dict[str, Tensor]:
        """The weights to evaluate and export: the running mean where there is one."""
        return self.average.values if self.average else self.model.state_dict()


def train_one_epoch(
    learner: Learner, batches: Batches, number: int, recipe: Recipe, weights: Tensor | None, progress: Progress
) -> EpochResult:
    """Go once over the training part.

    Args:
        learner: changed in place.
        batches: the training part.
        number: of the epoch, from 1.
        recipe: schedule and smoothing.
        weights: float32 (2,), weight of each class, or None.
        progress: told of every batch.

    Raises:
        NonFiniteLoss: a batch's loss is infinite or not a number.
    """
    learner.model.train()
    total_loss, right, seen = 0.0, 0, 0
    for step, (inputs, labels) in enumerate(batches.epoch(number)):
        done = (number - 1 + step / len(batches)) / recipe.training.epochs
        _set_learning_rate(learner.optimizer, recipe.optimizer, done)
        logits = learner.model(inputs)
        loss = _loss(logits, labels, weights, recipe.training.label_smoothing)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise NonFiniteLoss(
                f"the loss became {value} in epoch {number}, batch {step + 1}: try a lower learning rate"
            )
        learner.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        learner.optimizer.step()
        if learner.average:
            learner.average.update(learner.model)
        total_loss += value * len(labels)
        right += int((logits.argmax(1) == labels).sum())
        seen += len(labels)
        progress.update()
    return EpochResult(total_loss / seen, right / seen)


def _loss(logits: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    each = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    return (each if weights is None else each * weights[labels]).mean()


def _set_learning_rate(optimizer: torch.optim.Optimizer, recipe: OptimizerRecipe, done: float) -> None:
    factor = (1 + math.cos(math.pi * done)) / 2 if recipe.schedule == "cosine" else 1.0
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate * factor


@torch.inference_mode()
def read_faces(model: nn.Module, weights: dict[str, Tensor], inputs: Tensor, batch_size: int = 512) -> Tensor:
    """Run the network with the given weights, in evaluation mode.

    Args:
        model: gives the structure; its own weights stay as they are.
        weights: as in ``Learner.weights``.
        inputs: float32 (n, 1, size, size), on the model's device.
        batch_size: faces at a time.

    Returns:
        float32 (n, 2) logits, on the CPU.
    """
    model.eval()
    parts = [torch.func.functional_call(model, weights, (part,)) for part in torch.split(inputs, batch_size)]
    return torch.cat(parts).cpu()


def validate(logits: Tensor, labels: Tensor) -> EpochResult:
    """Plain loss and share called right by the larger logit.

    Args:
        logits: float32 (n, 2).
        labels: int64 (n,).
    """
    loss = float(F.cross_entropy(logits, labels))
    return EpochResult(loss, float((logits.argmax(1) == labels).float().mean()))


def smile_probability(logits: Tensor) -> FloatArray:
    """Softmax, and of it the probability of a smile: float32 (n,)."""
    return np.asarray(logits.softmax(1)[:, 1].numpy(), dtype=np.float32)
