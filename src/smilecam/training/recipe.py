"""Recipes: what to train and how, read from small TOML files."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from smilecam.config import InputSpec
from smilecam.errors import TrainingError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """Which network.

    Attributes:
        name: a name that ``smilecam.training.models.build`` knows.
        batch_norm: normalise after each convolution.
        dropout: share of the dense layer's values dropped in training.
    """

    name: Literal["lenet"]
    batch_norm: bool
    dropout: float


@dataclass(frozen=True, slots=True)
class OptimizerRecipe:
    """How weights move: Adam with decoupled weight decay.

    Attributes:
        learning_rate: at the start.
        weight_decay: share of a weight taken away each step, times the learning rate.
        schedule: "constant", or "cosine" down to zero over all epochs.
        average_decay: share of the old value kept each step in a running mean of the weights, which is what is
            evaluated and exported; 0 for none.
    """

    learning_rate: float
    weight_decay: float
    schedule: Literal["constant", "cosine"]
    average_decay: float


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How long, on what share, and against which imbalance.

    Attributes:
        epochs: passes over the training part.
        batch_size: pictures a step.
        validation_share: share of each class held out.
        class_weights: weigh each class by the size of the largest over its own, on the training part.
        label_smoothing: share of the target spread over both classes.
    """

    epochs: int
    batch_size: int
    validation_share: float
    class_weights: bool
    label_smoothing: float


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far each picture of a batch is changed at random; every amount is uniform in its range.

    Attributes:
        translation: largest shift each way, as a share of the side, across and down.
        rotation: largest turn each way, in degrees.
        scale: largest change of size each way, as a share.
        flip: probability of a mirror image.
        brightness: largest change each way, in grey values.
        contrast: largest change of the spread around the mean each way, as a share.
    """

    translation: float
    rotation: float
    scale: float
    flip: float
    brightness: float
    contrast: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a run needs besides data, a seed and a machine."""

    name: str
    description: str
    model: ModelRecipe
    input: InputSpec
    optimizer: OptimizerRecipe
    training: TrainingRecipe
    augmentation: Augmentation | None

    def with_epochs(self, epochs: int | None) -> Recipe:
        """The same recipe for another number of epochs, or unchanged for None."""
        if epochs is None:
            return self
        return dataclasses.replace(self, training=dataclasses.replace(self.training, epochs=epochs))

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values."""
        return dataclasses.asdict(self, dict_factory=lambda items: {key: _plain(value) for key, value in items})


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def recipe_names() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = resources.files("smilecam.training") / "recipes"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name: str) -> Recipe:
    """Read a recipe of the package by its name, or any TOML file by its path.

    Raises:
        TrainingError: there is no such recipe, or it does not say what it must.
    """
    if name in recipe_names():
        text = (resources.files("smilecam.training") / "recipes" / f"{name}.toml").read_text("utf-8")
        return parse_recipe(name, text)
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise TrainingError(f"no recipe {name!r}: choose {', '.join(recipe_names())}, or a .toml file")
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise TrainingError(f"recipe {name} cannot be read as text") from error
    return parse_recipe(path.stem, text)


def parse_recipe(name: str, text: str) -> Recipe:
    """Read a recipe from TOML.

    Raises:
        TrainingError: it is not TOML, a value is missing, unknown, or of the wrong kind.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"recipe {name}: {error}") from error
    parts = {"model": ModelRecipe, "input": InputSpec, "optimizer": OptimizerRecipe, "training": TrainingRecipe}
    unknown = set(tables) - {"description", "augmentation", *parts}
    if unknown:
        raise TrainingError(f"recipe {name}: unknown table or key {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {
        part: _fill(kind, tables.get(part, {}), f"recipe {name}, [{part}]") for part, kind in parts.items()
    }
    augmentation = None
    if "augmentation" in tables:
        augmentation = _fill(Augmentation, tables["augmentation"], f"recipe {name}, [augmentation]")
    description = str(tables.get("description", ""))
    return Recipe(name=name, description=description, augmentation=augmentation, **values)


def _fill(kind: type[T], table: dict[str, Any], where: str) -> T:
    hints = get_type_hints(kind)
    if not isinstance(table, dict):
        raise TrainingError(f"{where}: a table is needed")
    wrong = set(hints) ^ set(table)
    if wrong:
        raise TrainingError(f"{where}: missing or unknown {', '.join(sorted(wrong))}")
    return kind(**{key: _value(hint, table[key], key, where) for key, hint in hints.items()})


def _value(hint: Any, value: object, key: str, where: str) -> object:  # noqa: ANN401 - a type hint may be anything
    choices = [member.value for member in hint] if _is_enum(hint) else get_args(hint)
    if choices:
        if value not in choices:
            raise TrainingError(f"{where} {key}: {value!r} is not one of {', '.join(map(str, choices))}")
        return hint(value) if _is_enum(hint) else value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TrainingError(f"{where} {key}: {value!r} is not of type {hint.__name__}")
    low, high = RANGES.get(key, (-math.inf, math.inf))
    if isinstance(value, int | float) and not low <= value <= high:
        raise TrainingError(f"{where} {key}: {value!r} is not from {low:g} to {high:g}")
    return value


RANGES = {
    "dropout": (0, 0.95),
    "size": (8, 512),
    "learning_rate": (0, 10),
    "weight_decay": (0, 10),
    "average_decay": (0, 0.99999),
    "epochs": (1, 100_000),
    "batch_size": (1, 100_000),
    "validation_share": (0.01, 0.9),
    "label_smoothing": (0, 0.9),
    "translation": (0, 1),
    "rotation": (0, 180),
    "scale": (0, 0.9),
    "flip": (0, 1),
    "brightness": (0, 255),
    "contrast": (0, 1),
}
"""What makes sense for each number of a recipe, ends included."""


def _is_enum(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)
