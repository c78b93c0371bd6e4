"""Where frames come from: pictures, video files and cameras behind one interface."""

from __future__ import annotations

import glob
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from smilecam.config import PICTURE_SUFFIXES
from smilecam.errors import SourceEmpty, SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2, is_unicode, max_pixels, variable_set
from smilecam.types import Picture
from smilecam.video.pictures import check_file, read_picture

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

MAX_CAMERA_INDEX = 99
"""OpenCV reads the hundreds of an index as the choice of a back end."""

DEFAULT_FPS = 25.0
"""Where neither timestamps nor a rate are known."""

Clock = Callable[[], float]
"""Gives seconds that only ever grow."""


class Kind(Enum):
    """What a source is."""

    PICTURE = "picture"
    VIDEO = "video"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A source that has been named, but not opened.

    Attributes:
        name: as results show it.
        kind: what it is.
        path: of the file; None for a camera.
        index: of the camera; None for a file.
    """

    name: str
    kind: Kind
    path: Path | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream.

    Attributes:
        number: counted from 0.
        time: seconds by the stream's own timestamps, or a camera's clock; None for a picture.
        image: uint8 (height, width, 3), blue-green-red.
    """

    number: int
    time: float | None
    image: Picture


class Source(Protocol):
    """Something that has been opened and gives frames once, from the first to the last.

    Attributes:
        ref: what it was opened from.
        fps: frames a second where it says so.
        expected: number of frames where it says so; streams can be wrong about it.
        missing: once it has ended, how many fewer frames could be decoded than it says.
    """

    ref: SourceRef
    fps: float | None
    expected: int | None
    missing: int

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames.

        Raises:
            SourceUnreadable: nothing can be decoded, or a camera stops.
        """

    def __enter__(self) -> Self:
        """The source itself."""

    def __exit__(self, *_: object) -> None:
        """Let go of the file or camera."""


class PictureSource:
    """A picture file as a stream of one frame."""

    fps: float | None = None
    expected: int | None = 1
    missing = 0

    def __init__(self, ref: SourceRef, path: Path) -> None:
        """Read the picture.

        Raises:
            SourceNotFound: nothing is there.
            SourceUnreadable: it is not a picture, is damaged, or is over a limit.
        """
        self.ref = ref
        self._image = read_picture(path)

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(0, None, self._image)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _Capture:
    """What video files and cameras share: an OpenCV capture, let go of at the end."""

    missing = 0

    def __init__(self, ref: SourceRef, capture: cv2.VideoCapture) -> None:
        self.ref = ref
        self._capture = capture
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = rate if math.isfinite(rate) and 0 < rate <= 1000 else None

    def _read(self) -> Picture | None:
        try:
            done, image = self._capture.read()
        except cv2.error as error:
            raise SourceUnreadable(f"{self.ref.name} cannot be decoded further") from error
        return np.asarray(image, np.uint8) if done and image is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


class VideoSource(_Capture):
    """A video file, decoded by the FFmpeg inside OpenCV, which is kept from opening other files for it."""

    def __init__(self, ref: SourceRef, path: Path) -> None:
        """Open the file.

        Raises:
            SourceNotFound: nothing is there.
            SourceUnreadable: it is no video, is empty or damaged, or its frames are over the limit.
        """
        check_file(path)
        capture = _open_file(path)
        if not capture.isOpened():
            raise SourceUnreadable(f"{path} is not a video, or is damaged")
        super().__init__(ref, capture)
        width, height = (capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > max_pixels():
            capture.release()
            raise SourceUnreadable(f"{path} has frames of more than {max_pixels():,} pixels")
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.expected: int | None = int(count) if math.isfinite(count) and 0 < count < 2**53 else None

    def __iter__(self) -> Iterator[Frame]:
        number, last = 0, 0.0
        while (image := self._read()) is not None:
            at = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not at >= last:  # some streams lack a timestamp here and there
                at = last + 1 / (self.fps or DEFAULT_FPS)
            yield Frame(number, at, image)
            number, last = number + 1, at
        if number == 0:
            raise SourceUnreadable(f"{self.ref.name}: no frame of it can be decoded")
        self.missing = max(0, (self.expected or 0) - number)


class CameraSource(_Capture):
    """A camera of this machine; it has no end."""

    expected: int | None = None

    def __init__(self, ref: SourceRef, index: int, clock: Clock = time.monotonic) -> None:
        """Open the camera.

        Raises:
            SourceNotFound: there is none of this index, or it is in use.
        """
        capture = _open_camera(index)
        if capture is None:
            raise SourceNotFound(f"no camera opens at index {index}: is it plugged in, and not in use elsewhere?")
        super().__init__(ref, capture)
        self._clock = clock

    def __iter__(self) -> Iterator[Frame]:
        start, number = self._clock(), 0
        while (image := self._read()) is not None:
            yield Frame(number, self._clock() - start, image)
            number += 1
        raise SourceUnreadable(f"{self.ref.name} stopped giving frames")


CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpeg,mpegts,mpegvideo,m4v,flv,asf,ogg"
"""Formats that hold video and show it by their first bytes. Not among them are play lists (HLS, concat), which name
other files, and raw streams, which FFmpeg believes to see in texts and zip archives too."""

_opening = threading.Lock()


def _open_file(path: Path) -> cv2.VideoCapture:
    # A file can be a play list that names other files or addresses, so FFmpeg is held to local files of formats that
    # are none.
    full = path.resolve()
    if not is_unicode(full):  # OpenCV ends the process over such a name
        raise SourceUnreadable(f"{path}: a video's name must be valid Unicode")
    options = f"protocol_whitelist;file|format_whitelist;{CONTAINERS}"
    with _opening, variable_set("OPENCV_FFMPEG_CAPTURE_OPTIONS", options):
        return cv2.VideoCapture(str(full), cv2.CAP_FFMPEG)


def _open_camera(index: int) -> cv2.VideoCapture | None:
    # Many webcams open on Windows through DirectShow only.
    backends = (cv2.CAP_DSHOW, cv2.CAP_ANY) if sys.platform == "win32" else (cv2.CAP_ANY,)
    if index > MAX_CAMERA_INDEX:
        return None
    for backend in backends:
        capture = cv2.VideoCapture(index, backend)
        if capture.isOpened():
            return capture
        capture.release()
    return None


def open_source(ref: SourceRef) -> Source:
    """Open what a reference names.

    Raises:
        SourceError: it cannot be opened.
    """
    if ref.kind is Kind.CAMERA and ref.index is not None:
        return CameraSource(ref, ref.index)
    if ref.path is None:
        raise SourceNotFound(f"{ref.name} names no file")
    return PictureSource(ref, ref.path) if ref.kind is Kind.PICTURE else VideoSource(ref, ref.path)


def camera_ref(index: int) -> SourceRef:
    """The camera of an index."""
    return SourceRef(f"camera:{index}", Kind.CAMERA, index=index)


def find_sources(argument: str | Path, recursive: bool = False) -> list[SourceRef]:
    """Turn what a user typed into sources.

    Args:
        argument: a file, a folder, a pattern such as ``photos/*.jpg``, or a camera: its index where no file or folder
            bears that name, or ``camera:0``. A ``Path`` is always a file or folder.
        recursive: whether to look into folders inside a folder.

    Returns:
        At least one reference; those of a folder or pattern are sorted by name.

    Raises:
        SourceNotFound: nothing is there.
        SourceEmpty: a folder or pattern has neither pictures nor videos.
        SourceUnreadable: the system does not let it be looked at.
    """
    path = Path(argument)
    try:
        exists = path.exists()
        if isinstance(argument, str) and not exists:
            index = argument.removeprefix("camera:")
            if index.isascii() and index.isdigit():
                return [camera_ref(int(index[:9]))]
        if path.is_dir():
            inside = path.rglob("*") if recursive else path.iterdir()
            return _known_files(inside, f"no pictures or videos in {argument}")
        if not exists and glob.has_magic(str(argument)):
            matching = map(Path, glob.glob(str(argument), recursive=True))  # noqa: PTH207 - takes absolute patterns too
            return _known_files(matching, f"no pictures or videos match {argument}")
        return [_file_ref(path)]
    except (OSError, ValueError) as error:  # a name may be too long, hold a null byte, or be forbidden
        reason = getattr(error, "strerror", None) or error
        raise SourceUnreadable(f"{str(argument)[:200]} cannot be looked at: {reason}") from error


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
