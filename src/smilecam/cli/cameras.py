"""``smilecam cameras``: list the cameras that open."""

from __future__ import annotations

import click

from smilecam.cli import exit_codes
from smilecam.cli.text import one_line


@click.command()
def cameras() -> int:
    """List the cameras that can be opened, by index.

    Each is opened for a moment; cameras in use elsewhere, or without permission, are not listed. The exit code is 3 if
    there is none.
    """
    from smilecam.sources.camera import list_cameras

    found = list_cameras()
    for camera in found:
        rate = f", {camera.fps:g} frames/s" if camera.fps else ""
        name = f"  {camera.name}" if camera.name else ""
        click.echo(one_line(f"{camera.index}{name}  {camera.width}x{camera.height}{rate}"))
    if not found:
        click.echo("no camera found")
        return exit_codes.SOURCE
    return exit_codes.DONE
