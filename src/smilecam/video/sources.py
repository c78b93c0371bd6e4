"""Where frames come from: pictures, video files and cameras behind one interface."""

from __future__ import annotations

import glob
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from smilecam.errors import SourceEmpty, SourceError, SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2, max_pixels
from smilecam.types import Picture
from smilecam.video.pictures import PICTURE_SUFFIXES, read_file, read_picture

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
    """

    ref: SourceRef
    fps: float | None
    expected: int | None

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

    def __init__(self, ref: SourceRef, path: Path) -> None:
        """Check that there is something to read.

        Raises:
            SourceNotFound: there is not.
            SourceUnreadable: it is not a file, or empty.
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
    """A video file, decoded by the FFmpeg inside OpenCV, which may open nothing but this file."""

    def __init__(self, ref: SourceRef, path: Path) -> None:
        """Open the file.

        Raises:
            SourceNotFound: nothing is there.
            SourceUnreadable: it is no video, is empty or damaged, or its frames are over the limit.
        """
        _check_video_file(path)
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
        number = 0
        while (image := self._read()) is not None:
            yield Frame(number, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, image)
            number += 1
        if number == 0:
            raise SourceUnreadable(f"{self.ref.name}: no frame of it can be decoded")


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


def _check_video_file(path: Path) -> None:
    if not path.exists():
        raise SourceNotFound(f"no file at {path}")
    if not path.is_file():
        raise SourceUnreadable(f"{path} is not a file")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}") from error
    if empty:
        raise SourceUnreadable(f"{path} is empty")


_OPTIONS_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_opening = threading.Lock()


def _open_file(path: Path) -> cv2.VideoCapture:
    # A file can be a playlist that names other files or addresses, so FFmpeg is held to local files. OpenCV takes
    # FFmpeg's options from the environment only; they are put back at once.
    with _opening:
        before = os.environ.get(_OPTIONS_VARIABLE)
        os.environ[_OPTIONS_VARIABLE] = "protocol_whitelist;file"
        try:
            return cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
        finally:
            del os.environ[_OPTIONS_VARIABLE]
            if before is not None:
                os.environ[_OPTIONS_VARIABLE] = before


def _open_camera(index: int) -> cv2.VideoCapture | None:
    # Many webcams open on Windows through DirectShow only.
    backends = (cv2.CAP_DSHOW, cv2.CAP_ANY) if sys.platform == "win32" else (cv2.CAP_ANY,)
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


def find_sources(argument: str, recursive: bool = False) -> list[SourceRef]:
    """Turn what a user typed into sources.

    Args:
        argument: a file, a folder, a pattern such as ``photos/*.jpg``, or the index of a camera.
        recursive: whether to look into folders inside a folder.

    Returns:
        At least one reference; those of a folder or pattern are sorted by name.

    Raises:
        SourceNotFound: nothing is there.
        SourceEmpty: a folder or pattern has neither pictures nor videos.
    """
    if argument.isascii() and argument.isdigit():
        return [SourceRef(f"camera:{int(argument)}", Kind.CAMERA, index=int(argument))]
    path = Path(argument)
    if path.is_dir():
        inside = path.rglob("*") if recursive else path.iterdir()
        return _known_files(inside, f"no pictures or videos in {argument}")
    if not path.exists() and glob.has_magic(argument):
        matching = map(Path, glob.glob(argument))  # noqa: PTH207 - Path.glob takes no absolute pattern
        return _known_files(matching, f"no pictures or videos match {argument}")
    return [_file_ref(path)]


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
    try:
        content = np.frombuffer(read_file(path)[:4096], np.uint8)
    except SourceError:
        return False
    known = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")
    head = content.tobytes()
    return head.startswith(known) and (not head.startswith(b"RIFF") or head[8:12] == b"WEBP")
