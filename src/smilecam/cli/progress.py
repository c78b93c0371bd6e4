"""Progress bars on standard error, shown only where someone can see them move."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import click
from tqdm import tqdm

from smilecam.cli.text import one_line


def bar(title: str, total: int | None, unit: str, *, scale: bool = False) -> tqdm[Any]:
    """A bar that vanishes when it is closed, and is silent unless standard error is a terminal.

    Args:
        title: in front of the bar.
        total: steps until it is full, None where nobody knows.
        unit: what is counted.
        scale: whether to count in thousands and millions.
    """
    hidden = sys.stderr is None or not sys.stderr.isatty()
    return tqdm(total=total, desc=title, unit=unit, unit_scale=scale, leave=False, disable=hidden, file=sys.stderr)


def warn(line: str) -> None:
    """Print a line on standard error, above the bars that are shown; where nobody can read it, the run goes on."""
    with suppress(OSError), tqdm.external_write_mode(file=sys.stderr, nolock=True):
        click.echo(f"smilecam: {one_line(line)}", err=True)
