"""Finished runs: their networks, and what these say as teachers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from smilecam.errors import TrainingError
from smilecam.training import engine
from smilecam.training.checkpoint import load_checkpoint
from smilecam.training.parts import Parts
from smilecam.training.recipe import Recipe, recipe_from_dict
from smilecam.training.settings import RunSettings
from smilecam.types import FloatArray


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that a run wrote.

    Raises:
        TrainingError: it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"cannot read {path}: is it the folder of a finished run?") from error
    if not isinstance(content, dict):
        raise TrainingError(f"{path} does not hold what a run writes")
    return content


@dataclass(frozen=True)
class RunNetwork:
    """The network of a finished run.

    Attributes:
        network: with the weights that were evaluated, in evaluation mode.
        recipe: it was trained by.
        config: all of the run's settings.
    """

    network: torch.nn.Module
    recipe: Recipe
    config: dict[str, Any]

    @property
    def validation_digest(self) -> str:
        """Content digest of the faces that the run held out."""
        return str(self.config["data"]["validation"]["content_digest"])


def load_run_network(run: Path) -> RunNetwork:
    """Read the network of a finished run.

    Raises:
        TrainingError: the folder does not hold a finished run.
    """
    config = read_json(run / "config.json")
    read_json(run / "metrics.json")
    try:
        recipe = recipe_from_dict(config["recipe"])
        learner = engine.make_learner(recipe, config["seed"], torch.device("cpu"))
        model = learner.model
        RunNetwork(model, recipe, config).validation_digest  # noqa: B018 - it must be there
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{run / 'config.json'} does not describe a run of this version") from error
    load_checkpoint(run / "checkpoint.npz", learner)
    model.load_state_dict(learner.weights())
    return RunNetwork(model.eval(), recipe, config)


def ask_teachers(settings: RunSettings, parts: Parts, device: torch.device) -> FloatArray | None:
    """The mean opinion of the teachers on the training part: float32 (n, policies) probabilities; None without them.

    Each face is shown as it is and mirrored.

    Raises:
        TrainingError: a teacher has seen this run's validation part, has other policies, or is not a finished run.
    """
    if bool(settings.teachers) != (settings.recipe.training.distillation > 0):
        raise TrainingError("a teacher needs a recipe with a share of distillation, and the other way round")
    opinions = []
    for teacher in settings.teachers:
        run = load_run_network(teacher)
        if run.validation_digest != parts.description["validation"]["content_digest"]:
            raise TrainingError(f"teacher {teacher} was validated on other pictures, so it may have seen the ones here")
        if run.recipe.training.policies != settings.recipe.training.policies:
            raise TrainingError(f"teacher {teacher} has {run.recipe.training.policies} outputs")
        inputs = engine.plain_inputs(parts.training.faces.framed, run.recipe.input).to(device)
        network, weights = run.network.to(device), run.network.state_dict()
        both = [engine.classify_faces(network, weights, view) for view in (inputs, inputs.flip(3))]
        opinions.append((both[0] + both[1]) / 2)
    return torch.stack(opinions).mean(0).sigmoid().numpy() if opinions else None


def teacher_description(teacher: Path) -> dict[str, Any]:
    """What a student's configuration says of its teacher.

    Raises:
        TrainingError: the folder holds no run.
    """
    config = read_json(teacher / "config.json")
    described = {key: config.get(key) for key in ("recipe", "seed", "fold", "commit")}
    return described | {"training": (config.get("data") or {}).get("training")}
