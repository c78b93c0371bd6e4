"""The options that say how streams are opened and followed, for every command that reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from smilecam.cli.renamed import RenamedOption
from smilecam.tracking.smile_state import DecisionSettings

Command = TypeVar("Command", bound=Callable[..., Any])

SOURCE_OPTIONS = (
    click.option(
        "--realtime",
        cls=RenamedOption,
        formerly=["--paced"],
        is_flag=True,
        help="Play video files in real time, as if they were live.",
    ),
    click.option(
        "--open-timeout",
        type=click.FloatRange(min=0.1),
        default=10.0,
        show_default=True,
        help="Seconds that a camera or stream may take to open.",
    ),
    click.option(
        "--read-timeout",
        type=click.FloatRange(min=0.1),
        default=10.0,
        show_default=True,
        help="Seconds without a frame after which a camera or stream is lost.",
    ),
    click.option(
        "--reconnect-timeout",
        cls=RenamedOption,
        formerly=["--give-up-after"],
        type=click.FloatRange(min=0),
        help="Seconds without a frame after which a lost camera or stream is given up; 0 for at once. "
        "Default: never, it is opened again and again.",
    ),
)

DECISION = DecisionSettings()

DECISION_OPTIONS = (
    click.option(
        "--smoothing",
        type=click.FloatRange(min=0, max=60),
        default=DECISION.smoothing,
        show_default=True,
        help="Seconds over which the reading of a face is averaged.",
    ),
    click.option(
        "--hysteresis",
        type=click.FloatRange(min=0, max=6),
        default=DECISION.hysteresis,
        show_default=True,
        help="How far, in log odds, the average must lie beyond the threshold to begin or end a smile.",
    ),
    click.option(
        "--min-smile",
        type=click.FloatRange(min=0, max=60),
        default=DECISION.min_smile,
        show_default=True,
        help="Seconds that a smile must last to be one.",
    ),
    click.option(
        "--min-pause",
        type=click.FloatRange(min=0, max=60),
        default=DECISION.min_pause,
        show_default=True,
        help="Seconds without a smile that end it.",
    ),
    click.option(
        "--relative",
        is_flag=True,
        help="Measure the intensity of smiles from each person's own neutral face.",
    ),
)


def stream_options(command: Command) -> Command:
    """Add the options for opening streams and for deciding in them to a command."""
    for option in reversed(SOURCE_OPTIONS + DECISION_OPTIONS):
        command = option(command)
    return command
