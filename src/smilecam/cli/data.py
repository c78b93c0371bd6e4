"""``smilecam data``: download of the SMILES data set, audit of a data set, and face crops from photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam import storage
from smilecam.cli import exit_codes
from smilecam.cli.model_options import detector_options, detector_warnings
from smilecam.cli.progress import bar
from smilecam.cli.renamed import RenamedOption
from smilecam.cli.text import one_line

if TYPE_CHECKING:
    from smilecam.data.audit import Audit


@click.group()
def data() -> None:
    """Download SMILES; audit a data set; crop photos."""


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


@data.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to make; missing or empty.")
@detector_options
@click.option("--all-faces", is_flag=True, help="Crop every face of a photo, not only the largest.")
@click.option("--grey", is_flag=True, help="Write grey images.")
def crop(source: Path, out: Path, detector: str, detection_size: int | None, all_faces: bool, grey: bool) -> int:
    """Cut the faces out of whole photos, for train and evaluate.

    SOURCE is a folder or zip archive with the photos of each class in smile/ and not_smile/; names such as smiling/ and
    non-smile/ are understood too. --out gets smile/ and not_smile/ with a PNG of each face, and crops.csv with source,
    box and detector of each, and the photos that were left out.

    Ends with exit code 5 if a photo has no face or cannot be read; each is listed.
    """
    from smilecam.data.crop_photos import CropSettings, crop_photos
    from smilecam.detection.registry import resolve_detector

    resolved = resolve_detector(detector)
    for line in detector_warnings(resolved, blur=False):
        click.echo(line, err=True)
    settings = CropSettings(resolved.spec.name, detection_size, all_faces, grey)
    with bar("photos", None, "photo") as progress:
        report = crop_photos(source, out, settings, progress.update)
    for name, problem in report.problems:
        click.echo(f"{one_line(name)}: {problem}", err=True)
    counts = ", ".join(f"{count:,} {name}" for name, count in report.crops.items())
    lines = [f"{report.photos:,} photos, {sum(report.crops.values()):,} faces cropped ({counts})"]
    if report.problems:
        lines.append(f"{len(report.problems):,} photos left out")
    if report.ignored:
        lines.append(f"{report.ignored:,} images outside the folders of the classes ignored")
    click.echo(f"{'; '.join(lines)}: {out}")
    return exit_codes.SOME_FAILED if report.problems else exit_codes.DONE


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
