"""What every source offers, and how one is named and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, Self

from smilecam.sources.frame import Frame
from smilecam.types import Event

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpeg,mpegts,mpegvideo,m4v,flv,asf,ogg"
"""Formats that hold video and show it by their first bytes. Not among them are play lists (HLS, concat), which name
other files, and raw streams, which FFmpeg believes to see in texts and zip archives too."""

DEFAULT_FPS = 25.0
"""Where neither timestamps nor a rate are known."""

Clock = Callable[[], float]
"""Gives seconds that only ever grow."""


class Kind(Enum):
    """What a source is."""

    IMAGE = "picture"
    VIDEO = "video"
    CAMERA = "camera"
    STREAM = "stream"


@dataclass(slots=True)
class Counts:
    """What a source has been through so far; it grows while frames are taken.

    Attributes:
        received: frames that arrived, the dropped ones among them.
        dropped: frames that a newer one replaced before anybody took them.
        corrupt: pieces that could not be decoded, or not whole.
        reconnects: times that a lost source came back.
    """

    received: int = 0
    dropped: int = 0
    corrupt: int = 0
    reconnects: int = 0


class Backend(Enum):
    """What decodes videos and streams."""

    AUTO = "auto"
    """PyAV where it is installed, OpenCV otherwise."""

    PYAV = "pyav"
    OPENCV = "opencv"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to read sources.

    Attributes:
        open_timeout: seconds that a camera or stream may take to open.
        read_timeout: seconds without a frame after which a camera or stream counts as lost.
        reconnect: whether to open a lost camera or stream again, as often as it takes.
        reconnect_timeout: seconds without a frame after which a lost camera or stream is an error; None for never. One
            that has not worked before is an error at once.
        realtime: whether to play files at their own pace as if they were live: the newest frame only.
        backend: what decodes videos and streams.
    """

    open_timeout: float = 10.0
    read_timeout: float = 10.0
    reconnect: bool = True
    reconnect_timeout: float | None = None
    realtime: bool = False
    backend: Backend = Backend.AUTO


DEFAULT_OPTIONS = SourceOptions()


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A source that has been named, but not opened.

    Attributes:
        name: as results show it.
        kind: what it is.
        path: of the file, or the pattern of a sequence of pictures; None for others.
        index: of the camera; None for others.
        url: of the stream, with its password if it has one: never to be shown; ``-`` for standard input, or the
            description of a test card; None for others.
    """

    name: str
    kind: Kind
    path: Path | None = None
    index: int | None = None
    url: str | None = field(default=None, repr=False)


class Source(Protocol):
    """Something that has been opened and gives frames once, from the first to the last.

    Attributes:
        ref: what it was opened from.
        live: whether frames arrive in their own time and the newest one counts; others wait to be taken.
        fps: frames a second where it says so.
        expected: number of frames where it says so; streams can be wrong about it.
        missing: once it has ended, how many fewer frames could be decoded than it says.
        counts: what has arrived and been dropped; another thread may be at work on it.
    """

    ref: SourceRef
    live: bool
    fps: float | None
    expected: int | None
    missing: int
    counts: Counts

    def __iter__(self) -> Iterator[Frame | Event]:
        """Give the frames, and between them word that a live source was lost or restored.

        Raises:
            SourceUnreadable: nothing can be decoded, or a camera stops.
            SourceLost: a live source went away and did not come back in time.
        """

    def cancel(self) -> None:
        """End the iteration soon, from any thread and without waiting: whoever waits for a frame gets none."""

    def __enter__(self) -> Self:
        """The source itself."""

    def __exit__(self, *_: object) -> None:
        """Let go of the file or camera."""


STANDARD_INPUT = "-"
"""Names standard input in place of a file."""
