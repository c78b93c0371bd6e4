"""The interface of all sources, and how one is named and opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, Self

from smilecam.sources.decoding import Decoding
from smilecam.sources.frame import Frame
from smilecam.types import Event

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpeg,mpegts,mpegvideo,m4v,flv,asf,ogg"
"""Containers of video that are recognised by their first bytes. Play lists (HLS, concat), which name other files, are
left out, and so are raw streams, which FFmpeg also detects in text files and zip archives."""

DEFAULT_FPS = 25.0
"""Frames per second where neither timestamps nor a rate are known."""

Clock = Callable[[], float]
"""A monotonic clock, in seconds."""


class Kind(Enum):
    """What a source is."""

    IMAGE = "image"
    VIDEO = "video"
    CAMERA = "camera"
    STREAM = "stream"


@dataclass(slots=True)
class Counts:
    """Counters of a source, which grow while frames are taken.

    Attributes:
        received: frames that arrived, the dropped ones among them.
        dropped: frames that a newer one replaced before they were taken.
        corrupt: frames, packets or files that could not be decoded, or only in part.
        reconnects: times that a lost source was reopened.
    """

    received: int = 0
    dropped: int = 0
    corrupt: int = 0
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to open sources.

    Attributes:
        open_timeout: seconds that a camera or stream may take to open.
        read_timeout: seconds without a frame after which a camera or stream is lost.
        reconnect: whether to reopen a lost camera or stream.
        reconnect_timeout: seconds without a frame after which reconnecting fails with an error; None for never. A
            camera or stream that has not worked before is an error at once.
        realtime: whether to play recorded video in real time, as if it were live: only the newest frame counts.
        ca_file: certificates (PEM) that vouch for servers of encrypted streams; None for those of this system.
        insecure: whether to accept any certificate of such a server.
        decoder_threads: threads that decode a recorded video; 0 for as many as the machine has cores.
        decoding: how much of a recorded video is decoded.
    """

    open_timeout: float = 10.0
    read_timeout: float = 10.0
    reconnect: bool = True
    reconnect_timeout: float | None = None
    realtime: bool = False
    ca_file: Path | None = None
    insecure: bool = False
    decoder_threads: int = 0
    decoding: Decoding = Decoding.FULL


DEFAULT_OPTIONS = SourceOptions()


@dataclass(frozen=True, slots=True)
class SourceRef:
    """The name of a source that has not been opened yet.

    Attributes:
        name: as results show it.
        kind: what it is.
        path: of the file, or the pattern of an image sequence; None for others.
        index: of the camera; None for others.
        url: of the stream, with its password if it has one: never to be shown; ``-`` for standard input, or the
            description of a synthetic source; None for others.
    """

    name: str
    kind: Kind
    path: Path | None = None
    index: int | None = None
    url: str | None = field(default=None, repr=False)


class Source(Protocol):
    """An open source, which gives its frames once, from the first to the last.

    Attributes:
        ref: what it was opened from.
        live: whether frames arrive in their own time and the newest one counts; others wait to be taken.
        fps: announced frames per second, if any.
        expected: announced number of frames, if any; streams can be wrong about it.
        missing: how many of the announced frames could not be decoded; known at the end.
        counts: of frames; another thread may be updating them.
    """

    ref: SourceRef
    live: bool
    fps: float | None
    expected: int | None
    missing: int
    counts: Counts

    def __iter__(self) -> Iterator[Frame | Event]:
        """Give the frames, and between them events: a live source was lost or restored.

        Raises:
            SourceUnreadable: nothing can be decoded, or a camera stops.
            SourceLost: a live source was lost and did not come back in time.
        """

    def __enter__(self) -> Self:
        """The source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self.close()

    def share_cores(self) -> None:
        """Leave cores to threads that analyse the frames, where decoding is fast enough; before the first is taken."""
        return

    def close(self) -> None:
        """Release the file, camera or connection, and end an iteration that another thread may be in.

        Any thread may call it, and more than once. It does not wait long: a thread that is inside a library releases
        the source itself, as soon as it is back.
        """


STANDARD_INPUT = "-"
"""Names standard input in place of a file."""

MAX_CAMERA_INDEX = 99
"""OpenCV reads the hundreds of an index as the choice of a capture API."""
