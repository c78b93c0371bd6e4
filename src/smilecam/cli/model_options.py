"""The options that say how smiles are decided, for every command that reads faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from smilecam.cli.renamed import RenamedOption
from smilecam.presets import OperatingPoint

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option("--model", default="smilenet", show_default=True, help="smilenet, lenet, or an .onnx file."),
    click.option(
        "--policy",
        help="What counts as a smile. The packaged models know broad, the default: any visible smile; and strict: "
        "clear ones, by the labels of SMILES.",
    ),
    click.option(
        "--operating-point",
        type=click.Choice([point.value for point in OperatingPoint]),
        default=OperatingPoint.BALANCED.value,
        show_default=True,
        help="Which of the model's thresholds: smiles and the rest equally right, most faces right, or hardly a "
        "false smile.",
    ),
    click.option("--threshold", type=click.FloatRange(0, 1), help="Smiling from this probability, in place of those."),
)

DETECTOR_OPTIONS = (
    click.option(
        "--detector",
        type=click.Choice(["haar", "yunet"]),
        default="haar",
        show_default=True,
        help="What finds faces: OpenCV's Haar cascade, or YuNet, which also sees small and turned ones "
        "(smilecam models fetch yunet brings it).",
    ),
    click.option(
        "--detection-size",
        cls=RenamedOption,
        formerly=["--search-size"],
        type=click.IntRange(min=24),
        help="Look for faces in the frame reduced to this longer side: more finds smaller faces, and is slower. "
        "Default: with haar 960 for pictures and 480 for streams, with yunet 1600 and 960.",
    ),
)


def model_options(command: Command) -> Command:
    """Add --model, --policy, --operating-point and --threshold to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def detector_options(command: Command) -> Command:
    """Add --detector and --detection-size to a command."""
    for option in reversed(DETECTOR_OPTIONS):
        command = option(command)
    return command
