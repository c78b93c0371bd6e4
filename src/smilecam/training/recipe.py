"""Recipes: what to train and how, read from small TOML files."""

from __future__ import annotations

import dataclasses
import inspect
import math
import tomllib
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from smilecam.errors import TrainingError
from smilecam.presets import InputSpec

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """Which network.

    Attributes:
        name: a name that ``smilecam.training.models.build`` knows.
        dropout: share of the dense layer's values dropped in training.
        batch_norm: LeNet only: normalise after each convolution.
        widths: SmileNet only: channels of the stem and of each block.
    """

    name: Literal["lenet", "smilenet"]
    dropout: float
    batch_norm: bool = False
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OptimizerRecipe:
    """How weights move: Adam with decoupled weight decay.

    Attributes:
        learning_rate: the largest of the run.
        weight_decay: share of a weight taken away each step, times the learning rate; biases and normalisations are
            left alone.
        schedule: "constant"; "cosine" down to zero over all epochs; or "one_cycle", the same after a rise over the
            first tenth.
        average_decay: share of the old value kept each step in a running mean of the weights, which is what is
            evaluated and exported; 0 for none.
    """

    learning_rate: float
    weight_decay: float
    schedule: Literal["constant", "cosine", "one_cycle"]
    average_decay: float


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How long, on what share, against which imbalance, and after whom.

    Attributes:
        epochs: passes over the training part.
        batch_size: pictures a step.
        validation_share: share of each class held out, where no fold is asked for.
        class_weights: weigh each class by the size of the largest over its own, on the training part.
        label_smoothing: share of the target spread over both classes.
        policies: 1, or 2 to give extra data an output of its own, because it follows other rules of what a smile is.
        repeat: how often an epoch shows each face of the data set that is split; those of extra data are shown once.
        distillation: share of the teacher's probabilities in the target; the labels have the rest.
        precision: of the arithmetic in forward and backward passes; weights are float32 in any case.
    """

    epochs: int
    batch_size: int
    validation_share: float
    class_weights: bool
    label_smoothing: float
    policies: int = 1
    repeat: int = 1
    distillation: float = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How each picture of a batch is changed at random; amounts are uniform in their range.

    Attributes:
        translation: largest shift each way, as a share of the side, across and down.
        rotation: largest turn each way, in degrees.
        scale: largest change of size each way, as a share.
        flip: probability of a mirror image.
        brightness: largest change each way, in grey values.
        contrast: largest change of the spread around the mean each way, as a share.
        stretch: largest change of width against height each way, as a share.
        gamma: largest change of the exponent each way, as a natural logarithm; small changes are more frequent.
        gradient: largest fall of light from one side of the face to the other, in grey values.
        noise: largest standard deviation of noise, in grey values; little noise is more frequent.
        degrade: probability that detail is lost: to blur, to a small picture, or to JPEG.
        occlusion: probability that a rectangle is covered.
        gentle: probability in the last epoch, growing evenly from 0 in the first, that a picture is only moved, and
            less far, so that a run ends on pictures like those it will meet.
    """

    translation: float
    rotation: float
    scale: float
    flip: float
    brightness: float
    contrast: float
    stretch: float = 0.0
    gamma: float = 0.0
    gradient: float = 0.0
    noise: float = 0.0
    degrade: float = 0.0
    occlusion: float = 0.0
    gentle: float = 0.0


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
    """As JSON has it, so that a recipe equals the one that was written to a file."""
    if isinstance(value, tuple):
        return list(value)
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
    unknown = set(tables) - {"description", "augmentation", *PARTS}
    if unknown:
        raise TrainingError(f"recipe {name}: unknown table or key {', '.join(sorted(unknown))}")
    return _assemble(name, tables)


PARTS = {"model": ModelRecipe, "input": InputSpec, "optimizer": OptimizerRecipe, "training": TrainingRecipe}


def _assemble(name: str, tables: dict[str, Any]) -> Recipe:
    values: dict[str, Any] = {
        part: _fill(kind, tables.get(part, {}), f"recipe {name}, [{part}]") for part, kind in PARTS.items()
    }
    augmentation = None
    if tables.get("augmentation") is not None:
        augmentation = _fill(Augmentation, tables["augmentation"], f"recipe {name}, [augmentation]")
    description = str(tables.get("description", ""))
    _check_halving(name, values["model"], values["input"])
    return Recipe(name=name, description=description, augmentation=augmentation, **values)


def _check_halving(name: str, model: ModelRecipe, spec: InputSpec) -> None:
    if model.name == "smilenet" and len(model.widths) < 2:
        raise TrainingError(f"recipe {name}, [model]: smilenet needs widths, of the stem and of one block or more")
    if model.name == "smilenet" and spec.size % 2 ** len(model.widths):
        raise TrainingError(f"recipe {name}: {spec.size} pixels cannot be halved {len(model.widths)} times")


def recipe_from_dict(content: dict[str, Any]) -> Recipe:
    """The recipe that ``Recipe.as_dict`` turned into plain values.

    Raises:
        TrainingError: a value is missing, unknown, or of the wrong kind.
        KeyError: the name is missing.
    """
    return _assemble(str(content["name"]), content)


def _fill(kind: type[T], table: dict[str, Any], where: str) -> T:
    hints = get_type_hints(kind)
    if not isinstance(table, dict):
        raise TrainingError(f"{where}: a table is needed")
    optional = {name for name, field in inspect.signature(kind).parameters.items() if field.default is not field.empty}
    wrong = (set(table) - set(hints)) | (set(hints) - optional - set(table))
    if wrong:
        raise TrainingError(f"{where}: missing or unknown {', '.join(sorted(wrong))}")
    return kind(**{key: _value(hints[key], value, key, where) for key, value in table.items()})


def _value(hint: Any, value: object, key: str, where: str) -> object:  # noqa: ANN401 - a type hint may be anything
    if hint == tuple[int, ...]:
        if not isinstance(value, list | tuple):
            raise TrainingError(f"{where} {key}: {value!r} is not a list")
        return tuple(_value(int, item, key, where) for item in value)
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
    "widths": (1, 4096),
    "size": (8, 512),
    "learning_rate": (0, 10),
    "weight_decay": (0, 10),
    "average_decay": (0, 0.99999),
    "epochs": (1, 100_000),
    "batch_size": (1, 100_000),
    "validation_share": (0.01, 0.9),
    "label_smoothing": (0, 0.9),
    "policies": (1, 2),
    "repeat": (1, 100),
    "distillation": (0, 1),
    "translation": (0, 1),
    "rotation": (0, 180),
    "scale": (0, 0.9),
    "flip": (0, 1),
    "brightness": (0, 255),
    "contrast": (0, 1),
    "stretch": (0, 0.5),
    "gamma": (0, 3),
    "gradient": (0, 255),
    "noise": (0, 255),
    "degrade": (0, 1),
    "occlusion": (0, 1),
    "gentle": (0, 1),
}
"""What makes sense for each number of a recipe, ends included."""


def _is_enum(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)
