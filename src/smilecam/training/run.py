"""A training run: from settings to a folder with its configuration, progress and results.

The folder of a run::

    config.json      recipe, seed, data with digests, class weights, teachers, device, versions, commit
    epochs.jsonl     a line per finished epoch
    curves.png       the same as a plot
    checkpoint.npz   the state after the last finished epoch
    predictions.csv  outputs for the validation set, once the run is finished
    metrics.json     metrics on the validation set, likewise
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from smilecam import provenance
from smilecam.classification.calibration import logistic
from smilecam.data.faces import FaceSet
from smilecam.errors import NonFiniteLoss, TrainingError
from smilecam.evaluation.metrics import Metrics, best_threshold, measure
from smilecam.evaluation.predictions import Predictions, write_predictions
from smilecam.storage import make_folder, write_text
from smilecam.training import engine
from smilecam.training.checkpoint import load_checkpoint, save_checkpoint
from smilecam.training.plots import plot_curves
from smilecam.training.run_loading import read_json, soft_targets, teacher_description
from smilecam.training.settings import RunSettings
from smilecam.training.split import Split, load_split


@dataclass(frozen=True, slots=True)
class EpochRow:
    """Loss and accuracy of an epoch, on the training set (during training) and the validation set."""

    epoch: int
    loss: float
    acc: float
    val_loss: float
    val_acc: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a run reports its progress.

    Attributes:
        log: called with a line of text.
        row: called with the metrics of each finished epoch.
        progress: makes the progress bar of an epoch, from its title and its number of batches.
    """

    log: Callable[[str], None]
    row: Callable[[EpochRow], None]
    progress: Callable[[str, int], AbstractContextManager[engine.Progress]]


def run_training(settings: RunSettings, device: torch.device, report: Reporter) -> Metrics:
    """Train a network, or resume its training, and write the folder of the run.

    Args:
        settings: recipe, data and folder.
        device: that trains.
        report: receives the progress.

    Returns:
        Metrics of the final weights on the validation set, at the threshold chosen there.

    Raises:
        DataError: the data cannot be loaded.
        TrainingError: the folder holds another run, or the loss became infinite or not a number.
        OutputError: the folder cannot be written.
    """
    _check_folder(settings)
    split = load_split(settings)
    weights = engine.class_weights(split.training) if settings.recipe.training.class_weights else None
    examples = dataclasses.replace(split.training, soft_targets=soft_targets(settings, split, device))
    _open_folder(settings, _config(settings, split, weights, device))
    report.log(_describe(split, weights))
    state = engine.make_train_state(settings.recipe, settings.seed, device)
    batches = engine.Batches(examples, settings.recipe, settings.seed, device)
    validation = engine.plain_inputs(split.validation.framed, settings.recipe.input).to(device)
    rows = _completed_epochs(settings.out, state, settings.resume)
    for row in rows:
        report.row(row)
    on_device = None if weights is None else weights.to(device)
    labels = torch.from_numpy(split.validation.labels)
    for epoch in range(len(rows) + 1, settings.recipe.training.epochs + 1):
        started = time.monotonic()
        title = f"epoch {epoch}/{settings.recipe.training.epochs}"
        with report.progress(title, len(batches)) as bar:
            trained = engine.train_one_epoch(state, batches, epoch, settings.recipe, on_device, bar)
        validated = engine.validate(engine.predict_logits(state.final_model, validation)[:, 0], labels)
        if not math.isfinite(validated.loss):
            raise NonFiniteLoss(
                f"the validation loss became {validated.loss} in epoch {epoch}: try a lower learning rate"
            )
        rows.append(_row(epoch, trained, validated, time.monotonic() - started))
        _record(settings.out, state, rows)
        report.row(rows[-1])
    return _finish(settings, state, validation, split.validation)


def _config(settings: RunSettings, split: Split, weights: torch.Tensor | None, device: torch.device) -> dict[str, Any]:
    return run_description(settings) | {
        "data": split.description,
        "class_weights": None if weights is None else [[round(float(each), 6) for each in pair] for pair in weights],
        "device": str(device),
        "machine": provenance.machine(),
        "versions": provenance.versions("torch", "numpy", "opencv-python-headless"),
        "commit": provenance.commit(),
    }


def run_description(settings: RunSettings) -> dict[str, Any]:
    """The settings in a run's configuration, except data and folder."""
    return {
        "recipe": settings.recipe.as_dict(),
        "seed": settings.seed,
        "fold": None if settings.fold is None else dataclasses.asdict(settings.fold),
        "teachers": [teacher_description(teacher) for teacher in settings.teachers],
    }


def _check_folder(settings: RunSettings) -> None:
    exists = (settings.out / "config.json").exists()
    if settings.resume and not exists:
        raise TrainingError(f"nothing to resume: {settings.out} holds no run")
    if exists and not settings.resume:
        raise TrainingError(f"{settings.out} already holds a run: continue it with --resume, or choose another --out")


def _open_folder(settings: RunSettings, config: dict[str, Any]) -> None:
    path = make_folder(settings.out) / "config.json"
    if not settings.resume:
        write_text(path, json.dumps(config, indent=2) + "\n")
        return
    started = read_json(path)
    differing = [
        key
        for key in ("recipe", "seed", "fold", "teachers", "data", "class_weights")
        if started.get(key) != config[key]
    ]
    if differing:
        raise TrainingError(f"{settings.out} was started with other settings: {', '.join(differing)}")
    now = {key: config[key] for key in ("device", "machine", "versions", "commit")}
    write_text(path, json.dumps({**started, "resumed": [*started.get("resumed", []), now]}, indent=2) + "\n")


def _describe(split: Split, weights: torch.Tensor | None) -> str:
    training, validation = split.description["training"], split.description["validation"]
    text = (
        f"training on {training['n']:,} faces ({training['smiles']:,} smiling), "
        f"validating on {validation['n']:,} ({validation['smiles']:,} smiling)"
    )
    for pair in [] if weights is None else weights:
        text += f"\nclass weights: not smiling {pair[0]:.3f}, smiling {pair[1]:.3f}"
    return text


def _completed_epochs(out: Path, state: engine.TrainState, resume: bool) -> list[EpochRow]:
    """Load the checkpoint and return the rows up to it; a row after it belongs to an epoch that is repeated."""
    path = out / "checkpoint.npz"
    if not resume or not path.exists():
        return []
    completed = load_checkpoint(path, state)
    try:
        lines = (out / "epochs.jsonl").read_text("utf-8").splitlines()[:completed]
        rows = [EpochRow(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{out / 'epochs.jsonl'} is missing or damaged") from error
    if len(rows) != completed:
        raise TrainingError(
            f"{out / 'epochs.jsonl'} has {len(rows)} epochs, but the checkpoint is of epoch {completed}"
        )
    return rows


def _row(epoch: int, trained: engine.EpochResult, validated: engine.EpochResult, seconds: float) -> EpochRow:
    loss, acc, val_loss, val_acc = (
        round(value, 6) for value in (trained.loss, trained.accuracy, validated.loss, validated.accuracy)
    )
    return EpochRow(epoch, loss, acc, val_loss, val_acc, round(seconds, 1))


def _record(out: Path, state: engine.TrainState, rows: list[EpochRow]) -> None:
    # The checkpoint last: after an interruption in between, the epoch is repeated and all three are written again.
    lines = [json.dumps(dataclasses.asdict(row)) + "\n" for row in rows]
    write_text(out / "epochs.jsonl", "".join(lines))
    plot_curves([dataclasses.asdict(row) for row in rows], out / "curves.png", title=out.name)
    save_checkpoint(out / "checkpoint.npz", state, rows[-1].epoch)


def _finish(settings: RunSettings, state: engine.TrainState, inputs: torch.Tensor, faces: FaceSet) -> Metrics:
    logits = engine.predict_logits(state.final_model, inputs).double().numpy()
    write_predictions(settings.out / "predictions.csv", Predictions(faces.names, faces.labels, logits))
    scores = logistic(logits[:, 0])
    metrics = measure(faces.labels, scores, best_threshold(faces.labels, scores))
    at_half = measure(faces.labels, scores, 0.5)
    content = {
        "at_best_balanced_accuracy": dataclasses.asdict(metrics),
        "at_0.5": dataclasses.asdict(at_half),
        "note": "validation set of the run; the threshold was chosen on it, so its metrics are slightly optimistic",
    }
    write_text(settings.out / "metrics.json", json.dumps(content, indent=2) + "\n")
    return metrics
