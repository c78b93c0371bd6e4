"""``smilecam doctor``: whether this installation works, and what to do if it does not."""

from __future__ import annotations

import json

import click

from smilecam.cli import exit_codes
from smilecam.cli.text import one_line


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a bug report, without paths and names.")
def doctor(as_json: bool) -> int:
    """Check this installation, and show what to do about each problem.

    Looks at versions, codecs, models and their hashes, the files of face detectors, processors, cameras and folders,
    and runs once over a drawn face. It uses no network. The exit code is 1 if there is a problem.
    """
    from smilecam.doctor import State, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            click.echo(one_line(f"{finding.state.value:<8} {finding.name}: {finding.text}"))
            if finding.advice:
                click.echo(one_line(f"{'':<8} -> {finding.advice}"))
    if as_json:
        click.echo(json.dumps({"format": 1, "findings": [finding.as_dict() for finding in findings]}, indent=1))
    return exit_codes.FAILURE if any(finding.state is State.PROBLEM for finding in findings) else exit_codes.DONE
