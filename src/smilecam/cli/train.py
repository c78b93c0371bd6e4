"""``smilecam train`` and ``smilecam export``: from labelled faces to a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam import storage
from smilecam.cli.extras import require
from smilecam.cli.progress import bar

if TYPE_CHECKING:
    from smilecam.training.run import EpochRow

PATH = click.Path(path_type=Path)


@click.command()
@click.option("--recipe", default="classic", show_default=True, help="classic, augmented, or a .toml file.")
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
) -> None:
    """Train LeNet on SMILES, with class weights computed from the training part.

    Prints a line per epoch, and writes a folder with the configuration, the epochs as JSON lines, the curves as a
    picture, and the state to resume from. An interrupted run goes on with --resume.
    """
    require("train", "smilecam train")
    from smilecam.data.smiles import find_smiles
    from smilecam.data.splits import View
    from smilecam.training.device import choose_device
    from smilecam.training.recipe import load_recipe
    from smilecam.training.run import Reporter, RunSettings, run_training

    resolved = load_recipe(recipe).with_epochs(epochs)
    settings = RunSettings(
        recipe=resolved,
        data=find_smiles(path, storage.data_folder()),
        extra=extra,
        view=View(view),
        seed=seed,
        out=out or Path("runs") / f"{resolved.name}-seed{seed}",
        resume=resume,
    )
    chosen, reason = choose_device(device)
    click.echo(f"device {reason}")
    reporter = Reporter(say=click.echo, row=_print_row, progress=lambda title, steps: bar(title, steps, "batch"))
    metrics = run_training(settings, chosen, reporter)
    click.echo(
        f"validation: n {metrics.n:,}, AUC {metrics.auc:.4f}; at threshold {metrics.threshold:.3f} "
        f"accuracy {metrics.accuracy:.4f}, balanced accuracy {metrics.balanced_accuracy:.4f}"
    )
    click.echo(f"run folder: {settings.out}")


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
def export(run: Path, output: Path, name: str | None, version: str) -> None:
    """Write the model file of a finished training RUN, everything run time needs inside it."""
    require("train", "smilecam export")
    from smilecam.training.export import export_run

    info = export_run(run, output, name or output.stem, version)
    click.echo(
        f"wrote {output}: {info.name} version {info.version}, {info.input.size}x{info.input.size} grey, "
        f"threshold {info.threshold:g}, commit {info.commit[:12]}"
    )
