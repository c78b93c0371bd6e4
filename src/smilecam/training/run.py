"""A training run: from settings to a folder that holds all it was made with and all it gave.

The folder of a run::

    config.json     recipe, seed, data with digests, class weights, device, versions, commit
    epochs.jsonl    a line for each finished epoch
    curves.png      the same as a plot
    checkpoint.npz  the state after the last finished epoch
    metrics.json    figures on the validation part, once the run is finished
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
from smilecam.data.faces import FaceSet, load_faces, merge
from smilecam.data.splits import View, stratified_split, view, without
from smilecam.errors import NonFiniteLoss, TrainingError
from smilecam.evaluation.metrics import Metrics, best_threshold, measure
from smilecam.storage import make_folder, write_text
from smilecam.training import engine
from smilecam.training.checkpoint import load_checkpoint, save_checkpoint
from smilecam.training.models import build
from smilecam.training.plots import plot_curves
from smilecam.training.recipe import Recipe


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
    """

    recipe: Recipe
    data: Path
    extra: tuple[Path, ...]
    view: View
    seed: int
    out: Path
    resume: bool


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


@dataclass(frozen=True, slots=True)
class Parts:
    """The data of a run: two parts and a description of where they come from."""

    training: FaceSet
    validation: FaceSet
    description: dict[str, Any]


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
    weights = engine.class_weights(parts.training.labels) if settings.recipe.training.class_weights else None
    config = _config(settings, parts, weights, device)
    _open_folder(settings, config)
    report.say(_describe(parts, weights))
    learner = _make_learner(settings, device)
    batches = engine.Batches(parts.training, settings.recipe, settings.seed, device)
    validation = engine.plain_inputs(parts.validation.pictures, settings.recipe.input).to(device)
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
        checked = engine.validate(engine.read_faces(learner.model, learner.weights(), validation), labels)
        if not math.isfinite(checked.loss):
            raise NonFiniteLoss(
                f"the validation loss became {checked.loss} in epoch {epoch}: try a lower learning rate"
            )
        rows.append(_row(epoch, learned, checked, time.monotonic() - started))
        _record(settings.out, learner, rows)
        report.row(rows[-1])
    return _finish(settings, learner, validation, parts.validation)


def load_parts(settings: RunSettings) -> Parts:
    """Read, clean and split the data of a run.

    Raises:
        DataError: a data set cannot be read or split.
    """
    whole = [load_faces(path) for path in (settings.data, *settings.extra)]
    faces = view(whole[0], settings.view)
    training_rows, validation_rows = stratified_split(faces, settings.recipe.training.validation_share, settings.seed)
    validation = faces.take(validation_rows)
    extras = [without(view(extra, settings.view), validation) for extra in whole[1:]]
    training = merge(faces.take(training_rows), *extras)
    paths = (settings.data, *settings.extra)
    sources = [
        {
            "name": path.resolve().name,
            "content_digest": source.content_digest,
            "used": len(used),
            "smiles": int(used.labels.sum()),
        }
        for path, source, used in zip(paths, whole, (faces, *extras), strict=True)
    ]
    description = {
        "view": settings.view.value,
        "sources": sources,
        "training": _part(training),
        "validation": _part(validation),
    }
    return Parts(training, validation, description)


def _part(faces: FaceSet) -> dict[str, Any]:
    return {"n": len(faces), "smiles": int(faces.labels.sum()), "content_digest": faces.content_digest}


def _config(settings: RunSettings, parts: Parts, weights: torch.Tensor | None, device: torch.device) -> dict[str, Any]:
    return {
        "recipe": settings.recipe.as_dict(),
        "seed": settings.seed,
        "data": parts.description,
        "class_weights": None if weights is None else [round(float(weight), 6) for weight in weights],
        "device": str(device),
        "machine": provenance.machine(),
        "versions": provenance.versions("torch", "numpy", "opencv-python-headless"),
        "commit": provenance.commit(),
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
    differing = [key for key in ("recipe", "seed", "data", "class_weights") if before.get(key) != config[key]]
    if differing:
        raise TrainingError(f"{settings.out} was started with other settings: {', '.join(differing)}")
    now = {key: config[key] for key in ("device", "machine", "versions", "commit")}
    write_text(path, json.dumps({**before, "resumed": [*before.get("resumed", []), now]}, indent=2) + "\n")


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


def _describe(parts: Parts, weights: torch.Tensor | None) -> str:
    training, validation = parts.description["training"], parts.description["validation"]
    text = (
        f"training on {training['n']:,} faces ({training['smiles']:,} smiling), "
        f"validating on {validation['n']:,} ({validation['smiles']:,} smiling)"
    )
    if weights is not None:
        text += f"\nclass weights: not smiling {weights[0]:.3f}, smiling {weights[1]:.3f}"
    return text


def _make_learner(settings: RunSettings, device: torch.device) -> engine.Learner:
    recipe = settings.recipe
    model = build(recipe.model, recipe.input, settings.seed).to(device)
    decay = recipe.optimizer.average_decay
    average = engine.WeightAverage(model, decay) if decay else None
    return engine.Learner(model, engine.make_optimizer(model, recipe.optimizer), average)


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
    logits = engine.read_faces(learner.model, learner.weights(), inputs)
    scores = engine.smile_probability(logits)
    metrics = measure(faces.labels, scores, best_threshold(faces.labels, scores))
    at_half = measure(faces.labels, scores, 0.5)
    content = {
        "at_best_balanced_accuracy": dataclasses.asdict(metrics),
        "at_0.5": dataclasses.asdict(at_half),
        "note": "validation part of the run; the threshold was chosen on it, so its figures flatter a little",
    }
    write_text(settings.out / "metrics.json", json.dumps(content, indent=2) + "\n")
    return metrics
