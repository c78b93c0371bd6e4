"""``smilecam models``: the networks that come along, and the face detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smilecam.cli.progress import bar

if TYPE_CHECKING:
    from smilecam.classification.model_info import ModelInfo, Policy


@click.group()
def models() -> None:
    """List networks and face detectors, and fetch a detector's file."""


@models.command("list")
def list_models() -> None:
    """Show the networks that come along with what they can do, and the face detectors with where they are."""
    from smilecam.classification.classifier import DEFAULT_MODEL, model_names, model_path
    from smilecam.classification.model_info import METADATA_KEY, parse_model_info
    from smilecam.classification.onnx_file import read_model_file

    click.echo("networks (--model):")
    for name in model_names():
        _, metadata = read_model_file(model_path(name))
        _print_model(name, parse_model_info(metadata[METADATA_KEY]), name == DEFAULT_MODEL)
    click.echo("face detectors (--detector):")
    click.echo("  haar   comes with OpenCV")
    click.echo(f"  yunet  {_state_of_yunet()}")


def _print_model(name: str, info: ModelInfo, default: bool) -> None:
    size = info.input.size
    mark = ", the default" if default else ""
    click.echo(f"  {name}, version {info.version}{mark}: reads {size}x{size} pixels")
    for policy in info.policies.values():
        mark = ", the default" if policy == info.policy() else ""
        click.echo(f"    --policy {policy.name}{mark}: {_thresholds(policy)}")


def _thresholds(policy: Policy) -> str:
    return "thresholds " + ", ".join(f"{point.value} {value:.3f}" for point, value in policy.thresholds.items())


def _state_of_yunet() -> str:
    from smilecam.detection import files
    from smilecam.detection.yunet_file import read_yunet
    from smilecam.errors import ModelFileError

    path = files.yunet_path()
    if not path.is_file():
        return "not fetched: smilecam models fetch yunet"
    try:
        read_yunet(path)
    except ModelFileError as error:
        return f"{error}: smilecam models fetch yunet"
    return str(path)


@models.command()
@click.argument("name", type=click.Choice(["yunet"]))
@click.option(
    "--from", "given", metavar="PATH|URL", help="A file at hand or a mirror, in place of the author's address."
)
def fetch(name: str, given: str | None) -> None:
    """Download the file of a face detector (317 kB), and verify it.

    YuNet finds faces that are turned or tilted where the cascade does not. It is by Shiqi Yu and others, under the
    Apache 2.0 licence. It goes into the folder that the environment variable SMILECAM_DATA names, or else into the
    user's cache.
    """
    from smilecam.detection import files

    with bar(name, None, "B", scale=True) as progress:

        def received(bytes_here: int, expected: int | None) -> None:
            progress.total = expected
            progress.update(bytes_here - progress.n)

        path = files.fetch_yunet(given, received)
    click.echo(f"{name} verified by its SHA-256: {path}")
