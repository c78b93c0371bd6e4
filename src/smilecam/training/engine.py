"""One epoch of training, and scoring: nothing here reads files or prints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn

from smilecam.classification.crop import normalize, resize
from smilecam.data.faces import MARGIN, FaceSet
from smilecam.errors import NonFiniteLoss
from smilecam.presets import InputSpec
from smilecam.training.augment import area_weights, augment, render_size, to_input
from smilecam.training.models import build
from smilecam.training.recipe import OptimizerRecipe, Recipe, TrainingRecipe
from smilecam.types import FloatArray, GreyImage, IntArray


@dataclass(frozen=True, slots=True)
class EpochResult:
    """Loss per picture (class-weighted in training, plain in validation) and share called right."""

    loss: float
    accuracy: float


class Progress(Protocol):
    """What is told of every step: a progress bar, for one."""

    def update(self, steps: int = 1) -> object:
        """Count ``steps`` more."""


@dataclass(frozen=True)
class Examples:
    """What is learned from.

    Attributes:
        faces: pictures and labels.
        policies: int64 (n,), which output each face's label is about.
        repeats: int64 (n,), how often an epoch shows each face.
        teacher: float32 (n, policies), a teacher's probabilities of a smile, or None.
    """

    faces: FaceSet
    policies: IntArray
    repeats: IntArray
    teacher: FloatArray | None = None


def class_weights(examples: Examples) -> Tensor:
    """Weight of each class: the size of the larger class over its own, as in the reference run.

    Args:
        examples: the training part, both classes present in every policy.

    Returns:
        float32 (policies, 2): 1 for the larger class of each policy.
    """
    counts = np.zeros((examples.policies.max() + 1, 2))
    np.add.at(counts, (examples.policies, examples.faces.labels), 1)
    return torch.tensor(counts.max(axis=1, keepdims=True) / counts, dtype=torch.float32)


def plain_inputs(pictures: GreyImage, spec: InputSpec) -> Tensor:
    """The network's input without augmentation, made by the run time's own functions.

    Args:
        pictures: uint8 (n, side, side).
        spec: size and normalisation.

    Returns:
        float32 (n, 1, size, size), on the CPU.
    """
    small = np.stack([resize(picture, spec.size) for picture in pictures])
    return torch.from_numpy(normalize(small, spec.normalization)).unsqueeze(1)


class Batch(NamedTuple):
    """Some examples, ready for the network.

    Attributes:
        inputs: float32 (b, 1, size, size).
        labels: int64 (b,).
        policies: int64 (b,).
        teacher: float32 (b, policies), or None.
    """

    inputs: Tensor
    labels: Tensor
    policies: Tensor
    teacher: Tensor | None


class Batches:
    """The training part, shuffled and augmented anew in every epoch.

    What an epoch shows depends on the seed and the epoch's number alone, so a resumed run sees the same.
    """

    def __init__(self, examples: Examples, recipe: Recipe, seed: int, device: torch.device) -> None:
        """Move the pictures to ``device``: as uint8 to be augmented there, or as finished inputs."""
        self._recipe, self._seed, self._device = recipe, seed, device
        self._rows = torch.from_numpy(np.repeat(np.arange(len(examples.faces)), examples.repeats))
        self._labels = torch.from_numpy(examples.faces.labels).to(device)
        self._policies = torch.from_numpy(examples.policies).to(device)
        self._teacher = None if examples.teacher is None else torch.from_numpy(examples.teacher).to(device)
        if recipe.augmentation is None:
            self._pictures = plain_inputs(examples.faces.framed, recipe.input).to(device)
        else:
            self._pictures = torch.from_numpy(examples.faces.pictures).unsqueeze(1).to(device)
        self._area = area_weights(render_size(recipe.input), recipe.input.size).to(device)

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self._recipe.training.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of the epoch ``number``."""
        # Dropout draws from the global generator; the rest from one of its own.
        torch.manual_seed(_epoch_seed(self._seed, number, stream=1))
        generator = torch.Generator().manual_seed(_epoch_seed(self._seed, number, stream=0))
        order = self._rows[torch.randperm(len(self._rows), generator=generator)].to(self._device)
        for rows in torch.split(order, self._recipe.training.batch_size):
            teacher = None if self._teacher is None else self._teacher[rows]
            yield Batch(self._inputs(rows, generator, number), self._labels[rows], self._policies[rows], teacher)

    def _inputs(self, rows: Tensor, generator: torch.Generator, number: int) -> Tensor:
        settings = self._recipe.augmentation
        if settings is None:
            return self._pictures[rows]
        size = render_size(self._recipe.input)
        gentle = settings.gentle * (number - 1) / max(1, self._recipe.training.epochs - 1)
        changed = augment(self._pictures[rows].float(), settings, generator, size, MARGIN, gentle)
        return to_input(changed, self._area, self._recipe.input)


def _epoch_seed(seed: int, epoch: int, stream: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, stream]).generate_state(1)[0])


def make_optimizer(model: nn.Module, recipe: OptimizerRecipe) -> torch.optim.AdamW:
    """Adam; with no weight decay it is the plain one. Biases and normalisations do not decay."""
    groups: list[dict[str, Any]] = [
        {"params": [value for value in model.parameters() if value.ndim > 1]},
        {"params": [value for value in model.parameters() if value.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


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


def make_learner(recipe: Recipe, seed: int, device: torch.device) -> Learner:
    """A fresh network by a recipe, with all that its training changes; its first weights depend on ``seed`` alone."""
    model = build(recipe.model, recipe.input, recipe.training.policies, seed).to(device)
    if recipe.training.precision == "bfloat16":
        model = torch.nn.utils.convert_conv2d_weight_memory_format(model, torch.channels_last)  # what is fast for it
    decay = recipe.optimizer.average_decay
    average = WeightAverage(model, decay) if decay else None
    return Learner(model, make_optimizer(model, recipe.optimizer), average)


def train_one_epoch(
    learner: Learner, batches: Batches, number: int, recipe: Recipe, weights: Tensor | None, progress: Progress
) -> EpochResult:
    """Go once over the training part.

    Args:
        learner: changed in place.
        batches: the training part.
        number: of the epoch, from 1.
        recipe: schedule and targets.
        weights: float32 (policies, 2), weight of each class, or None.
        progress: told of every batch.

    Raises:
        NonFiniteLoss: a batch's loss is infinite or not a number.
    """
    learner.model.train()
    total_loss, right, seen = 0.0, 0, 0
    for step, batch in enumerate(batches.epoch(number)):
        done = (number - 1 + step / len(batches)) / recipe.training.epochs
        _set_learning_rate(learner.optimizer, recipe.optimizer, done)
        logits = _forward(learner.model, batch.inputs, recipe.training.precision)
        loss = batch_loss(logits, batch, weights, recipe.training)
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
        total_loss += value * len(batch.labels)
        right += int(((_own(logits, batch.policies) > 0) == batch.labels).sum())
        seen += len(batch.labels)
        progress.update()
    return EpochResult(total_loss / seen, right / seen)


def _forward(model: nn.Module, inputs: Tensor, precision: str) -> Tensor:
    if precision == "float32":
        logits: Tensor = model(inputs)
        return logits
    with torch.autocast(inputs.device.type, torch.bfloat16):
        logits = model(inputs.contiguous(memory_format=torch.channels_last))
    return logits.float()


def _own(logits: Tensor, policies: Tensor) -> Tensor:
    """(n,): of each face's logits, the one that its label is about."""
    return logits.gather(1, policies.unsqueeze(1)).squeeze(1)


def batch_loss(logits: Tensor, batch: Batch, weights: Tensor | None, settings: TrainingRecipe) -> Tensor:
    """Mean loss of a batch: cross-entropy against smoothed labels, and against the teacher where there is one.

    Args:
        logits: float32 (b, policies).
        batch: labels and teacher.
        weights: float32 (policies, 2), weight of each class in the labels' part, or None.
        settings: smoothing and the teacher's share.
    """
    own = _own(logits, batch.policies)
    targets = batch.labels * (1 - settings.label_smoothing) + settings.label_smoothing / 2
    each = F.binary_cross_entropy_with_logits(own, targets, reduction="none")
    loss = (each if weights is None else each * weights[batch.policies, batch.labels]).mean()
    if batch.teacher is None:
        return loss
    taught = F.binary_cross_entropy_with_logits(logits, batch.teacher)
    return settings.distillation * taught + (1 - settings.distillation) * loss


WARM_UP = 0.1
"""Share of a one-cycle run in which the learning rate rises."""


def _set_learning_rate(optimizer: torch.optim.Optimizer, recipe: OptimizerRecipe, done: float) -> None:
    factor = 1.0
    if recipe.schedule == "cosine":
        factor = (1 + math.cos(math.pi * done)) / 2
    elif recipe.schedule == "one_cycle":
        fall = (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2
        factor = done / WARM_UP if done < WARM_UP else fall
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate * factor


@torch.inference_mode()
def classify_faces(model: nn.Module, weights: dict[str, Tensor], inputs: Tensor, batch_size: int = 512) -> Tensor:
    """Run the network with the given weights, in evaluation mode.

    Args:
        model: gives the structure; its own weights stay as they are.
        weights: as in ``Learner.weights``.
        inputs: float32 (n, 1, size, size), on the model's device.
        batch_size: faces at a time.

    Returns:
        float32 (n, policies) logits, on the CPU.
    """
    model.eval()
    parts = [torch.func.functional_call(model, weights, (part,)) for part in torch.split(inputs, batch_size)]
    return torch.cat(parts).cpu()


def validate(logits: Tensor, labels: Tensor) -> EpochResult:
    """Plain loss and share called right at even odds.

    Args:
        logits: float32 (n,), log odds of a smile.
        labels: int64 (n,).
    """
    loss = float(F.binary_cross_entropy_with_logits(logits, labels.float()))
    return EpochResult(loss, float(((logits > 0) == labels).float().mean()))
