"""Batches, one epoch of training, and inference. No file access and no output."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

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
    """Mean loss per face (class-weighted in training, plain in validation) and accuracy."""

    loss: float
    accuracy: float


class Progress(Protocol):
    """A progress bar, or anything else that counts steps."""

    def update(self, steps: int = 1) -> object:
        """Count ``steps`` more."""


@dataclass(frozen=True)
class Examples:
    """The training set.

    Attributes:
        faces: images and labels.
        policies: int64 (n,), the output to which each face's label applies.
        repeats: int64 (n,), how often each face occurs in an epoch.
        soft_targets: float32 (n, policies), probabilities of a smile by the teachers, or None.
    """

    faces: FaceSet
    policies: IntArray
    repeats: IntArray
    soft_targets: FloatArray | None = None


def class_weights(examples: Examples) -> Tensor:
    """Weight of each class: size of the larger class divided by its own, as in the reference run.

    Args:
        examples: the training set, both classes present in every policy.

    Returns:
        float32 (policies, 2): 1 for the larger class of each policy.
    """
    counts = np.zeros((examples.policies.max() + 1, 2))
    np.add.at(counts, (examples.policies, examples.faces.labels), 1)
    return torch.tensor(counts.max(axis=1, keepdims=True) / counts, dtype=torch.float32)


def plain_inputs(images: GreyImage, spec: InputSpec) -> Tensor:
    """The network's input without augmentation, made by the same functions as at run time.

    Args:
        images: uint8 (n, side, side), grey.
        spec: size and normalisation.

    Returns:
        float32 (n, 1, size, size), on the CPU.
    """
    small = np.stack([resize(image, spec.size) for image in images])
    return torch.from_numpy(normalize(small, spec.normalization)).unsqueeze(1)


class Batch(NamedTuple):
    """Inputs and targets of one step.

    Attributes:
        inputs: float32 (b, 1, size, size).
        labels: int64 (b,).
        policies: int64 (b,).
        soft_targets: float32 (b, policies), or None.
        soft_labels: float32 (b,), probabilities of a smile in place of the labels, or None.
    """

    inputs: Tensor
    labels: Tensor
    policies: Tensor
    soft_targets: Tensor | None
    soft_labels: Tensor | None = None


class Batches:
    """The training set, shuffled and augmented anew in every epoch.

    An epoch's batches depend on the seed and the epoch's number alone, so a resumed run gets the same ones.
    """

    def __init__(self, examples: Examples, recipe: Recipe, seed: int, device: torch.device) -> None:
        """Move the images to ``device``: as uint8 for augmentation there, or as finished inputs without it."""
        self._recipe, self._seed, self._device = recipe, seed, device
        self._rows = torch.from_numpy(np.repeat(np.arange(len(examples.faces)), examples.repeats))
        self._labels = torch.from_numpy(examples.faces.labels).to(device)
        self._policies = torch.from_numpy(examples.policies).to(device)
        soft_targets = examples.soft_targets
        self._soft_targets = None if soft_targets is None else torch.from_numpy(soft_targets).to(device)
        soft_labels = examples.faces.soft_labels
        self._soft_labels = None if soft_labels is None else torch.from_numpy(soft_labels).to(device)
        if recipe.augmentation is None:
            self._images = plain_inputs(examples.faces.framed, recipe.input).to(device)
        else:
            self._images = torch.from_numpy(examples.faces.images).unsqueeze(1).to(device)
        self._area = area_weights(render_size(recipe.input), recipe.input.size).to(device)

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self._recipe.training.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of the epoch ``number``, from 1."""
        # Dropout draws from the global generator, everything else from the local one.
        torch.manual_seed(_epoch_seed(self._seed, number, stream=1))
        generator = torch.Generator().manual_seed(_epoch_seed(self._seed, number, stream=0))
        order = self._rows[torch.randperm(len(self._rows), generator=generator)].to(self._device)
        for rows in torch.split(order, self._recipe.training.batch_size):
            yield Batch(
                self._inputs(rows, generator, number),
                self._labels[rows],
                self._policies[rows],
                None if self._soft_targets is None else self._soft_targets[rows],
                None if self._soft_labels is None else self._soft_labels[rows],
            )

    def _inputs(self, rows: Tensor, generator: torch.Generator, number: int) -> Tensor:
        settings = self._recipe.augmentation
        if settings is None:
            return self._images[rows]
        size = render_size(self._recipe.input)
        annealing = settings.annealing * (number - 1) / max(1, self._recipe.training.epochs - 1)
        augmented = augment(self._images[rows].float(), settings, generator, size, MARGIN, annealing)
        return to_input(augmented, self._area, self._recipe.input)


def _epoch_seed(seed: int, epoch: int, stream: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, stream]).generate_state(1)[0])


def make_optimizer(model: nn.Module, recipe: OptimizerRecipe) -> torch.optim.AdamW:
    """AdamW without decay of biases and normalisations; with a weight decay of 0 it equals Adam."""
    groups: list[dict[str, Any]] = [
        {"params": [value for value in model.parameters() if value.ndim > 1]},
        {"params": [value for value in model.parameters() if value.ndim <= 1], "weight_decay": 0.0},
    ]
    on_gpu = next(model.parameters()).is_cuda
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=on_gpu or None)


WARM_UP_STEPS = 10
"""The weight average forgets faster in its first steps, to leave the initial weights behind."""


def make_ema(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and batch-norm statistics, its decay min(decay, steps / (steps + 10)).

    The model's present weights are its first sample, so ``n_averaged`` is one more than the number of updates.
    """

    @torch.no_grad()
    def update(averages: Sequence[Tensor], values: Sequence[Tensor], n_averaged: Tensor | int) -> None:
        steps = int(n_averaged)
        kept = min(decay, steps / (steps + WARM_UP_STEPS))
        if averages[0].is_floating_point():  # all of one call have the same type
            get_ema_multi_avg_fn(kept)(averages, values, n_averaged)  # type: ignore[no-untyped-call]
            return
        for average, value in zip(averages, values, strict=True):
            average.copy_(value)

    ema = AveragedModel(model, multi_avg_fn=update, use_buffers=True)
    ema.n_averaged.fill_(1)
    return ema


@dataclass(slots=True)
class TrainState:
    """Everything that changes during a run, besides the epoch's number.

    Attributes:
        model: network that is trained.
        optimizer: of its weights.
        ema: average of the weights, or None where the recipe has none.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    ema: AveragedModel | None

    @property
    def final_model(self) -> nn.Module:
        """The network to evaluate and export: with averaged weights where there are any."""
        return self.ema.module if self.ema else self.model

    @property
    def ema_steps(self) -> int:
        """Updates of the weight average; 0 without one."""
        return int(self.ema.n_averaged) - 1 if self.ema else 0

    @ema_steps.setter
    def ema_steps(self, steps: int) -> None:
        if self.ema:
            self.ema.n_averaged.fill_(steps + 1)


def make_train_state(recipe: Recipe, seed: int, device: torch.device) -> TrainState:
    """The state before the first epoch; the initial weights depend on ``seed`` alone."""
    model = build(recipe.model, recipe.input, recipe.training.policies, seed).to(device)
    if recipe.training.precision == "bfloat16" or device.type == "cpu":
        # The faster memory layout for this precision, and on the CPU: outputs of convolutions follow their weights.
        model = torch.nn.utils.convert_conv2d_weight_memory_format(model, torch.channels_last)
    decay = recipe.optimizer.average_decay
    ema = make_ema(model, decay) if decay else None
    return TrainState(model, make_optimizer(model, recipe.optimizer), ema)


WARM_UP = 0.1
"""Share of a one-cycle run during which the learning rate rises."""


def learning_rate_factor(schedule: str, progress: float) -> float:
    """The learning rate as a share of the recipe's.

    Args:
        schedule: of ``OptimizerRecipe``.
        progress: share of the run that is done, from 0 to 1.
    """
    if schedule == "constant":
        return 1.0
    start = WARM_UP if schedule == "one_cycle" else 0.0
    if progress < start:
        return progress / start
    return (1 + math.cos(math.pi * (progress - start) / (1 - start))) / 2


def epoch_schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, epoch: int, batches: int) -> LambdaLR:
    """The learning rate's schedule within an epoch: ``step()`` after each batch.

    It depends on the epoch's number alone, so that a resumed run needs no state of it.

    Args:
        optimizer: its learning rate is set at once.
        recipe: schedule and number of epochs.
        epoch: from 1.
        batches: in each epoch.
    """

    def factor(step: int) -> float:
        return learning_rate_factor(recipe.optimizer.schedule, (epoch - 1 + step / batches) / recipe.training.epochs)

    return LambdaLR(optimizer, factor)


def train_one_epoch(
    state: TrainState, batches: Batches, number: int, recipe: Recipe, weights: Tensor | None, progress: Progress
) -> EpochResult:
    """Train for one epoch.

    Args:
        state: changed in place.
        batches: the training set.
        number: of the epoch, from 1.
        recipe: schedule and loss.
        weights: float32 (policies, 2), weight of each class, or None.
        progress: updated after every batch.

    Raises:
        NonFiniteLoss: a batch's loss is infinite or not a number.
    """
    state.model.train()
    schedule = epoch_schedule(state.optimizer, recipe, number, len(batches))
    tally = Tally(number)
    for batch in batches.epoch(number):
        logits = _forward(state.model, batch.inputs, recipe.training.precision)
        loss = batch_loss(logits, batch, weights, recipe.training)
        tally.add(loss.detach(), _own(logits.detach(), batch.policies) > 0, batch.labels)
        state.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        state.optimizer.step()
        schedule.step()
        if state.ema:
            state.ema.update_parameters(state.model)
        progress.update()
    return tally.result()


CHECK_EVERY = 64
"""Batches between two checks of the losses: a GPU stands still while one of its numbers is waited for."""


class Tally:
    """Losses and correct answers of an epoch, which stay on the device that trains until they are checked."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._waiting: list[Tensor] = []
        self._losses: list[float] = []
        self._sizes: list[int] = []
        self._right = torch.zeros((), dtype=torch.int64)

    def add(self, loss: Tensor, smiling: Tensor, labels: Tensor) -> None:
        """Add a batch: its mean loss, a scalar; and for each of its faces the answer and the label.

        Raises:
            NonFiniteLoss: the loss of this batch, or of one not long ago, is infinite or not a number.
        """
        self._waiting.append(loss)
        self._sizes.append(len(labels))
        self._right = self._right.to(labels.device) + (smiling == labels).sum()
        if len(self._waiting) == CHECK_EVERY:
            self._check()

    def result(self) -> EpochResult:
        """Mean loss and accuracy over all faces.

        Raises:
            NonFiniteLoss: as in ``add``.
        """
        self._check()
        seen = sum(self._sizes)
        total = sum(loss * size for loss, size in zip(self._losses, self._sizes, strict=True))
        return EpochResult(total / seen, int(self._right) / seen)

    def _check(self) -> None:
        for value in torch.stack(self._waiting).tolist() if self._waiting else []:
            self._losses.append(value)
            if not math.isfinite(value):
                where = f"epoch {self._epoch}, batch {len(self._losses)}"
                raise NonFiniteLoss(f"the loss became {value} in {where}: try a lower learning rate")
        self._waiting.clear()


def _forward(model: nn.Module, inputs: Tensor, precision: str) -> Tensor:
    if precision == "float32":
        logits: Tensor = model(inputs)
        return logits
    with torch.autocast(inputs.device.type, torch.bfloat16):
        logits = model(inputs.contiguous(memory_format=torch.channels_last))
    return logits.float()


def _own(logits: Tensor, policies: Tensor) -> Tensor:
    """(n,): of each face's logits, the one to which its label applies."""
    return logits.gather(1, policies.unsqueeze(1)).squeeze(1)


def batch_loss(logits: Tensor, batch: Batch, weights: Tensor | None, settings: TrainingRecipe) -> Tensor:
    """Mean loss of a batch: cross-entropy against smoothed (soft) labels and, with teachers, against soft targets.

    Args:
        logits: float32 (b, policies).
        batch: labels, soft labels and soft targets.
        weights: float32 (policies, 2), weight of each class in the labels' share of the loss, or None.
        settings: label smoothing and the share of the soft targets.
    """
    own = _own(logits, batch.policies)
    stated = batch.labels.float() if batch.soft_labels is None else batch.soft_labels
    targets = stated * (1 - settings.label_smoothing) + settings.label_smoothing / 2
    each = F.binary_cross_entropy_with_logits(own, targets, reduction="none")
    if weights is not None:
        rest, smiles = weights[batch.policies].unbind(1)
        each = each * ((1 - stated) * rest + stated * smiles)
    loss = each.mean()
    if batch.soft_targets is None:
        return loss
    distilled = F.binary_cross_entropy_with_logits(logits, batch.soft_targets)
    return settings.distillation * distilled + (1 - settings.distillation) * loss


@torch.inference_mode()
def predict_logits(model: nn.Module, inputs: Tensor, batch_size: int = 512) -> Tensor:
    """Run a network in evaluation mode.

    Args:
        model: switched to evaluation mode.
        inputs: float32 (n, 1, size, size), on the model's device.
        batch_size: faces at a time.

    Returns:
        float32 (n, policies) logits, on the CPU.
    """
    model.eval()
    return torch.cat([model(batch) for batch in torch.split(inputs, batch_size)]).cpu()


def validate(logits: Tensor, labels: Tensor) -> EpochResult:
    """Plain loss, and accuracy at a threshold of 0.5.

    Args:
        logits: float32 (n,), log odds of a smile.
        labels: int64 (n,), 1 smiling, 0 not smiling.
    """
    loss = float(F.binary_cross_entropy_with_logits(logits, labels.float()))
    return EpochResult(loss, float(((logits > 0) == labels).float().mean()))
