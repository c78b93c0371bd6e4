"""A training run: from settings to a folder that holds all it was made with and all it gave.

The folder of a run::

    config.json      recipe, seed, data with digests, class weights, teachers, device, versions, commit
    epochs.jsonl     a line for each finished epoch
    curves.png       the same as a plot
    checkpoint.npz   the state after the last finished epoch
    predictions.csv  what the network says of the validation part, once the run is finished
    metrics.json     figures on the validation part, likewise
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
from smilecam.training.finished import ask_teachers, read_json, teacher_description
from smilecam.training.parts import Parts, load_parts
from smilecam.training.plots import plot_curves
from smilecam.training.settings import RunSettings


@dataclass(frozen=True, slots=True)
class EpochRow:
    """One row of the table: loss and accuracy on the training part (as it learned) and the validation part."""

    epoch: int
    loss: float
    acc: float
    val_loss: float
    val_acc: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Reporter:
    """How a run speaks to its user.

    Attributes:
        say: takes a line of text.
        row: takes the table's row after each epoch.
        progress: opens a bar for an epoch, from its title and its number of batches.
    """

    say: Callable[[str], None]
    row: Callable[[EpochRow], None]
    progress: Callable[[str, int], AbstractContextManager[engine.Progress]]


def run_training(settings: RunSettings, device: torch.device, report: Reporter) -> Metrics:
    """Train from the first epoch, or from where the run in the folder stopped, to the last.

    Args:
        settings: what and where.
        device: that trains.
        report: told of everything a user wants to see.

    Returns:
        The figures of the final weights on the validation part, at the threshold chosen there.

    Raises:
        DataError: the data cannot be read.
        TrainingError: the folder holds another run, or the loss left the finite numbers.
        OutputError: the folder cannot be written.
    """
    _check_folder(settings)
    parts = load_parts(settings)
    weights = engine.class_weights(parts.training) if settings.recipe.training.class_weights else None
    examples = dataclasses.replace(parts.training, teacher=ask_teachers(settings, parts, device))
    config = _config(settings, parts, weights, device)
    _open_folder(settings, config)
    report.say(_describe(parts, weights))
    learner = engine.make_learner(settings.recipe, settings.seed, device)
    batches = engine.Batches(examples, settings.recipe, settings.seed, device)
    validation = engine.plain_inputs(parts.validation.framed, settings.recipe.input).to(device)
    rows = _finished_rows(settings.out, learner, settings.resume)
    for row in rows:
        report.row(row)
    on_device = None if weights is None else weights.to(device)
    labels = torch.from_numpy(parts.validation.labels)
    for epoch in range(len(rows) + 1, settings.recipe.training.epochs + 1):
        started = time.monotonic()
        title = f"epoch {epoch}/{settings.recipe.training.epochs}"
        with report.progress(title, len(batches)) as bar:
            learned = engine.train_one_epoch(learner, batches, epoch, settings.recipe, on_device, bar)
        logits = engine.classify_faces(learner.model, learner.weights(), validation)
        checked = engine.validate(logits[:, 0], labels)
        if not math.isfinite(checked.loss):
            raise NonFiniteLoss(
                f"the validation loss became {checked.loss} in epoch {epoch}: try a lower learning rate"
            )
        rows.append(_row(epoch, learned, checked, time.monotonic() - started))
        _record(settings.out, learner, rows)
        report.row(rows[-1])
    return _finish(settings, learner, validation, parts.validation)


def _config(settings: RunSettings, parts: Parts, weights: torch.Tensor | None, device: torch.device) -> dict[str, Any]:
    return run_description(settings) | {
        "data": parts.description,
        "class_weights": None if weights is None else [[round(float(each), 6) for each in pair] for pair in weights],
        "device": str(device),
        "machine": provenance.machine(),
        "versions": provenance.versions("torch", "numpy", "opencv-python-headless"),
        "commit": provenance.commit(),
    }


def run_description(settings: RunSettings) -> dict[str, Any]:
    """What a configuration says of the settings themselves."""
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
        raise TrainingError(f"{settings.out} already holds a run: go on with --resume, or choose another --out")


def _open_folder(settings: RunSettings, config: dict[str, Any]) -> None:
    path = make_folder(settings.out) / "config.json"
    if not settings.resume:
        write_text(path, json.dumps(config, indent=2) + "\n")
        return
    before = read_json(path)
    differing = [
        key for key in ("recipe", "seed", "fold", "teachers", "data", "class_weights") if before.get(key) != config[key]
    ]
    if differing:
        raise TrainingError(f"{settings.out} was started with other settings: {', '.join(differing)}")
    now = {key: config[key] for key in ("device", "machine", "versions", "commit")}
    write_text(path, json.dumps({**before, "resumed": [*before.get("resumed", []), now]}, indent=2) + "\n")


def _describe(parts: Parts, weights: torch.Tensor | None) -> str:
    training, validation = parts.description["training"], parts.description["validation"]
    text = (
        f"training on {training['n']:,} faces ({training['smiles']:,} smiling), "
        f"validating on {validation['n']:,} ({validation['smiles']:,} smiling)"
    )
    for pair in [] if weights is None else weights:
        text += f"\nclass weights: not smiling {pair[0]:.3f}, smiling {pair[1]:.3f}"
    return text


def _finished_rows(out: Path, learner: engine.Learner, resume: bool) -> list[EpochRow]:
    """The rows up to the checkpoint, which is loaded; a row without a checkpoint is done again."""
    path = out / "checkpoint.npz"
    if not resume or not path.exists():
        return []
    done = load_checkpoint(path, learner)
    try:
        lines = (out / "epochs.jsonl").read_text("utf-8").splitlines()[:done]
        rows = [EpochRow(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{out / 'epochs.jsonl'} is missing or damaged") from error
    if len(rows) != done:
        raise TrainingError(f"{out / 'epochs.jsonl'} has {len(rows)} epochs, but the checkpoint is of epoch {done}")
    return rows


def _row(epoch: int, learned: engine.EpochResult, checked: engine.EpochResult, seconds: float) -> EpochRow:
    loss, acc, val_loss, val_acc = (
        round(figure, 6) for figure in (learned.loss, learned.accuracy, checked.loss, checked.accuracy)
    )
    return EpochRow(epoch, loss, acc, val_loss, val_acc, round(seconds, 1))


def _record(out: Path, learner: engine.Learner, rows: list[EpochRow]) -> None:
    # The checkpoint last: after an interrupt in between, the epoch is done again and all three are written anew.
    lines = [json.dumps(dataclasses.asdict(row)) + "\n" for row in rows]
    write_text(out / "epochs.jsonl", "".join(lines))
    plot_curves([dataclasses.asdict(row) for row in rows], out / "curves.png", title=out.name)
    save_checkpoint(out / "checkpoint.npz", learner, rows[-1].epoch)


def _finish(settings: RunSettings, learner: engine.Learner, inputs: torch.Tensor, faces: FaceSet) -> Metrics:
    logits = engine.classify_faces(learner.model, learner.weights(), inputs).double().numpy()
    write_predictions(settings.out / "predictions.csv", Predictions(faces.names, faces.labels, logits))
    scores = logistic(logits[:, 0])
    metrics = measure(faces.labels, scores, best_threshold(faces.labels, scores))
    at_half = measure(faces.labels, scores, 0.5)
    content = {
        "at_best_balanced_accuracy": dataclasses.asdict(metrics),
        "at_0.5": dataclasses.asdict(at_half),
        "note": "validation part of the run; the threshold was chosen on it, so its figures flatter a little",
    }
    write_text(settings.out / "metrics.json", json.dumps(content, indent=2) + "\n")
    return metrics
