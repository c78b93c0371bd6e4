"""``smilecam scan``: an archive of images and videos, into tables."""

from __future__ import annotations

import codecs
import os
import re
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smilecam.cli import exit_codes
from smilecam.cli.extras import require
from smilecam.cli.model_options import detector_options, detector_warnings, model_options
from smilecam.cli.progress import bar, warn
from smilecam.cli.stream_options import decision_options, decode_option
from smilecam.cli.text import counted, one_line
from smilecam.detection.registry import resolve_detector
from smilecam.errors import SourceNotFound, UsageProblem
from smilecam.sources.decoding import Decoding

if TYPE_CHECKING:
    from smilecam.scan.engine import Engine
    from smilecam.scan.run_scan import ScanReport
    from smilecam.scan.task import ScanSettings

_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "min": 60.0}

MAX_WARNINGS = 5
"""The table has all errors; the terminal only the first ones."""


def _seconds(_context: click.Context, _option: click.Parameter, value: str) -> float:
    """Read a duration: "0.2s", "200ms", "1min" or, in seconds, "0.2"."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|min|)", value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is not a duration such as 0.2s, 200ms or 1min")
    return float(match[1]) * _UNITS[match[2]]


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--out", metavar="DIR", required=True, help="Folder of the tables; one of an earlier scan is continued.")
@click.option("--files-from", metavar="FILE", help="Also scan the paths in a file, one per line; - for standard input.")
@click.option(
    "--every",
    callback=_seconds,
    metavar="TIME",
    default="0.2s",
    show_default=True,
    help="Time between two frames of a video that have a row; 0 for all frames. Every frame is processed.",
)
@click.option(
    "--split",
    type=click.FloatRange(min=1),
    metavar="MINUTES",
    help="Split longer videos into pieces of so many minutes, for several workers, and join the results.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Number of workers. Default: one for each core.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where workers run: as processes here, or in a Ray cluster.",
)
@click.option("--address", help="Address of the Ray cluster. Default: RAY_ADDRESS, or a cluster of this machine.")
@click.option(
    "--format",
    "table_format",
    type=click.Choice(["both", "parquet", "jsonl"]),
    default="both",
    show_default=True,
    help="Format of the tables.",
)
@decode_option
@model_options
@detector_options
@decision_options
def scan(
    paths: tuple[str, ...],
    out: str,
    files_from: str | None,
    every: float,
    split: float | None,
    workers: int | None,
    engine: str,
    address: str | None,
    table_format: str,
    **options: Any,  # noqa: ANN401 - the shared options, of several types
) -> int:
    """Scan archives of images and videos into tables.

    A PATH is an image, a video, a folder with everything in it, a pattern such as "2024/**/*.jpg", or a URL such as
    s3://bucket/photos. The tables in DIR, as Parquet and JSON lines, have a row for each image, video, frame, face,
    smile and event, and for each file that failed.

    Run the same command again to go on after an interruption, or when files were added or changed: only those without
    a result are processed.
    """
    require("scan", "smilecam scan")
    from smilecam.scan.listing import list_files
    from smilecam.scan.manifest import earlier_version
    from smilecam.scan.tables import FORMATS

    arguments = [*paths, *_listed(files_from)]
    if not arguments or "" in (*arguments, out):
        raise UsageProblem("a PATH or DIR is missing, or is an empty name")
    if split is not None and options["decode"] == Decoding.REFERENCE_FRAMES.value:
        raise UsageProblem("--split counts every frame: it does not go with --decode reference-frames")
    if address is not None and engine != "ray":
        raise UsageProblem("--address is about --engine ray")
    detector = resolve_detector(options["detector"])
    for line in detector_warnings(detector, blur=False):
        warn(line)
    settings = _settings(every=every, split=split or 0.0, **options | {"detector": detector.spec.name})
    listing = list_files(arguments, leave_out=Path(out))
    for failure in listing.failures[:MAX_WARNINGS]:
        warn(failure.message)
    if not listing.files:
        raise SourceNotFound("no images or videos to scan")
    if earlier := earlier_version(Path(out), settings):
        warn(f"{out} has results of smilecam {earlier}: this is {settings.version}, and processes every file again")
    began = time.monotonic()
    formats = FORMATS if table_format == "both" else (table_format,)
    with closing(_engine(settings, workers, engine, address)) as opened:
        report = _run(listing, settings, opened, Path(out), formats)
    _print(report, Path(out), time.monotonic() - began)
    if not report.failed:
        return exit_codes.DONE
    return exit_codes.SOME_FAILED if report.images or report.videos else exit_codes.SOURCE


def _listed(files_from: str | None) -> list[str]:
    """The paths in a file; some programs begin it with a byte order mark."""
    if files_from is None:
        return []
    try:
        content = sys.stdin.buffer.read() if files_from == "-" else Path(files_from).read_bytes()
    except (OSError, ValueError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceNotFound(f"{files_from} cannot be read: {reason}") from error
    return [
        os.fsdecode(line.rstrip(b"\r")) for line in content.removeprefix(codecs.BOM_UTF8).split(b"\n") if line.strip()
    ]


def _settings(**options: Any) -> ScanSettings:  # noqa: ANN401 - options are of several types
    from smilecam.cli.assemble import make_detector
    from smilecam.scan.task import settings_of

    with make_detector(**options) as detector:
        return settings_of(
            detector,
            options["model"],
            options["detection_size"],
            options["every"],
            options["split"],
            decode=options["decode"],
        )


def _engine(settings: ScanSettings, workers: int | None, engine: str, address: str | None) -> Engine:
    if engine == "ray":
        from smilecam.scan.ray_engine import RayEngine

        return RayEngine(settings, workers, address)
    from smilecam.scan.local_engine import LocalEngine

    return LocalEngine(settings, workers)


def _run(listing: Any, settings: ScanSettings, engine: Engine, out: Path, formats: tuple[str, ...]) -> ScanReport:  # noqa: ANN401
    from smilecam.scan.run_scan import run_scan
    from smilecam.scan.task import ArchiveFile

    total = sum(file.size for file in listing.files)
    done = 0.0
    with bar("scan", total, "B", scale=True) as progress:

        def count(file: ArchiveFile, share: float) -> None:
            nonlocal done
            done += share
            progress.set_postfix_str(f"{done:.0f} of {len(listing.files)} files", refresh=False)
            progress.update(file.size * share)

        return run_scan(listing, settings, engine, out, formats, count)


def _print(report: ScanReport, out: Path, seconds: float) -> None:
    click.echo(
        f"{counted(report.images, 'image')}: {counted(report.faces, 'face')}, {report.smiling} smiling; "
        f"{counted(report.videos, 'video')} of {report.video_seconds / 3600:.2f} h: {counted(report.smiles, 'smile')}"
    )
    if report.duplicates:
        click.echo(f"{counted(report.duplicates, 'further name')} of the same files")
    if report.failed:
        click.echo(f"{report.failed} failed: see the table of errors")
    click.echo(one_line(f"wrote {out} in {seconds:.1f} s"))
