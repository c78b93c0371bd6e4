"""What the server and the worker process of an uploaded video send each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smilecam.server.security.limits import Limits
    from smilecam.server.stream_settings import DetectorChoice


@dataclass(frozen=True, slots=True)
class VideoTask:
    """What is to be done.

    Attributes:
        video: the uploaded file.
        name: of the video, for results.
        results: path of the results, by format.
        choice: model, detector and settings.
        limits: on the video.
        preview: path of a copy that browsers play, in a folder of its own; None for none.
    """

    video: Path
    name: str
    results: dict[str, Path]
    choice: DetectorChoice
    limits: Limits
    preview: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the worker is.

    Attributes:
        frames: processed so far.
        seconds: position in the video.
        expected: number of frames, if the file states it.
        length: of the video in seconds, if it is known.
        size: width and height of the frames in pixels, once one was processed.
        done: whether all results are written.
    """

    frames: int = 0
    seconds: float = 0.0
    expected: int | None = None
    length: float | None = None
    size: tuple[int, int] | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the video is refused: the parts of a ``Problem``."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker's own failure, as a line for whoever runs the server."""

    line: str


Answer = Progress | Refused | Failed
