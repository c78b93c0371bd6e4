"""The options of streams: how they are opened, and how smiles are decided over time."""

from __future__ import annotations

from pathlib import Path

import click

from smilecam.cli.option_group import Command, add_options
from smilecam.cli.renamed import RenamedOption
from smilecam.sources.decoding import Decoding
from smilecam.tracking.smile_state import DecisionSettings

SOURCE_OPTIONS = (
    click.option(
        "--realtime",
        cls=RenamedOption,
        formerly=["--paced"],
        is_flag=True,
        help="Play video files in real time, like a live stream.",
    ),
    click.option(
        "--open-timeout",
        type=click.FloatRange(min=0.1),
        default=10.0,
        show_default=True,
        help="Time limit for opening a camera or stream (seconds).",
    ),
    click.option(
        "--read-timeout",
        type=click.FloatRange(min=0.1),
        default=10.0,
        show_default=True,
        help="Time without a frame after which a camera or stream counts as lost (seconds).",
    ),
    click.option(
        "--reconnect-timeout",
        cls=RenamedOption,
        formerly=["--give-up-after"],
        type=click.FloatRange(min=0),
        help="Time without a frame after which reconnecting to a lost camera or stream ends (seconds); 0 for no "
        "reconnection. Default: no limit.",
    ),
    click.option(
        "--ca-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Certificates (PEM) that vouch for the servers of https, rtsps and rtmps streams, and of --webhook and "
        "--mqtt. Default: those of this system.",
    ),
    click.option(
        "--insecure",
        is_flag=True,
        help="Do not verify the servers of https, rtsps and rtmps streams.",
    ),
)

decode_option = click.option(
    "--decode",
    type=click.Choice([decoding.value for decoding in Decoding]),
    default=Decoding.FULL.value,
    show_default=True,
    help="Decode less of recorded video, where its formats allow it: without the filter of block borders, or only the "
    "frames that others are predicted from; the others have no results then.",
)

DECISION = DecisionSettings()

DECISION_OPTIONS = (
    click.option(
        "--smoothing",
        type=click.FloatRange(min=0, max=60),
        default=DECISION.smoothing,
        show_default=True,
        help="Time constant of temporal smoothing (seconds); more changes state less often.",
    ),
    click.option(
        "--hysteresis",
        type=click.FloatRange(min=0, max=6),
        default=DECISION.hysteresis,
        show_default=True,
        help="Live streams: distance from the threshold, in log odds, within which a frame changes no state. Recorded "
        "video: raises the cost of a change.",
    ),
    click.option(
        "--min-smile",
        type=click.FloatRange(min=0, max=60),
        default=DECISION.min_smile,
        show_default=True,
        help="Ignore smiles shorter than this (seconds).",
    ),
    click.option(
        "--min-pause",
        type=click.FloatRange(min=0, max=60),
        default=DECISION.min_pause,
        show_default=True,
        help="Ignore pauses within a smile shorter than this (seconds).",
    ),
    click.option(
        "--relative",
        is_flag=True,
        help="Measure intensity relative to each person's neutral face.",
    ),
)


def decision_options(command: Command) -> Command:
    """Add the options for deciding on smiles over time to a command."""
    return add_options(command, DECISION_OPTIONS)


def stream_options(command: Command) -> Command:
    """Add the options for opening streams, and those for deciding on smiles in them, to a command."""
    return add_options(decision_options(command), SOURCE_OPTIONS)
