"""``smilecam demo``: see it work without a camera or network."""

from __future__ import annotations

from pathlib import Path

import click

from smilecam.cli import exit_codes
from smilecam.cli.extras import require


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("smilecam-demo"), show_default=True, help="Folder."
)
def demo(out: Path) -> int:
    """Run on a short clip made of public-domain portraits, and show what was seen.

    Writes the clip, the annotated video, a contact sheet and the results as JSON lines. Ends with exit code 1 when
    the result is not what the portraits show.
    """
    require("demo", "smilecam demo")
    from smilecam.demo import run_demo

    report = run_demo(out, click.echo)
    for path in report.files:
        click.echo(f"wrote {path}")
    for part in report.parts:
        verdict = "correct" if part.correct else "WRONG"
        click.echo(
            f"{part.start:5.2f}-{part.end:5.2f} s  {part.part.name:<26} face in {part.with_face:>2}, "
            f"smile in {part.with_smile:>2} of {part.part.frames} frames: {verdict}"
        )
    click.echo(f"a smile was seen: {report.smiles if report.smiles.spans else 'never'}")
    click.echo("demo correct" if report.correct else "demo WRONG")
    return exit_codes.DONE if report.correct else exit_codes.FAILURE
