"""``smilecam models``: the packaged models and the face detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smilecam.cli.progress import bar
from smilecam.detection.registry import AUTO, DETECTORS, resolve_detector

if TYPE_CHECKING:
    from smilecam.classification.model_info import ModelInfo, Policy

FILES = {spec.name: spec.file for spec in DETECTORS.values() if spec.file is not None}


@click.group()
def models() -> None:
    """List models and face detectors, and download a detector's file."""


@models.command("list")
def list_models() -> None:
    """Show the packaged models with their thresholds, and the face detectors with their files."""
    from smilecam.classification.classifier import DEFAULT_MODEL, model_names, model_path
    from smilecam.classification.model_info import METADATA_KEY, parse_model_info
    from smilecam.classification.onnx_file import read_model_file

    click.echo("networks (--model):")
    for name in model_names():
        _, metadata = read_model_file(model_path(name))
        _print_model(name, parse_model_info(metadata[METADATA_KEY]), name == DEFAULT_MODEL)
    click.echo("face detectors (--detector):")
    width = max(map(len, (AUTO, *DETECTORS)))
    click.echo(f"  {AUTO:<{width}}  the default; now {resolve_detector().spec.name}")
    for spec in DETECTORS.values():
        click.echo(f"  {spec.name:<{width}}  {spec.state()}")


def _print_model(name: str, info: ModelInfo, default: bool) -> None:
    size = info.input.size
    mark = ", the default" if default else ""
    click.echo(f"  {name}, version {info.version}{mark}: reads {size}x{size} pixels")
    for policy in info.policies.values():
        mark = ", the default" if policy == info.policy() else ""
        click.echo(f"    --policy {policy.name}{mark}: {_thresholds(policy)}")


def _thresholds(policy: Policy) -> str:
    return "thresholds " + ", ".join(f"{point.value} {value:.3f}" for point, value in policy.thresholds.items())


def _fetch_help() -> str:
    described = " ".join(f"{file.about} Size: {file.size / 1000:.0f} kB." for file in FILES.values())
    return f"""Download the file of a face detector, and verify it.

    {described} The file goes into the folder named by the environment variable SMILECAM_DATA, or else into the user's
    cache.
    """


@models.command(help=_fetch_help())
@click.argument("name", type=click.Choice(list(FILES)))
@click.option("--from", "given", metavar="PATH|URL", help="A local file or a mirror, instead of the author's address.")
def fetch(name: str, given: str | None) -> None:
    """Download and verify with a progress bar."""
    with bar(name, None, "B", scale=True) as progress:

        def received(bytes_here: int, expected: int | None) -> None:
            progress.total = expected
            progress.update(bytes_here - progress.n)

        path = FILES[name].fetch(given, received)
    click.echo(f"{name} verified by its SHA-256: {path}")
