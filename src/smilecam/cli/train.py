"""``smilecam train`` and ``smilecam export``: training on labelled faces, and export to a model file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam import storage
from smilecam.cli.extras import require
from smilecam.cli.fold_tables import fold_lines
from smilecam.cli.progress import bar
from smilecam.cli.renamed import RenamedOption
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    from smilecam.evaluation.metrics import Metrics
    from smilecam.training.run import EpochRow

PATH = click.Path(path_type=Path)


@click.command()
@click.option("--recipe", default="classic", show_default=True, help="Name of a packaged recipe, or a .toml file.")
@click.option(
    "--data", "path", type=PATH, help="SMILES archive or labelled folder; default: the archive of smilecam data fetch."
)
@click.option(
    "--extra",
    type=PATH,
    multiple=True,
    help="Additional training data: folders smile/ and not_smile/, FER2013, or images with an index.csv. Repeatable.",
)
@click.option(
    "--labels",
    type=PATH,
    multiple=True,
    help="CSV file of (soft) labels to train on, for the data set whose images it names. Repeatable.",
)
@click.option(
    "--variant",
    cls=RenamedOption,
    formerly=["--view"],
    type=click.Choice(["clean", "raw"]),
    default="clean",
    show_default=True,
    help="clean: without contradictory labels and repeated images; raw: all images.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Random seed (split, initial weights, order, augmentation).",
)
@click.option(
    "--out", type=PATH, help="Folder of the run; default: runs/RECIPE-seedSEED, or runs/RECIPE-foldsFOLDS with --folds."
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Device that trains; auto prefers a GPU.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run in --out.")
@click.option("--epochs", type=click.IntRange(min=1), help="Number of epochs; overrides the recipe.")
@click.option(
    "--teacher",
    "teachers",
    type=PATH,
    multiple=True,
    help="Finished run whose predictions are soft targets; with --folds, a cross-validation. Repeatable.",
)
@click.option("--folds", type=click.IntRange(min=2), help="Cross-validation with this number of folds.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of cross-validations, each with another seed.",
)
@click.option("--fold", type=click.IntRange(min=0), help="Train only this fold, from 0, to distribute the work.")
def train(
    recipe: str,
    path: Path | None,
    extra: tuple[Path, ...],
    labels: tuple[Path, ...],
    variant: str,
    seed: int,
    out: Path | None,
    device: str,
    resume: bool,
    epochs: int | None,
    teachers: tuple[Path, ...],
    folds: int | None,
    seeds: int,
    fold: int | None,
) -> None:
    """Train a network on SMILES or your own labelled faces.

    Prints a line per epoch. The folder of the run holds the configuration, a JSON line per epoch, the learning curves,
    the metrics, and a checkpoint from which --resume continues.

    With --folds, trains a network per fold and writes the metrics over all folds to cross_validation.json; finished
    folds in --out are kept.
    """
    require("train", "smilecam train")
    # OpenMP, loaded with PyTorch: a thread that waits for another one leaves its core to other programs.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from smilecam.data.smiles_dataset import find_smiles
    from smilecam.data.splits import Variant
    from smilecam.training.device import choose_device
    from smilecam.training.recipe import load_recipe
    from smilecam.training.run import Reporter, run_training
    from smilecam.training.settings import RunSettings
    from smilecam.training.train_folds import CrossValidation, cross_validate

    _check_folds(folds, seeds, fold)

    resolved = load_recipe(recipe).with_epochs(epochs).with_outputs(1 + len(extra))
    settings = RunSettings(
        recipe=resolved,
        data=find_smiles(path, storage.data_folder()),
        extra=extra,
        variant=Variant(variant),
        seed=seed,
        out=out or Path("runs") / (f"{resolved.name}-folds{folds}" if folds else f"{resolved.name}-seed{seed}"),
        resume=resume,
        teachers=teachers,
        labels=labels,
    )
    chosen, reason = choose_device(device)
    click.echo(f"device {reason}")
    reporter = Reporter(log=click.echo, row=_print_row, progress=lambda title, steps: bar(title, steps, "batch"))
    if folds:
        cross_validate(CrossValidation(settings, folds, seeds, fold), chosen, reporter)
        if fold is None:
            _write_metrics(settings.out)
        click.echo(f"folder: {settings.out}")
        return
    _print_metrics(run_training(settings, chosen, reporter))
    click.echo(f"run folder: {settings.out}")


def _print_metrics(metrics: Metrics) -> None:
    click.echo(
        f"validation: n {metrics.n:,}, AUC {metrics.auc:.4f}; at threshold {metrics.threshold:.3f} "
        f"accuracy {metrics.accuracy:.4f}, balanced accuracy {metrics.balanced_accuracy:.4f}"
    )


def _write_metrics(folder: Path) -> None:
    from smilecam.evaluation.score_folds import read_folds, score_folds

    found = score_folds(read_folds(folder))
    click.echo("\n".join(fold_lines(found)))
    storage.write_text(folder / "cross_validation.json", json.dumps(found.as_dict(), indent=1) + "\n")


def _check_folds(folds: int | None, seeds: int, fold: int | None) -> None:
    if folds is None and (seeds != 1 or fold is not None):
        raise UsageProblem("--seeds and --fold need --folds")
    if folds is not None and fold is not None and fold >= folds:
        raise UsageProblem(f"--fold {fold}: with --folds {folds} the last one is {folds - 1}")


def _print_row(row: EpochRow) -> None:
    if row.epoch == 1:
        click.echo("epoch     loss      acc  val_loss  val_acc  seconds")
    click.echo(
        f"{row.epoch:>5} {row.loss:>8.4f} {row.acc:>8.4f} {row.val_loss:>9.4f} {row.val_acc:>8.4f} {row.seconds:>8.1f}"
    )


@click.command()
@click.argument("run", type=PATH)
@click.option("--output", type=PATH, required=True, help="Model file to write (.onnx).")
@click.option("--name", help="Name of the model; default: the name of the file.")
@click.option("--version", default="1", show_default=True, help="Version of the model.")
@click.option(
    "--calibrate",
    "policies",
    multiple=True,
    metavar="NAME=PATH,...",
    help="Calibrate a policy on the folder of a cross-validation, on labelled faces that the run was not trained on, "
    "or on several of these with equal weight. A .csv file among them holds labels, as with --labels, for this policy "
    "alone. Repeatable; the first policy is the default.",
)
@click.option(
    "--mean",
    "means",
    multiple=True,
    metavar="NAME=NUMBER,...",
    help="Relative weights of the outputs in a policy that is calibrated on several data sets; default: equal. "
    "Repeatable.",
)
@click.option(
    "--labels",
    type=PATH,
    multiple=True,
    help="CSV file of labels to calibrate on, for the labelled faces of --calibrate that it names. Repeatable.",
)
def export(
    run: Path,
    output: Path,
    name: str | None,
    version: str,
    policies: tuple[str, ...],
    means: tuple[str, ...],
    labels: tuple[Path, ...],
) -> None:
    """Export a finished training RUN to a self-contained model file."""
    require("train", "smilecam export")
    from smilecam.data.label_files import load_label_file
    from smilecam.training.calibrate import PolicySource
    from smilecam.training.export import export_run

    files = tuple(map(load_label_file, labels))
    shares = dict(map(_named_numbers, means))
    sources = []
    for label, paths in map(_named_paths, policies):
        own = tuple(load_label_file(path) for path in paths if path.suffix.lower() == ".csv")
        data = tuple(path for path in paths if path.suffix.lower() != ".csv")
        sources.append(PolicySource(label, data, files + own, shares.pop(label, ())))
    if shares:
        raise UsageProblem(f"--mean {next(iter(shares))}: --calibrate names no such policy")
    if len({source.name for source in sources}) < len(sources):
        raise UsageProblem("--calibrate names a policy twice")
    info = export_run(run, output, name or output.stem, version, sources)
    click.echo(
        f"wrote {output}: {info.name} version {info.version}, {info.input.size}x{info.input.size} grey, "
        f"commit {info.commit[:12]}"
    )
    for policy in info.policies.values():
        thresholds = ", ".join(f"{point.value} {threshold:g}" for point, threshold in policy.thresholds.items())
        click.echo(f"policy {policy.name}: thresholds {thresholds}; fitted on {policy.source}")


def _named_paths(text: str) -> tuple[str, tuple[Path, ...]]:
    name, _, paths = text.partition("=")
    if not name or "" in paths.split(","):
        raise UsageProblem(f"--calibrate {text}: NAME=PATH or NAME=PATH,PATH is needed")
    each = [paths] if Path(paths).exists() else paths.split(",")  # a path may contain a comma
    return name, tuple(map(Path, each))


def _named_numbers(text: str) -> tuple[str, tuple[float, ...]]:
    name, _, numbers = text.partition("=")
    try:
        values = tuple(map(float, numbers.split(",")))
    except ValueError:
        values = ()
    if not name or not values or min(values) < 0 or not 0 < sum(values) < float("inf"):
        raise UsageProblem(f"--mean {text}: NAME=NUMBER,NUMBER,... is needed, none of them negative")
    return name, values
