"""``smilecam data``: download and audit of the SMILES data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam import storage
from smilecam.cli.progress import bar
from smilecam.cli.renamed import RenamedOption

if TYPE_CHECKING:
    from smilecam.data.audit import Audit


@click.group()
def data() -> None:
    """Download the SMILES data set, and audit a data set."""


@data.command()
@click.option("--archive", type=click.Path(path_type=Path), help="Use this local copy instead of a download.")
def fetch(archive: Path | None) -> None:
    """Download the SMILES archive (27 MB) at a pinned commit, and verify it.

    Saves it in the folder of the environment variable SMILECAM_DATA; default: the user's cache folder.
    """
    from smilecam.data import smiles_dataset

    with bar("SMILES", None, "B", scale=True) as progress:

        def received(bytes_here: int, expected: int | None) -> None:
            progress.total = expected
            progress.update(bytes_here - progress.n)

        path = smiles_dataset.fetch(storage.data_folder(), archive, progress=received)
    click.echo(f"13,165 images verified against commit {smiles_dataset.COMMIT[:12]}: {path}")


@data.command()
@click.option(
    "--data",
    "path",
    type=click.Path(path_type=Path),
    help="Archive or folder; default: the archive of smilecam data fetch.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("smiles-audit"),
    show_default=True,
    help="Folder of the report.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random seed (faces on the contact sheets).",
)
@click.option(
    "--label-issues",
    "folds",
    cls=RenamedOption,
    formerly=["--suspects"],
    type=click.Path(path_type=Path),
    help="Also list labels that look wrong, by a cross-validation on this data (folder of smilecam train --folds).",
)
def audit(path: Path | None, out: Path, seed: int, folds: Path | None) -> None:
    """Audit a data set: classes, sizes, duplicates, contradictory labels.

    Prints the counts, and writes audit.json and a contact sheet of each class. With --label-issues, also writes
    label_issues.csv and a contact sheet of the faces whose labels contradict confident out-of-fold predictions.
    """
    from smilecam.data.audit import audit as audit_faces
    from smilecam.data.audit import write_audit
    from smilecam.data.smiles_dataset import find_smiles

    data = find_smiles(path, storage.data_folder())
    found = audit_faces(data, seed)
    _print_audit(found)
    for written in write_audit(found, out):
        click.echo(f"wrote {written}")
    if folds:
        from smilecam.data.faces import load_faces
        from smilecam.evaluation.label_issues import write_label_issues
        from smilecam.evaluation.score_folds import as_scored, read_folds, score_folds

        issues = write_label_issues(as_scored(score_folds(read_folds(folds)), load_faces(data)), out)
        click.echo(f"labels that look wrong: {len(issues)} of {found.clean:,}, listed in {out / 'label_issues.csv'}")


def _print_audit(found: Audit) -> None:
    click.echo(f"{found.n:,} images, laid out as {found.layout}")
    for name, count in found.classes.items():
        click.echo(f"  {name:<10} {count:>7,}  {found.shares[name]:6.2%}")
    for size, count in found.sizes.items():
        click.echo(f"  {size:<10} {count:>7,}")
    click.echo(f"equal images under one label: {len(found.equal)} groups")
    for group in found.equal:
        click.echo(f"  {' = '.join(group)}")
    click.echo(f"one photograph under both labels: {len(found.contradictory)} groups")
    for group in found.contradictory:
        click.echo(f"  {' / '.join(group)}")
    click.echo(f"clean variant: {found.clean:,} images")
    click.echo(f"content digest: {found.content_digest}")
