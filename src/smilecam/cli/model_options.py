"""Options that choose the model, its threshold and the face detector, shared by several commands."""

from __future__ import annotations

import click

from smilecam.cli.option_group import Command, add_options
from smilecam.cli.renamed import RenamedOption
from smilecam.detection.registry import (
    DEFAULT_DETECTOR,
    PREFERRED_DETECTOR,
    ResolvedDetector,
    detection_size_help,
    detector_help,
    detector_names,
)
from smilecam.presets import OperatingPoint

OPTIONS = (
    click.option("--model", default="smilenet", show_default=True, help="smilenet, lenet, or an .onnx file."),
    click.option(
        "--policy",
        help="What counts as a smile. The packaged models have broad, the default: any visible smile; and strict: "
        "clear smiles only, as labelled in SMILES.",
    ),
    click.option(
        "--operating-point",
        type=click.Choice([point.value for point in OperatingPoint]),
        default=OperatingPoint.BALANCED.value,
        show_default=True,
        help="Threshold preset: best balanced accuracy, best accuracy, or 98 % precision.",
    ),
    click.option(
        "--threshold",
        type=click.FloatRange(0, 1),
        help="Minimum probability for a smile; overrides --operating-point.",
    ),
)

DETECTOR_OPTIONS = (
    click.option(
        "--detector",
        type=click.Choice(detector_names()),
        default=DEFAULT_DETECTOR,
        show_default=True,
        help=detector_help(),
    ),
    click.option(
        "--detection-size",
        cls=RenamedOption,
        formerly=["--search-size"],
        type=click.IntRange(min=24),
        help=detection_size_help(),
    ),
)


def model_options(command: Command) -> Command:
    """Add --model, --policy, --operating-point and --threshold to a command."""
    return add_options(command, OPTIONS)


def detector_options(command: Command) -> Command:
    """Add --detector and --detection-size to a command."""
    return add_options(command, DETECTOR_OPTIONS)


def detector_warnings(detector: ResolvedDetector, blur: bool) -> list[str]:
    """Lines about the face detector of a run: what a better one would find.

    Args:
        detector: of the run.
        blur: whether detected faces are anonymised.
    """
    lines = [detector.fallback] if detector.fallback else []
    spec = detector.spec
    if blur and spec.misses:
        lines.append(
            f"--blur anonymises only faces that are found, and {spec.title} misses {spec.misses}: "
            f"{PREFERRED_DETECTOR} finds more of them"
        )
    return lines
