"""Where frames come from: pictures, videos, cameras and streams behind one interface.

Every form of source is a module of its own beside this one, which is loaded once it is opened.
"""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, Self

from smilecam.config import PICTURE_SUFFIXES
from smilecam.errors import MissingExtra, SourceEmpty, SourceNotFound, SourceUnreadable, UsageProblem
from smilecam.types import Event
from smilecam.video.frames import Frame
from smilecam.video.pictures import read_picture
from smilecam.video.urls import STREAM_SCHEMES, is_address, is_stream, redacted

VIDEO_SUFFIXES = frozenset(
    {
        ".mp4",
        ".m4v",
        ".mov",
        ".avi",
        ".mkv",
        ".webm",
        ".gif",
        ".mpg",
        ".mpeg",
        ".wmv",
        ".flv",
        ".ts",
        ".mts",
        ".3gp",
        ".ogv",
    }
)
"""File names that are read as video, in lower case."""

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpeg,mpegts,mpegvideo,m4v,flv,asf,ogg"
"""Formats that hold video and show it by their first bytes. Not among them are play lists (HLS, concat), which name
other files, and raw streams, which FFmpeg believes to see in texts and zip archives too."""

DEFAULT_FPS = 25.0
"""Where neither timestamps nor a rate are known."""

Clock = Callable[[], float]
"""Gives seconds that only ever grow."""


class Kind(Enum):
    """What a source is."""

    PICTURE = "picture"
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
        give_up_after: seconds without a frame after which a lost camera or stream is an error; None for never. One
            that has not worked before is an error at once.
        paced: whether to play files at their own pace as if they were live: the newest frame only.
        backend: what decodes videos and streams.
    """

    open_timeout: float = 10.0
    read_timeout: float = 10.0
    reconnect: bool = True
    give_up_after: float | None = None
    paced: bool = False
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

    def __enter__(self) -> Self:
        """The source itself."""

    def __exit__(self, *_: object) -> None:
        """Let go of the file or camera."""


class PictureSource:
    """A picture file as a stream of one frame."""

    live = False
    fps: float | None = None
    expected: int | None = 1
    missing = 0

    def __init__(self, ref: SourceRef, path: Path) -> None:
        """Read the picture.

        Raises:
            SourceNotFound: nothing is there.
            SourceUnreadable: it is not a picture, is damaged, or is over a limit.
        """
        self.ref, self.counts = ref, Counts()
        self._image = read_picture(path)

    def __iter__(self) -> Iterator[Frame]:
        self.counts.received += 1
        yield Frame(0, None, self._image)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def open_source(ref: SourceRef, options: SourceOptions = DEFAULT_OPTIONS) -> Source:
    """Open what a reference names.

    Args:
        ref: as ``find_sources`` gives it.
        options: how to read it.

    Raises:
        SourceError: it cannot be opened.
        MissingExtra: it needs PyAV, which is not installed.
        UsageProblem: it cannot be read in the way that ``options`` ask for.
    """
    if ref.kind is Kind.PICTURE and ref.path is not None:
        return PictureSource(ref, ref.path)
    if ref.kind is Kind.CAMERA and ref.index is not None:
        return _open_camera(ref, ref.index, options)
    if ref.kind is Kind.STREAM and ref.url is not None:
        return _open_stream(ref, ref.url, options)
    if ref.kind is Kind.VIDEO and (ref.path or ref.url) is not None:
        return _open_video(ref, options)
    raise SourceNotFound(f"{ref.name} names no source")


def _open_camera(ref: SourceRef, index: int, options: SourceOptions) -> Source:
    from smilecam.video.live import LiveSource
    from smilecam.video.opencv_sources import CameraSource

    # macOS asks the user whether the camera may be used, and does so in the main thread only.
    return LiveSource(ref, lambda: CameraSource(ref, index), options, open_here=sys.platform == "darwin")


def _open_stream(ref: SourceRef, url: str, options: SourceOptions) -> Source:
    from smilecam.video.live import LiveSource

    if url == STANDARD_INPUT:
        if not _uses_pyav(options, "reading standard input"):
            raise UsageProblem("standard input is read through PyAV, not through OpenCV")
        from smilecam.video.pyav_sources import open_standard_input

        return LiveSource(ref, lambda: open_standard_input(ref), options, paced=options.paced)
    if _uses_pyav(options):
        from smilecam.video.pyav_sources import open_stream

        return LiveSource(ref, lambda: open_stream(ref, url, options), options)
    from smilecam.video.opencv_sources import StreamSource

    return LiveSource(ref, lambda: StreamSource(ref, url, options), options)


def _open_video(ref: SourceRef, options: SourceOptions) -> Source:
    from smilecam.video.live import LiveSource

    if options.paced:
        return LiveSource(ref, lambda: _open_finite(ref, options), options, paced=True)
    return _open_finite(ref, options)


def _open_finite(ref: SourceRef, options: SourceOptions) -> Source:
    from smilecam.video import opencv_sources, sequence, synthetic

    if ref.path is None:
        return synthetic.SyntheticSource(ref, synthetic.parse(ref.url or ref.name))
    if sequence.is_pattern(ref.path) and not ref.path.exists():
        return sequence.SequenceSource(ref, sequence.numbered_files(ref.path))
    if _uses_pyav(options):
        from smilecam.video.pyav_sources import open_file

        return open_file(ref, ref.path)
    return opencv_sources.VideoSource(ref, ref.path)


def _uses_pyav(options: SourceOptions, needed_for: str | None = None) -> bool:
    if options.backend is Backend.OPENCV:
        return False
    installed = find_spec("av") is not None
    if not installed and (needed_for or options.backend is Backend.PYAV):
        raise MissingExtra(needed_for or "decoding with PyAV", "video")
    return installed


def camera_ref(index: int, name: str | None = None) -> SourceRef:
    """The camera of an index."""
    return SourceRef(name or f"camera:{index}", Kind.CAMERA, index=index)


STANDARD_INPUT = "-"
"""Names standard input in place of a file."""


def find_sources(argument: str | Path, recursive: bool = False) -> list[SourceRef]:
    """Turn what a user typed into sources.

    Args:
        argument: a file, a folder, a pattern such as ``photos/*.jpg``, numbered pictures as ``frames_%04d.png``, or,
            where no file or folder bears that name: a camera by its index, as ``camera:0``, or by its device as
            ``/dev/video0``; the address of a stream, as ``rtsp://host/path``; ``-`` for a video on standard input;
            ``synthetic:640x480@30?seconds=10`` for a test card. A ``Path`` is always a file, a folder or a device.
        recursive: whether to look into folders inside a folder.

    Returns:
        At least one reference; those of a folder or pattern are sorted by name.

    Raises:
        SourceNotFound: nothing is there.
        SourceEmpty: a folder or pattern has neither pictures nor videos.
        SourceUnreadable: the system does not let it be looked at.
    """
    text, path = str(argument), Path(argument)
    try:
        exists = _exists(path, text)
        if not exists and (named := _without_file(argument)):
            return [named]
        if device := re.fullmatch(r"/dev/video(\d{1,3})", path.resolve().as_posix()):
            return [camera_ref(int(device[1]), text)]
        if path.is_dir():
            inside = path.rglob("*") if recursive else path.iterdir()
            return _known_files(inside, f"no pictures or videos in {text}")
        if not exists and (sequence := _sequence(path)):
            return [sequence]
        if not exists and glob.has_magic(text):
            matching = map(Path, glob.glob(text, recursive=True))  # noqa: PTH207 - takes absolute patterns too
            return _known_files(matching, f"no pictures or videos match {text}")
        return [_file_ref(path)]
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # a name may be too long, hold a null byte, be a link to itself
        reason = getattr(error, "strerror", None) or error
        raise SourceUnreadable(f"{text[:200]} cannot be looked at: {reason}") from error


def _exists(path: Path, text: str) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        if is_address(text):  # too long for a file's name; and it may hold a password, so no error may quote it
            return False
        raise


def _without_file(argument: str | Path) -> SourceRef | None:
    """A source that is no file, if this names one."""
    text = str(argument)
    if is_address(text):
        if not (isinstance(argument, str) and is_stream(text)):
            raise SourceNotFound(
                f"{redacted(text)}: a stream's address begins with {', '.join(STREAM_SCHEMES)} and ://"
            )
        return SourceRef(redacted(text), Kind.STREAM, url=text)
    if not isinstance(argument, str):
        return None
    if text == STANDARD_INPUT:
        return SourceRef("stdin", Kind.STREAM, url=text)
    if text.startswith("synthetic:"):
        from smilecam.video.synthetic import parse

        parse(text)
        return SourceRef(text, Kind.VIDEO, url=text)
    index = text.removeprefix("camera:")
    return camera_ref(int(index[:9])) if index.isascii() and index.isdigit() else None


def _sequence(path: Path) -> SourceRef | None:
    from smilecam.video.sequence import is_pattern, numbered_files

    if not is_pattern(path):
        return None
    if not numbered_files(path):
        raise SourceEmpty(f"no pictures match {path}")
    return SourceRef(str(path), Kind.VIDEO, path)


def _known_files(paths: Iterable[Path], nothing: str) -> list[SourceRef]:
    known = PICTURE_SUFFIXES | VIDEO_SUFFIXES
    files = sorted(path for path in paths if path.suffix.lower() in known and path.is_file())
    visible = [path for path in files if not path.name.startswith(".")]
    if not visible:
        raise SourceEmpty(nothing)
    return [_file_ref(path) for path in visible]


def _file_ref(path: Path) -> SourceRef:
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return SourceRef(str(path), Kind.PICTURE, path)
    if suffix in VIDEO_SUFFIXES or not _looks_like_picture(path):
        return SourceRef(str(path), Kind.VIDEO, path)
    return SourceRef(str(path), Kind.PICTURE, path)


def _looks_like_picture(path: Path) -> bool:
    """Whether a file of unknown suffix begins like a picture."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\x00", b"MM\x00*"))
