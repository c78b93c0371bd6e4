"""Cross-validation: every face is held out once, so that a figure says what a network makes of unknown pictures.

The folder of a cross-validation holds the folder of a run for each seed and fold, ``seed0-fold0`` and so on.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch

from smilecam.errors import TrainingError
from smilecam.training.finished import read_json
from smilecam.training.run import Reporter, run_description, run_training
from smilecam.training.settings import Fold, RunSettings


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What to train.

    Attributes:
        settings: of every run; ``out`` is the folder that holds all of them, ``seed`` the first of the seeds, and a
            teacher may be the folder of another cross-validation.
        folds: how many.
        seeds: how often, each time with other folds.
        only: train this fold alone, and leave the others to other calls.
    """

    settings: RunSettings
    folds: int
    seeds: int
    only: int | None = None


def cross_validate(plan: CrossValidation, device: torch.device, report: Reporter) -> list[Path]:
    """Train what is not finished yet.

    Args:
        plan: what to train.
        device: that trains.
        report: told of everything a user wants to see.

    Returns:
        The folders of the plan's runs.

    Raises:
        SmilecamError: as in ``run_training``.
        TrainingError: a finished fold was trained with other settings.
    """
    folders = []
    for seed in range(plan.settings.seed, plan.settings.seed + plan.seeds):
        for number in range(plan.folds) if plan.only is None else [plan.only]:
            settings = _fold_settings(plan, seed, number)
            folders.append(settings.out)
            if (settings.out / "metrics.json").exists():
                _check_same(settings)
                report.say(f"{settings.out} is finished")
                continue
            report.say(f"seed {seed}, fold {number + 1} of {plan.folds}: {settings.out}")
            run_training(settings, device, report)
    return folders


def fold_folder(folder: Path, seed: int, number: int) -> Path:
    """Where the run of a fold lies in the folder of a cross-validation."""
    return folder / f"seed{seed}-fold{number}"


def _fold_settings(plan: CrossValidation, seed: int, number: int) -> RunSettings:
    out = fold_folder(plan.settings.out, seed, number)
    teachers = [
        teacher if (teacher / "config.json").exists() else fold_folder(teacher, seed, number)
        for teacher in plan.settings.teachers
    ]
    return dataclasses.replace(
        plan.settings,
        seed=seed,
        out=out,
        fold=Fold(number, plan.folds),
        resume=(out / "config.json").exists(),
        teachers=tuple(teachers),
    )


def _check_same(settings: RunSettings) -> None:
    """That a finished run is the one that would be trained now, as far as can be told without reading data."""
    before = read_json(settings.out / "config.json")
    data = before.get("data") or {}
    now = run_description(settings) | {
        "view": settings.view.value,
        "sources": [path.resolve().name for path in (settings.data, *settings.extra)],
    }
    then = before | {"view": data.get("view"), "sources": [source.get("name") for source in data.get("sources", [])]}
    differing = [key for key in now if then.get(key) != now[key]]
    if differing:
        raise TrainingError(f"{settings.out} was trained with other settings: {', '.join(differing)}")
