"""Training of a network per fold: every face is held out once, so that metrics cover unseen faces only.

The folder of a cross-validation holds a run's folder for each seed and fold, ``seed0-fold0`` and so on.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch

from smilecam.errors import TrainingError
from smilecam.training.run import Reporter, run_description, run_training
from smilecam.training.run_loading import read_json
from smilecam.training.settings import Fold, RunSettings


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """The runs of a cross-validation.

    Attributes:
        settings: of every run; ``out`` is the folder of the cross-validation, ``seed`` its first seed, and a teacher
            may be the folder of another cross-validation.
        folds: number of folds.
        seeds: number of repetitions, each with other folds.
        only: the one fold to train, from 0, so that several processes can share the work; None for all.
    """

    settings: RunSettings
    folds: int
    seeds: int
    only: int | None = None


def cross_validate(plan: CrossValidation, device: torch.device, report: Reporter) -> list[Path]:
    """Train every fold that is not finished yet.

    Args:
        plan: the runs.
        device: that trains.
        report: receives the progress.

    Returns:
        The folders of the runs.

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
                report.log(f"{settings.out} is finished")
                continue
            report.log(f"seed {seed}, fold {number + 1} of {plan.folds}: {settings.out}")
            run_training(settings, device, report)
    return folders


def fold_folder(folder: Path, seed: int, number: int) -> Path:
    """Path of a fold's run in the folder of a cross-validation."""
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
    """Check that a finished run has the same settings, as far as possible without loading the data."""
    finished = read_json(settings.out / "config.json")
    data = finished.get("data") or {}
    wanted = run_description(settings) | {
        "view": settings.variant.value,
        "sources": [path.resolve().name for path in (settings.data, *settings.extra)],
        "labels": sorted(path.resolve().name for path in settings.labels),
    }
    sources = data.get("sources", [])
    trained = finished | {
        "view": data.get("view"),
        "sources": [source.get("name") for source in sources],
        "labels": sorted(source["labels"]["name"] for source in sources if "labels" in source),
    }
    differing = [key for key in wanted if trained.get(key) != wanted[key]]
    if differing:
        raise TrainingError(f"{settings.out} was trained with other settings: {', '.join(differing)}")
