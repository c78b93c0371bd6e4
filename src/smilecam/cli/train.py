"""``smilecam train`` and ``smilecam export``: from labelled faces to a model file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam import storage
from smilecam.cli.extras import require
from smilecam.cli.figures import fold_lines
from smilecam.cli.progress import bar
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    from smilecam.training.run import EpochRow

PATH = click.Path(path_type=Path)


@click.command()
@click.option("--recipe", default="classic", show_default=True, help="A recipe's name, or a .toml file.")
@click.option("--data", "path", type=PATH, help="SMILES archive or a labelled folder; default: what data fetch got.")
@click.option(
    "--extra", type=PATH, multiple=True, help="More training data: smile/ and not_smile/, or FER2013. Repeatable."
)
@click.option(
    "--view",
    type=click.Choice(["clean", "raw"]),
    default="clean",
    show_default=True,
    help="clean leaves out contradictory labels and repeated pictures.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of everything random.")
@click.option("--out", type=PATH, help="Folder of the run; default: runs/RECIPE-seedSEED.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True)
@click.option("--resume", is_flag=True, help="Go on with the run in --out.")
@click.option("--epochs", type=click.IntRange(min=1), help="Instead of the recipe's number.")
@click.option(
    "--teacher",
    "teachers",
    type=PATH,
    multiple=True,
    help="Folder of a finished run, or of a cross-validation with --folds, whose opinion is learned too. Repeatable.",
)
@click.option("--folds", type=click.IntRange(min=2), help="Cross-validate: every face is held out once.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Repeat --folds with more.")
@click.option("--fold", type=click.IntRange(min=0), help="Only this one of the --folds, from 0: to share out the work.")
def train(
    recipe: str,
    path: Path | None,
    extra: tuple[Path, ...],
    view: str,
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
    """Train a network on SMILES, with class weights computed from the training part where the recipe has them.

    Prints a line per epoch, and writes a folder with the configuration, the epochs as JSON lines, the curves as a
    picture, and the state to resume from. An interrupted run goes on with --resume. With --folds, trains a network
    for every fold, and writes the figures over all of them, cross_validation.json; finished folds in --out are kept.
    """
    require("train", "smilecam train")
    from smilecam.data.smiles import find_smiles
    from smilecam.data.splits import View
    from smilecam.training.cross_validation import CrossValidation, cross_validate
    from smilecam.training.device import choose_device
    from smilecam.training.recipe import load_recipe
    from smilecam.training.run import Reporter, run_training
    from smilecam.training.settings import RunSettings

    _check_folds(folds, seeds, fold)

    resolved = load_recipe(recipe).with_epochs(epochs)
    settings = RunSettings(
        recipe=resolved,
        data=find_smiles(path, storage.data_folder()),
        extra=extra,
        view=View(view),
        seed=seed,
        out=out or Path("runs") / (f"{resolved.name}-folds{folds}" if folds else f"{resolved.name}-seed{seed}"),
        resume=resume,
        teachers=teachers,
    )
    chosen, reason = choose_device(device)
    click.echo(f"device {reason}")
    reporter = Reporter(say=click.echo, row=_print_row, progress=lambda title, steps: bar(title, steps, "batch"))
    if folds:
        cross_validate(CrossValidation(settings, folds, seeds, fold), chosen, reporter)
        if fold is None:
            _write_figures(settings.out)
        click.echo(f"folder: {settings.out}")
        return
    metrics = run_training(settings, chosen, reporter)
    click.echo(
        f"validation: n {metrics.n:,}, AUC {metrics.auc:.4f}; at threshold {metrics.threshold:.3f} "
        f"accuracy {metrics.accuracy:.4f}, balanced accuracy {metrics.balanced_accuracy:.4f}"
    )
    click.echo(f"run folder: {settings.out}")


def _write_figures(folder: Path) -> None:
    from smilecam.evaluation.cross_validation import cross_validated, read_folds

    found = cross_validated(read_folds(folder))
    click.echo("\n".join(fold_lines(found)))
    storage.write_text(folder / "cross_validation.json", json.dumps(found.as_dict(), indent=1) + "\n")


def _check_folds(folds: int | None, seeds: int, fold: int | None) -> None:
    if folds is None and (seeds != 1 or fold is not None):
        raise UsageProblem("--seeds and --fold go with --folds")
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
@click.option("--output", type=PATH, required=True, help="The .onnx file to write.")
@click.option("--name", help="Name of the model; default: the file's.")
@click.option("--version", default="1", show_default=True, help="Version of the model.")
@click.option(
    "--calibrate",
    "policies",
    multiple=True,
    metavar="NAME=PATH,...",
    help="Fit a policy's probabilities and thresholds on the folder of a cross-validation, or on labelled faces that "
    "the run was not trained on, or on several such evenly. Repeatable; the first is the default policy.",
)
def export(run: Path, output: Path, name: str | None, version: str, policies: tuple[str, ...]) -> None:
    """Write the model file of a finished training RUN, everything run time needs inside it."""
    require("train", "smilecam export")
    from smilecam.training.export import export_run
    from smilecam.training.policies import PolicySource

    sources = [PolicySource(policy, paths) for policy, paths in map(_named_paths, policies)]
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
    parts = [paths] if Path(paths).exists() else paths.split(",")  # a path may hold a comma
    return name, tuple(map(Path, parts))
