"""``smilecam best``: the best photos of people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smilecam.cli import exit_codes
from smilecam.cli.model_options import detector_options, detector_warnings, model_options
from smilecam.cli.progress import bar, warn
from smilecam.cli.text import one_line
from smilecam.detection.registry import resolve_detector
from smilecam.errors import SourceEmpty, SourceError, SourceNotFound, UsageProblem

if TYPE_CHECKING:
    from smilecam.pipeline.run_sources import RunReport
    from smilecam.review.photos.ranking import PhotoGroup, RatedPhoto
    from smilecam.sources.base import SourceRef

MAX_GROUPS = 60
"""On a sheet: with more it could be over 20,000 pixels high, which not every program opens."""


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="FOLDER...")
@click.option("--sheet", metavar="PATH", default="best.jpg", show_default=True, help="The contact sheet, an image.")
@click.option("--json", "json_path", metavar="PATH", help="Write the ranking as JSON.")
@click.option(
    "--columns",
    type=click.IntRange(1, 20),
    default=5,
    show_default=True,
    help="Photos of each group on the contact sheet.",
)
@model_options
@detector_options
@click.option("-r", "--recursive", is_flag=True, help="Include folders inside folders.")
def best(
    photos: tuple[str, ...],
    sheet: str,
    json_path: str | None,
    columns: int,
    recursive: bool,
    **settings: Any,  # noqa: ANN401 - the shared options, of several types
) -> int:
    """Rank the photos in each FOLDER: the one where everybody smiles.

    A FOLDER may also be a photo or a pattern such as "party/*.jpg". Photos of one group, as of a burst, are ranked
    together: by how many people smile, then by how surely, and whose eyes are seen open. People in the background do
    not count. Exit code 6 means that nobody smiles in any of them.
    """
    from smilecam.pipeline.run_sources import RunReport
    from smilecam.review.photos.ranking import rank_groups

    report = RunReport(warn=warn)
    refs = _photo_refs(photos, recursive, report)
    targets = _checked_targets(sheet, json_path, refs)
    groups = rank_groups(_rated(refs, report, settings))
    if not groups:
        return exit_codes.SOURCE
    for line in _lines(groups):
        click.echo(one_line(line))
    _write(groups, targets, columns)
    for path in targets:
        click.echo(one_line(f"wrote {path}"))
    if report.failed:
        return exit_codes.SOME_FAILED
    return exit_codes.DONE if any(group.best.smiling for group in groups) else exit_codes.NOT_SEEN


def _photo_refs(photos: Sequence[str], recursive: bool, report: RunReport) -> list[SourceRef]:
    """The photos among what the arguments name; what cannot be found is noted in ``report``.

    Raises:
        SourceEmpty: there is none.
        UsageProblem: a name is empty.
    """
    from smilecam.pipeline.run_sources import collect_sources
    from smilecam.sources.base import Kind

    if "" in photos:
        raise UsageProblem("a FOLDER is an empty name")
    found = collect_sources(photos, recursive, report)
    refs = [ref for ref in found if ref.kind is Kind.IMAGE]
    for path in (ref.path for ref in found if ref.kind is not Kind.IMAGE and ref.path):
        if not path.exists():  # a name without a suffix could be a video's
            report.fail(SourceNotFound(f"no file at {path}"))
    if not refs and not report.failed:
        raise SourceEmpty(f"no photos in {', '.join(photos)}")
    return refs


def _checked_targets(sheet: str, json_path: str | None, refs: Sequence[SourceRef]) -> list[Path]:
    """The paths of the sheet and of the JSON file, if there is one.

    Raises:
        UsageProblem: one is empty, would replace a photo or the other, or is no image.
    """
    from smilecam.sinks.output_paths import refuse_source
    from smilecam.sources.images import WRITABLE_SUFFIXES

    if "" in (sheet, json_path):
        raise UsageProblem("--sheet or --json is an empty name")
    if Path(sheet).suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageProblem(f"--sheet {sheet}: an image's name ends in {', '.join(sorted(WRITABLE_SUFFIXES))}")
    targets = [Path(sheet), *([Path(json_path)] if json_path else [])]
    if json_path and targets[0].resolve() == targets[1].resolve():
        raise UsageProblem(f"--sheet and --json both name {sheet}")
    for option, path in zip(("--sheet", "--json"), targets, strict=False):
        refuse_source(option, path, refs)
    return targets


def _rated(refs: Sequence[SourceRef], report: RunReport, settings: dict[str, Any]) -> list[RatedPhoto]:
    from smilecam.detection.eyes import EyeDetector
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.review.photos.ranking import rate_photo

    if not refs:
        return []
    face_detector = resolve_detector(settings["detector"])
    eyes, rated = EyeDetector(), list["RatedPhoto"]()
    with (
        SmileDetector(**{**settings, "detector": face_detector.spec.name}) as detector,
        bar("rating", len(refs), "photo") as progress,
    ):
        for ref in refs:
            try:
                rated.append(rate_photo(ref.path or Path(ref.name), detector, eyes))
            except SourceError as error:
                report.fail(error)
            progress.update()
    for line in detector_warnings(face_detector, blur=False):
        warn(line)
    return rated


def _lines(groups: Sequence[PhotoGroup]) -> list[str]:
    from smilecam.review.photos.sheet import verdict

    return [
        f"{f'{row}.{place}':>6}  {photo.path}: {verdict(group, photo)}"
        for row, group in enumerate(groups, 1)
        for place, photo in enumerate(group.photos, 1)
    ]


def _write(groups: Sequence[PhotoGroup], targets: Sequence[Path], columns: int) -> None:
    """Write the sheet and the JSON file.

    Raises:
        OutputError: one cannot be written.
    """
    from smilecam.review.photos.sheet import photo_sheet
    from smilecam.sources.images import save_image
    from smilecam.storage import write_text

    sheet, *json_paths = targets
    if len(groups) > MAX_GROUPS:
        warn(f"{sheet} shows the first {MAX_GROUPS} of {len(groups)} groups")
    save_image(sheet, photo_sheet(groups[:MAX_GROUPS], columns))
    for path in json_paths:
        write_text(path, json.dumps({"groups": [group.as_dict() for group in groups]}, indent=2) + "\n")
