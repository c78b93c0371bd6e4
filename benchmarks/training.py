"""Training time to the reference's best validation accuracy: recipes `classic` and `fast`, in turns in one run.

    python benchmarks/training.py --data ARCHIVE [--seeds 3] [--json PATH]

For each seed both recipes train on the same split of the raw variant. The time counts from the first epoch to the end
of the one that reaches .9149, validation included; loading data and drawing curves are left out for both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from smilecam import provenance
from smilecam.data.splits import Variant
from smilecam.training import engine
from smilecam.training.recipe import load_recipe
from smilecam.training.run import EpochRow, Reporter, run_training
from smilecam.training.settings import RunSettings

REFERENCE = 0.9149
"""Best validation accuracy of the published run."""


@contextlib.contextmanager
def silence(_title: str, _steps: int) -> Iterator[engine.Progress]:
    """Progress that is not shown."""

    class Nothing:
        def update(self, steps: int = 1) -> None:
            """Count nothing."""

    yield Nothing()


def time_to_reference(data: Path, recipe: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train, and sum the seconds of the epochs up to the first that reaches the reference."""
    rows: list[EpochRow] = []
    report = Reporter(log=lambda _line: None, row=rows.append, progress=silence)
    settings = RunSettings(load_recipe(recipe), data, (), Variant.RAW, seed, folder / f"{recipe}-{seed}", resume=False)
    run_training(settings, torch.device("cpu"), report)
    reached = next((row.epoch for row in rows if row.val_acc >= REFERENCE), None)
    return {
        "recipe": recipe,
        "seed": seed,
        "epoch": reached,
        "seconds": sum(row.seconds for row in rows[:reached]),
        "seconds_an_epoch": statistics.mean(row.seconds for row in rows),
        "best": max(row.val_acc for row in rows),
        "final": rows[-1].val_acc,
    }


def main() -> None:
    """Train both recipes with every seed, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print("| recipe | seed | reached in epoch | seconds | seconds per epoch | best val_acc | final |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            for recipe in ("classic", "fast"):
                row = time_to_reference(options.data, recipe, seed, Path(folder))
                reached = "never" if row["epoch"] is None else row["epoch"]
                print(
                    f"| {recipe} | {seed} | {reached} | {row['seconds']:.1f} | {row['seconds_an_epoch']:.2f} "
                    f"| {row['best']:.4f} | {row['final']:.4f} |",
                    flush=True,
                )
                rows.append(row)
    means = {
        recipe: statistics.mean(row["seconds"] for row in rows if row["recipe"] == recipe)
        for recipe in ("classic", "fast")
    }
    print(f"\nmean seconds: classic {means['classic']:.1f}, fast {means['fast']:.1f}, ", end="")
    print(f"ratio {means['classic'] / means['fast']:.1f} (a run that never reached it counts in full)")
    print(f"threads {torch.get_num_threads()}, commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"rows": rows, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
