"""``smilecam report``: results as a page to read."""

from __future__ import annotations

from pathlib import Path

import click

from smilecam.cli import exit_codes
from smilecam.cli.progress import bar, warn
from smilecam.cli.text import counted, one_line
from smilecam.errors import UsageProblem

SUFFIXES = (".html", ".htm")
"""Of pages: another name may be that of a video or a table."""


@click.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="PATH", type=click.Path(path_type=Path), help="The page.  [default: RESULT.html]"
)
@click.option(
    "--media",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder from which relative paths in the results start.  [default: this one]",
)
@click.option(
    "--thumbnails", type=click.IntRange(min=0), default=300, show_default=True, help="Number of thumbnails at most."
)
@click.option("--blur", is_flag=True, help="Anonymise the faces in thumbnails.")
def report(result: Path, output: Path | None, media: Path, thumbnails: int, blur: bool) -> int:
    """Make a report of a RESULT, as one HTML file.

    RESULT is the folder of smilecam scan, or a file of smilecam detect --jsonl. The page has a timeline of each video,
    thumbnails of the best smiles, filters, distributions, and links that play a moment. It needs no network.
    """
    from smilecam.review.report.load import load_results
    from smilecam.review.report.page import ReportOptions, expected_thumbnails, write_report
    from smilecam.review.report.thumbnails import Anonymiser
    from smilecam.storage import same_file

    if not str(result) or (output is not None and not output.name):
        raise UsageProblem("RESULT or --output is an empty name")
    target = output or _beside(result)
    if same_file(target, result):
        raise UsageProblem(f"--output {target} would replace the results")
    if target.suffix.lower() not in SUFFIXES:
        raise UsageProblem(f"--output {target}: a page's name ends in {' or '.join(SUFFIXES)}")
    data = load_results(result)
    options = ReportOptions(media, thumbnails, Anonymiser() if blur else None)
    with bar("thumbnails", expected_thumbnails(data, options), "image") as progress:
        options.progress = progress.update
        written = write_report(target, data, options)
    if written.missing:
        count = len(written.missing)
        warn(
            f"{written.missing[0]}{f' and {count - 1} more' if count > 1 else ''} not found below {media.resolve()}: "
            "without links and thumbnails (--media names another folder)"
        )
    counts = {"video": len(data.videos), "image": len(data.images), "thumbnail": written.thumbnails}
    listed = ", ".join(counted(count, what) for what, count in counts.items())
    click.echo(one_line(f"wrote {target}: {listed}"))
    return exit_codes.DONE


def _beside(result: Path) -> Path:
    """The page of results, beside them and with their name."""
    named = result if result.name not in ("", "..") else result.resolve()
    return named.parent / f"{named.name if named.is_dir() else named.stem}.html"
