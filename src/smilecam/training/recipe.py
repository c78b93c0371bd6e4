"""Recipes: network, input, optimizer, training and augmentation, loaded from small TOML files."""

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
    """The network.

    Attributes:
        name: one of the names of ``smilecam.training.models.build``.
        dropout: share of the dense layer's inputs dropped in training.
        batch_norm: LeNet only: batch normalisation after each convolution.
        widths: SmileNet only: channels of the stem and of each block.
    """

    name: Literal["lenet", "smilenet"]
    dropout: float
    batch_norm: bool = False
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OptimizerRecipe:
    """AdamW, its learning-rate schedule and the weight average (EMA).

    Attributes:
        learning_rate: maximum of the run.
        weight_decay: decoupled weight decay, relative to the learning rate; not for biases and normalisations.
        schedule: "constant"; "cosine" down to zero over all epochs; or "one_cycle", a linear rise over the first tenth
            and then a cosine down to zero.
        average_decay: decay per step of the exponential moving average of the weights, which is evaluated and
            exported in place of them; 0 for none.
    """

    learning_rate: float
    weight_decay: float
    schedule: Literal["constant", "cosine", "one_cycle"]
    average_decay: float


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """Length, batches, validation split and loss.

    Attributes:
        epochs: passes over the training set.
        batch_size: faces per step.
        validation_share: share of each class held out, except in cross-validation.
        class_weights: weigh each class by the size of the largest class divided by its own, in the training set.
        label_smoothing: share of the target spread over both classes.
        policies: number of outputs: 1; 2 for an output of its own for extra data, whose labels follow other rules; or
            more, for an output of its own for each extra data set, the last one shared by those that remain. 0 stands
            for one output for each data set of the run, until ``Recipe.with_outputs`` replaces it.
        repeat: occurrences per epoch of each face of the main data set; faces of extra data occur once.
        distillation: share of the teachers' soft targets in the loss; the rest is the labels'.
        precision: of the arithmetic in forward and backward passes; weights are always float32.
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
    """Random changes of each image of a batch; amounts are uniform in their range unless stated otherwise.

    Attributes:
        translation: maximum shift each way, as a share of the side, horizontal and vertical.
        rotation: maximum each way, in degrees.
        scale: maximum change of size each way, as a share.
        flip: probability of a horizontal flip.
        brightness: maximum change each way, in grey values.
        contrast: maximum change of the spread around the mean each way, as a share.
        stretch: maximum change of the aspect ratio each way, as a share.
        gamma: maximum change of the exponent each way, as a natural logarithm; small changes are more frequent.
        gradient: maximum brightness difference from one side of the face to the other, in grey values.
        noise: maximum standard deviation of noise, in grey values; little noise is more frequent.
        degrade: probability of blur, a low resolution, or JPEG artefacts.
        occlusion: probability of a grey rectangle over a part of the face.
        annealing: probability in the last epoch, growing linearly from 0 in the first, that an image is only
            transformed geometrically and in a smaller range, so that a run ends on nearly unchanged images.
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
    annealing: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that defines a run besides data, seed and machine."""

    name: str
    description: str
    model: ModelRecipe
    input: InputSpec
    optimizer: OptimizerRecipe
    training: TrainingRecipe
    augmentation: Augmentation | None

    def with_epochs(self, epochs: int | None) -> Recipe:
        """A copy with another number of epochs; unchanged for None."""
        if epochs is None:
            return self
        return dataclasses.replace(self, training=dataclasses.replace(self.training, epochs=epochs))

    def with_outputs(self, data_sets: int) -> Recipe:
        """A copy with an output for each data set of a run, if the recipe leaves their number open."""
        if self.training.policies:
            return self
        return dataclasses.replace(self, training=dataclasses.replace(self.training, policies=data_sets))

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values."""
        return dataclasses.asdict(self, dict_factory=lambda items: {key: _plain(value) for key, value in items})


def _plain(value: object) -> object:
    """The value as it is after a round trip through JSON, so that recipes in files can be compared."""
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, Enum) else value


def recipe_names() -> list[str]:
    """Names of the packaged recipes."""
    folder = resources.files("smilecam.training") / "recipes"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name: str) -> Recipe:
    """Load a packaged recipe by name, or a TOML file by path.

    Raises:
        TrainingError: there is no such recipe, or it is not valid.
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
    """Parse a recipe.

    Raises:
        TrainingError: the text is not TOML, or a value is missing, unknown, or of the wrong type.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"recipe {name}: {error}") from error
    unknown = set(tables) - {"description", "augmentation", *TABLES}
    if unknown:
        raise TrainingError(f"recipe {name}: unknown table or key {', '.join(sorted(unknown))}")
    return _assemble(name, tables)


TABLES = {"model": ModelRecipe, "input": InputSpec, "optimizer": OptimizerRecipe, "training": TrainingRecipe}


def _assemble(name: str, tables: dict[str, Any]) -> Recipe:
    values: dict[str, Any] = {
        table: _fill(kind, tables.get(table, {}), f"recipe {name}, [{table}]") for table, kind in TABLES.items()
    }
    augmentation = None
    if tables.get("augmentation") is not None:
        augmentation = _fill(Augmentation, tables["augmentation"], f"recipe {name}, [augmentation]")
    description = str(tables.get("description", ""))
    _check_halving(name, values["model"], values["input"])
    return Recipe(name=name, description=description, augmentation=augmentation, **values)


RENAMED_KEYS = {"gentle": "annealing"}
"""Former name of a recipe's key -> present one."""


def current_keys(table: dict[str, Any]) -> dict[str, Any]:
    """A TOML table or JSON object with the present names of its keys."""
    renamed = {old: new for old, new in RENAMED_KEYS.items() if new not in table}
    return {renamed.get(key, key): value for key, value in table.items()}


def _check_halving(name: str, model: ModelRecipe, spec: InputSpec) -> None:
    if model.name == "smilenet" and len(model.widths) < 2:
        raise TrainingError(f"recipe {name}, [model]: smilenet needs widths, of the stem and of one block or more")
    if model.name == "smilenet" and spec.size % 2 ** len(model.widths):
        raise TrainingError(f"recipe {name}: {spec.size} pixels cannot be halved {len(model.widths)} times")


def recipe_from_dict(content: dict[str, Any]) -> Recipe:
    """The inverse of ``Recipe.as_dict``.

    Raises:
        TrainingError: a value is missing, unknown, or of the wrong type.
        KeyError: the name is missing.
    """
    return _assemble(str(content["name"]), content)


def _fill(kind: type[T], table: dict[str, Any], where: str) -> T:
    hints = get_type_hints(kind)
    if not isinstance(table, dict):
        raise TrainingError(f"{where}: a table is needed")
    table = current_keys(table)
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
    "policies": (0, 16),
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
    "annealing": (0, 1),
}
"""Range of each number of a recipe, ends included."""


def _is_enum(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)
