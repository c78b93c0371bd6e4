"""What a training run is to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from smilecam.data.splits import View
from smilecam.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Fold:
    """One part of a cross-validation: the fold ``number`` of ``count``, from 0, validates."""

    number: int
    count: int


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What to train, on what, and where the results go.

    Attributes:
        recipe: the network and how it learns.
        data: the data set that is split into training and validation parts: an archive or a folder.
        extra: further data sets, for the training part only.
        view: raw or clean, of all of them.
        seed: of the split, the first weights, the order and the augmentation.
        out: the folder of the run.
        resume: go on with the run in ``out``.
        fold: which fold validates; None for a random share, as the recipe says.
        teachers: folders of finished runs whose mean opinion is learned as well.
    """

    recipe: Recipe
    data: Path
    extra: tuple[Path, ...]
    view: View
    seed: int
    out: Path
    resume: bool
    fold: Fold | None = None
    teachers: tuple[Path, ...] = ()
