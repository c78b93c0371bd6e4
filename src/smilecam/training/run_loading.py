"""Loading of finished runs: their configuration, their network, and its predictions as soft targets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from smilecam.errors import TrainingError
from smilecam.training import engine
from smilecam.training.checkpoint import load_checkpoint
from smilecam.training.recipe import Recipe, current_keys, recipe_from_dict
from smilecam.training.settings import RunSettings
from smilecam.training.split import Split
from smilecam.types import FloatArray


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a run's folder; former names of recipe keys are replaced by the present ones.

    Raises:
        TrainingError: it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text("utf-8"), object_hook=current_keys)
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
        recipe: of the run.
        config: the run's configuration.
    """

    network: torch.nn.Module
    recipe: Recipe
    config: dict[str, Any]

    @property
    def validation_digest(self) -> str:
        """Content digest of the run's validation set."""
        return str(self.config["data"]["validation"]["content_digest"])


def load_run_network(run: Path) -> RunNetwork:
    """Load the network of a finished run.

    Raises:
        TrainingError: the folder does not hold a finished run.
    """
    config = read_json(run / "config.json")
    read_json(run / "metrics.json")
    try:
        recipe = recipe_from_dict(config["recipe"])
        state = engine.make_train_state(recipe, config["seed"], torch.device("cpu"))
        RunNetwork(state.model, recipe, config).validation_digest  # noqa: B018 - it must be there
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{run / 'config.json'} does not describe a run of this version") from error
    load_checkpoint(run / "checkpoint.npz", state)
    return RunNetwork(state.final_model.eval(), recipe, config)


def soft_targets(settings: RunSettings, split: Split, device: torch.device) -> FloatArray | None:
    """Mean predictions of the teachers for the training set, each face as it is and flipped.

    Returns:
        float32 (n, policies), probabilities of a smile; None without teachers.

    Raises:
        TrainingError: a teacher has seen this run's validation set, has other policies, or is not a finished run.
    """
    if bool(settings.teachers) != (settings.recipe.training.distillation > 0):
        raise TrainingError("a teacher needs a recipe with a share of distillation, and the other way round")
    logits = [_teacher_logits(teacher, settings.recipe, split, device) for teacher in settings.teachers]
    return torch.stack(logits).mean(0).sigmoid().numpy() if logits else None


def _teacher_logits(teacher: Path, recipe: Recipe, split: Split, device: torch.device) -> torch.Tensor:
    run = load_run_network(teacher)
    if run.validation_digest != split.description["validation"]["content_digest"]:
        raise TrainingError(f"teacher {teacher} was validated on other images, so it may have seen the ones here")
    if run.recipe.training.policies != recipe.training.policies:
        raise TrainingError(f"teacher {teacher} has {run.recipe.training.policies} outputs")
    inputs = engine.plain_inputs(split.training.faces.framed, run.recipe.input).to(device)
    network = run.network.to(device)
    plain, flipped = engine.predict_logits(network, inputs), engine.predict_logits(network, inputs.flip(3))
    return (plain + flipped) / 2


def teacher_description(teacher: Path) -> dict[str, Any]:
    """The entry for a teacher in a student's configuration.

    Raises:
        TrainingError: the folder holds no run.
    """
    config = read_json(teacher / "config.json")
    described = {key: config.get(key) for key in ("recipe", "seed", "fold", "commit")}
    return described | {"training": (config.get("data") or {}).get("training")}
