"""Settings of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from smilecam.data.splits import Variant
from smilecam.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Fold:
    """The fold ``number`` of ``count``, from 0, whose faces are held out."""

    number: int
    count: int


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Recipe, data and output folder of a run.

    Attributes:
        recipe: network and training.
        data: the main data set, an archive or a folder, which is split into training and validation sets.
        extra: more data sets, for the training set only.
        variant: raw or clean, for all data sets.
        seed: of split, initial weights, order and augmentation.
        out: the run's folder.
        resume: continue the run in ``out``.
        fold: the validation set in cross-validation; None for a random share by the recipe.
        teachers: folders of finished runs whose mean probabilities are the soft targets.
        labels: label files, each of them for the data set whose images it names.
    """

    recipe: Recipe
    data: Path
    extra: tuple[Path, ...]
    variant: Variant
    seed: int
    out: Path
    resume: bool
    fold: Fold | None = None
    teachers: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
