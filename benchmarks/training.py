"""Training time to the reference's validation accuracy: recipes `classic` and `fast`, and Keras, in turns in one run.

    OMP_WAIT_POLICY=PASSIVE python benchmarks/training.py --data ARCHIVE [--keras-python PATH] [--json PATH]

For each seed all train on the same split of the raw variant, `classic` and Keras an epoch each in turns. A time counts
from the first epoch to the end of the one that reaches the accuracy, validation included; loading data and drawing
curves are left out. `classic` and Keras have 15 epochs, as the reference run; one that has not reached .9149 by then
goes on until --most-epochs, with the learning rate that it has anyway. --keras-python names an interpreter with Keras.
OMP_WAIT_POLICY as ``smilecam train`` sets it. The results so far are written after each seed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import torch

from smilecam import provenance
from smilecam.classification.crop import resize
from smilecam.data.splits import Variant
from smilecam.training import engine
from smilecam.training.recipe import Recipe, load_recipe
from smilecam.training.run import EpochRow, Reporter, run_training
from smilecam.training.settings import RunSettings
from smilecam.training.split import load_split

BEST, FINAL = 0.9149, 0.9058
"""Validation accuracy of the published run: in its best epoch, and after the last one."""

EPOCHS = 15
"""Of the published run."""

WORKER = Path(__file__).with_name("keras_training.py")

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch with its validation: accuracy, wall seconds, and CPU seconds of all threads."""

    val_acc: float
    seconds: float
    cpu_seconds: float


class Reached(Exception):
    """Ends a run of ours that needs no further epoch."""


def enough(epochs: Sequence[Epoch], most: int) -> bool:
    """Whether a run can end: its 15 epochs are over, and the best accuracy is reached or out of reach."""
    return len(epochs) >= most or (len(epochs) >= EPOCHS and any(epoch.val_acc >= BEST for epoch in epochs))


class KerasRun:
    """The tutorial's network in a process of its own, which trains an epoch whenever it is asked."""

    def __init__(self, python: str, split: Path, seed: int, most: int) -> None:
        self.epochs: list[Epoch] = []
        self._most = most
        command = [python, str(WORKER), str(split), str(seed)]
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._in, self._out = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        self.versions = self._answer()

    def epoch(self) -> bool:
        """Train for one epoch; returns whether there was one left."""
        if enough(self.epochs, self._most):
            return False
        self._in.write("\n")
        self._in.flush()
        self.epochs.append(Epoch(**self._answer()))
        return True

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)

    def _answer(self) -> Figures:
        line = self._out.readline()
        if not line:
            raise SystemExit(f"{WORKER.name} ended early: does its interpreter have Keras?")
        answer: Figures = json.loads(line)
        return answer


def train_recipe(settings: RunSettings, then: Callable[[], object]) -> list[Epoch]:
    """Train by a recipe; ``then`` is called after each epoch."""
    epochs: list[Epoch] = []
    began = 0.0
    can_go_on = settings.recipe.optimizer.schedule == "constant"

    @contextlib.contextmanager
    def silent(_title: str, _steps: int) -> Iterator[engine.Progress]:
        nonlocal began
        began = sum(os.times()[:4])
        yield NoProgress()

    def done(row: EpochRow) -> None:
        # Curves and checkpoint are in this CPU time, a tenth of a second, but not in the wall time.
        epochs.append(Epoch(row.val_acc, row.seconds, sum(os.times()[:4]) - began))
        then()
        if can_go_on and enough(epochs, settings.recipe.training.epochs):
            raise Reached

    with contextlib.suppress(Reached):
        run_training(settings, torch.device("cpu"), Reporter(log=lambda _line: None, row=done, progress=silent))
    return epochs


class NoProgress:
    """Progress that is not shown."""

    def update(self, steps: int = 1) -> None:
        """Count nothing."""


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """A recipe of more or fewer epochs."""
    return dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, epochs=epochs))


def write_split(settings: RunSettings, path: Path) -> Figures:
    """Write the faces of a run for Keras, as small as its network takes them; returns how many there are."""
    split = load_split(settings)
    training, validation, size = split.training.faces, split.validation, settings.recipe.input.size
    np.savez(
        path,
        images=np.stack([resize(image, size) for image in training.framed]),
        labels=training.labels,
        val_images=np.stack([resize(image, size) for image in validation.framed]),
        val_labels=validation.labels,
    )
    return {"n_training": len(training), "n_validation": len(validation)}


def summary(name: str, seed: int, epochs: Sequence[Epoch]) -> Figures:
    """Epochs and times to both accuracies, and what the reference's number of epochs came to."""
    first = epochs[:EPOCHS]
    return {
        "recipe": name,
        "seed": seed,
        **time_to(BEST, epochs),
        "to_final": time_to(FINAL, epochs),
        "epochs": len(epochs),
        "seconds_an_epoch": statistics.median(epoch.seconds for epoch in epochs),
        "cpu_seconds_an_epoch": statistics.median(epoch.cpu_seconds for epoch in epochs),
        "best": max(epoch.val_acc for epoch in first),
        "final": first[-1].val_acc,
    }


def time_to(accuracy: float, epochs: Sequence[Epoch]) -> Figures:
    """The first epoch that reaches an accuracy, or None, and the time up to its end, or of all."""
    reached = next((number for number, epoch in enumerate(epochs, 1) if epoch.val_acc >= accuracy), None)
    spent = epochs[:reached]
    return {
        "epoch": reached,
        "seconds": sum(epoch.seconds for epoch in spent),
        "cpu_seconds": sum(epoch.cpu_seconds for epoch in spent),
    }


def one_seed(options: argparse.Namespace, seed: int, folder: Path) -> tuple[list[Figures], Figures]:
    """Rows of all that train on one split; sizes of the split, and the versions of Keras."""

    def settings(recipe: Recipe, name: str) -> RunSettings:
        return RunSettings(recipe, options.data, (), Variant.RAW, seed, folder / f"{name}-{seed}", resume=False)

    classic = settings(with_epochs(load_recipe("classic"), options.most_epochs), "classic")
    other, about = None, write_split(classic, folder / "split.npz")
    if options.keras_python:
        other = KerasRun(options.keras_python, folder / "split.npz", seed, options.most_epochs)
        about |= other.versions
    rows = [summary("classic", seed, train_recipe(classic, other.epoch if other else lambda: None))]
    if other:
        while other.epoch():
            pass
        other.close()
        rows.append(summary("keras", seed, other.epochs))
    rows.append(summary("fast", seed, train_recipe(settings(load_recipe("fast"), "fast"), lambda: None)))
    return rows, about


def line(row: Figures) -> str:
    """A row of the table."""
    cells = [row["recipe"], row["seed"]]
    for reached in (row, row["to_final"]):
        cells += ["never" if reached["epoch"] is None else reached["epoch"], f"{reached['seconds']:.1f}"]
    cells += [f"{row['seconds_an_epoch']:.2f}", f"{row['cpu_seconds_an_epoch']:.2f}"]
    return f"| {' | '.join(map(str, cells))} | {row['best']:.4f} | {row['final']:.4f} |"


def main() -> None:
    """Train all with every seed, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keras-python", help="interpreter with Keras")
    parser.add_argument("--seed", type=int, action="append", help="repeatable (default: 0, 1, 2)")
    parser.add_argument("--most-epochs", type=int, default=EPOCHS, help="of classic and Keras (default: 15)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"| recipe | seed | epoch of {BEST} | seconds | epoch of {FINAL} | seconds |", end="")
    print(" seconds per epoch | CPU seconds per epoch | best val_acc | final |\n|" + "---|" * 10)
    machine = {"threads": torch.get_num_threads(), "commit": provenance.commit(), "machine": provenance.machine()}
    rows: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in options.seed or (0, 1, 2):
            of_seed, about = one_seed(options, seed, Path(folder))
            print("\n".join(map(line, of_seed)), flush=True)
            rows += of_seed
            content = {"rows": rows, **machine, "torch": torch.__version__, **about}
            if options.json:
                options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(f"\n{machine}")


if __name__ == "__main__":
    main()
