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

import numpy as np
import torch

from smilecam import provenance
from smilecam.data.faces import FaceSet, load_faces, merge
from smilecam.data.splits import View, stratified_folds, stratified_split, view, without
from smilecam.errors import NonFiniteLoss, TrainingError
from smilecam.evaluation.metrics import Metrics, best_threshold, logistic, measure
from smilecam.evaluation.predictions import Predictions, write_predictions
from smilecam.storage import make_folder, write_text
from smilecam.training import engine
from smilecam.training.checkpoint import load_checkpoint, save_checkpoint
from smilecam.training.models import build
from smilecam.training.plots import plot_curves
from smilecam.training.recipe import Recipe, recipe_from_dict
from smilecam.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Fold:
    """One part of a cross-validation: the fold ``number`` of ``count``, from 0, validates."""

    number: int
    count: int


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
        fold: which fold validates; None for a random share, as the recipe says.
        teachers: folders of finished runs whose mean opinion is learned as well.
    """

    recipe: Recipe
    data: Path
    extra: tuple[Path, ...]
    view: View
    seed: int
    out: Path
    resume: bool
    fold: Fold | None = None
    teachers: tuple[Path, ...] = ()


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

    training: engine.Examples
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
    weights = engine.class_weights(parts.training) if settings.recipe.training.class_weights else None
    config = _config(settings, parts, weights, device)
    _open_folder(settings, config)
    report.say(_describe(parts, weights))
    learner = _make_learner(settings, device)
    examples = dataclasses.replace(parts.training, teacher=ask_teachers(settings, parts, device))
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
        logits = engine.read_faces(learner.model, learner.weights(), validation)
        checked = engine.validate(logits[:, 0], labels)
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
    training_rows, validation_rows = _split(faces, settings)
    validation = faces.take(validation_rows)
    extras = [without(view(extra, settings.view), validation) for extra in whole[1:]]
    own = faces.take(training_rows)
    training = merge(own, *extras)
    policies, repeats = np.zeros(len(training), dtype=np.int64), np.ones(len(training), dtype=np.int64)
    repeats[: len(own)] = settings.recipe.training.repeat
    if settings.recipe.training.policies > 1:
        if not extras:
            raise TrainingError("this recipe has an output for extra data: name some with --extra")
        policies[len(own) :] = 1
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
    return Parts(engine.Examples(training, policies, repeats), validation, description)


def _split(faces: FaceSet, settings: RunSettings) -> tuple[IntArray, IntArray]:
    if settings.fold is None:
        return stratified_split(faces, settings.recipe.training.validation_share, settings.seed)
    held_out = stratified_folds(faces, settings.fold.count, settings.seed) == settings.fold.number
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _part(faces: FaceSet) -> dict[str, Any]:
    return {"n": len(faces), "smiles": int(faces.labels.sum()), "content_digest": faces.content_digest}


def _config(settings: RunSettings, parts: Parts, weights: torch.Tensor | None, device: torch.device) -> dict[str, Any]:
    return {
        "recipe": settings.recipe.as_dict(),
        "seed": settings.seed,
        "fold": None if settings.fold is None else dataclasses.asdict(settings.fold),
        "teachers": [_teacher_description(teacher) for teacher in settings.teachers],
        "data": parts.description,
        "class_weights": None if weights is None else [[round(float(each), 6) for each in pair] for pair in weights],
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
    differing = [
        key for key in ("recipe", "seed", "fold", "teachers", "data", "class_weights") if before.get(key) != config[key]
    ]
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
    for pair in [] if weights is None else weights:
        text += f"\nclass weights: not smiling {pair[0]:.3f}, smiling {pair[1]:.3f}"
    return text


def _make_learner(settings: RunSettings, device: torch.device) -> engine.Learner:
    recipe = settings.recipe
    model = build(recipe.model, recipe.input, recipe.training.policies, settings.seed).to(device)
    if recipe.training.precision == "bfloat16":
        model = torch.nn.utils.convert_conv2d_weight_memory_format(model, torch.channels_last)  # what is fast for it
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
    logits = engine.read_faces(learner.model, learner.weights(), inputs).double().numpy()
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
        both = [engine.read_faces(network, weights, view) for view in (inputs, inputs.flip(3))]
        opinions.append((both[0] + both[1]) / 2)
    return torch.stack(opinions).mean(0).sigmoid().numpy() if opinions else None


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
        model = build(recipe.model, recipe.input, recipe.training.policies, config["seed"])
        RunNetwork(model, recipe, config).validation_digest  # noqa: B018 - it must be there
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{run / 'config.json'} does not describe a run of this version") from error
    average = recipe.optimizer.average_decay
    learner = engine.Learner(
        model,
        engine.make_optimizer(model, recipe.optimizer),
        engine.WeightAverage(model, average) if average else None,
    )
    load_checkpoint(run / "checkpoint.npz", learner)
    model.load_state_dict(learner.weights())
    return RunNetwork(model.eval(), recipe, config)


def _teacher_description(teacher: Path) -> dict[str, Any]:
    config = read_json(teacher / "config.json")
    return {key: config.get(key) for key in ("recipe", "seed", "commit")}
