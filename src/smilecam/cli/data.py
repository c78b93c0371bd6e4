"""``smilecam data``: get the SMILES data set and look it over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam import storage
from smilecam.cli.progress import bar

if TYPE_CHECKING:
    from smilecam.data.audit import Audit


@click.group()
def data() -> None:
    """Get the SMILES data set, and look it over."""


@data.command()
@click.option("--archive", type=click.Path(path_type=Path), help="Take this local copy instead of downloading.")
def fetch(archive: Path | None) -> None:
    """Download the SMILES archive (27 MB) at a pinned commit, and verify it.

    It goes into the folder that the environment variable SMILECAM_DATA names, or else into the user's cache.
    """
    from smilecam.data import smiles

    with bar("SMILES", None, "B", scale=True) as progress:

        def received(bytes_here: int, expected: int | None) -> None:
            progress.total = expected
            progress.update(bytes_here - progress.n)

        path = smiles.fetch(storage.data_folder(), archive, progress=received)
    click.echo(f"13,165 pictures verified against commit {smiles.COMMIT[:12]}: {path}")


@data.command()
@click.option("--data", "path", type=click.Path(path_type=Path), help="Archive or folder; default: what fetch got.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("smiles-audit"), show_default=True, help="Folder.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the choice of faces for the contact sheets.",
)
@click.option(
    "--suspects",
    "folds",
    type=click.Path(path_type=Path),
    help="Also list labels that look wrong: the folder of a cross-validation (smilecam train --folds) on this data.",
)
def audit(path: Path | None, out: Path, seed: int, folds: Path | None) -> None:
    """Count what a data set holds: classes, sizes, duplicates, contradictory labels.

    Prints it, and writes audit.json and a contact sheet of each class. With --suspects, writes suspects.csv and a sheet
    of the faces whose label a network that has not seen them contradicts most surely.
    """
    from smilecam.data.audit import audit as look_over
    from smilecam.data.audit import write_audit
    from smilecam.data.smiles import find_smiles

    data = find_smiles(path, storage.data_folder())
    found = look_over(data, seed)
    _print_audit(found)
    for written in write_audit(found, out):
        click.echo(f"wrote {written}")
    if folds:
        from smilecam.data.faces import load_faces
        from smilecam.evaluation.cross_validation import as_scored, cross_validated, read_folds
        from smilecam.evaluation.suspects import write_suspects

        suspects = write_suspects(as_scored(cross_validated(read_folds(folds)), load_faces(data)), out)
        click.echo(f"labels that look wrong: {len(suspects)} of {found.clean:,}, listed in {out / 'suspects.csv'}")


def _print_audit(found: Audit) -> None:
    click.echo(f"{found.n:,} pictures, laid out as {found.layout}")
    for name, count in found.classes.items():
        click.echo(f"  {name:<10} {count:>7,}  {found.shares[name]:6.2%}")
    for size, count in found.sizes.items():
        click.echo(f"  {size:<10} {count:>7,}")
    click.echo(f"equal pictures under one label: {len(found.equal)} groups")
    for group in found.equal:
        click.echo(f"  {' = '.join(group)}")
    click.echo(f"one photograph under both labels: {len(found.contradictory)} groups")
    for group in found.contradictory:
        click.echo(f"  {' / '.join(group)}")
    click.echo(f"clean view: {found.clean:,} pictures")
    click.echo(f"content digest: {found.content_digest}")
