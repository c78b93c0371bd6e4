"""``smilecam demo``: see it work without a camera or network."""

from __future__ import annotations

from pathlib import Path

import click

from smilecam.cli import exit_codes
from smilecam.cli.extras import require
from smilecam.cli.model_options import detector_warnings
from smilecam.cli.text import one_line
from smilecam.detection.registry import resolve_detector


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("smilecam-demo"), show_default=True, help="Output folder."
)
def demo(out: Path) -> int:
    """Run on a short clip made from public-domain portraits.

    Writes the clip, the annotated video, a contact sheet and the results as JSON lines. Exit code 1 means that the
    results do not match the portraits.
    """
    require("demo", "smilecam demo")
    from smilecam.demo import run_demo

    report = run_demo(out, click.echo)
    for path in report.files:
        click.echo(f"wrote {path}")
    for segment in report.segments:
        verdict = "correct" if segment.correct else "WRONG"
        click.echo(
            f"{segment.start:5.2f}-{segment.end:5.2f} s  {segment.segment.name:<26} face in {segment.with_face:>2}, "
            f"smile in {segment.with_smile:>2} of {segment.segment.frames} frames: {verdict}"
        )
    click.echo(f"a smile was seen: {report.smiles if report.smiles.spans else 'never'}")
    for line in detector_warnings(resolve_detector(), blur=False):
        click.echo(one_line(line))
    click.echo("demo correct" if report.correct else "demo WRONG")
    return exit_codes.DONE if report.correct else exit_codes.FAILURE
