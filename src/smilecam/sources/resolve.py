"""From names to sources: files, folders, patterns, cameras, addresses."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path

from smilecam.errors import SourceEmpty, SourceNotFound, SourceUnreadable
from smilecam.gif import SUFFIX as GIF_SUFFIX
from smilecam.gif import is_still_gif
from smilecam.presets import IMAGE_SUFFIXES
from smilecam.sources import heif
from smilecam.sources.base import MAX_CAMERA_INDEX, STANDARD_INPUT, Kind, SourceRef
from smilecam.sources.skipped import Skipped
from smilecam.sources.urls import STREAM_SCHEMES, is_address, is_stream, redacted
from smilecam.sources.walk import FolderWalk, expand_pattern, is_file

SOURCE_IMAGE_SUFFIXES = IMAGE_SUFFIXES | heif.SUFFIXES
"""Suffixes of images, with those that need the extra ``heif``."""

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
"""Suffixes of video files, in lower case; a GIF of one frame is an image."""

SOURCE_SUFFIXES = SOURCE_IMAGE_SUFFIXES | VIDEO_SUFFIXES


def camera_ref(index: int, name: str | None = None) -> SourceRef:
    """The camera with an index.

    Raises:
        SourceNotFound: no camera can have this index.
    """
    if not 0 <= index <= MAX_CAMERA_INDEX:
        raise SourceNotFound(f"no camera opens at index {index}: it is from 0 to {MAX_CAMERA_INDEX}")
    return SourceRef(name or f"camera:{index}", Kind.CAMERA, index=index)


def find_sources(argument: str | Path, recursive: bool = False, skipped: Skipped | None = None) -> list[SourceRef]:
    """Resolve a name to sources.

    Args:
        argument: a file, a folder, a pattern such as ``photos/*.jpg``, numbered images as ``frames_%04d.png``, or, if
            there is no file or folder of that name: a camera by its index, as ``camera:0``, or by its device, as
            ``/dev/video0``; the address of a stream, as ``rtsp://host/path``; ``-`` for a video on standard input;
            ``synthetic:640x480@30?seconds=10`` for a synthetic source. A ``Path`` is always a file, a folder or a
            device.
        recursive: whether to include subfolders of a folder.
        skipped: takes what a folder or pattern holds and is no source.

    Returns:
        At least one reference; those of a folder or pattern are sorted by name.

    Raises:
        SourceNotFound: nothing is there.
        SourceEmpty: a folder or pattern holds neither images nor videos.
        SourceUnreadable: the system denies access.
    """
    text, path = str(argument), Path(argument)
    skipped = Skipped() if skipped is None else skipped
    try:
        exists = _exists(path, text)
        if not exists and (named := _without_file(argument)):
            return [named]
        if device := re.fullmatch(r"/dev/video(\d{1,3})", path.resolve().as_posix()):
            return [camera_ref(int(device[1]), text)]
        if path.is_dir():
            if not recursive:
                skipped.add_subfolders(path, SOURCE_SUFFIXES)
            inside = FolderWalk().files(path) if recursive else path.iterdir()
            return _known_files(inside, f"no images or videos in {text}", skipped)
        if not exists and (sequence := _sequence(path)):
            return [sequence]
        if not exists and glob.has_magic(text):
            return _known_files(expand_pattern(text), f"no images or videos match {text}", skipped)
        return [_file_ref(path)]
    except (OSError, ValueError, RuntimeError) as error:  # too long, with a null byte, or a link to itself
        reason = getattr(error, "strerror", None) or error
        raise SourceUnreadable(f"{text[:200]} cannot be looked at: {reason}") from error


def single_source(argument: str | Path | int) -> SourceRef:
    """The one source that a program names: as for ``find_sources``, or the index of a camera.

    Raises:
        SourceError: there is none, or the name stands for several.
    """
    refs = [camera_ref(argument)] if isinstance(argument, int) else find_sources(argument)
    if len(refs) != 1:
        raise SourceEmpty(f"{argument} is not one image, video or camera")
    return refs[0]


def _exists(path: Path, text: str) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        if is_address(text):  # too long for a file's name; and it may hold a password, so no error may quote it
            return False
        raise


def _without_file(argument: str | Path) -> SourceRef | None:
    """A source that is no file, if this names one; raises SourceNotFound for one that cannot exist."""
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
        from smilecam.sources.synthetic import parse

        parse(text)
        return SourceRef(text, Kind.VIDEO, url=text)
    return _camera(text.removeprefix("camera:"))


def _camera(digits: str) -> SourceRef | None:
    if not (digits.isascii() and digits.isdigit()):
        return None
    shown = digits.lstrip("0") or "0"
    if len(shown) > len(str(MAX_CAMERA_INDEX)):  # perhaps longer than Python converts
        raise SourceNotFound(f"no camera opens at index {shown[:20]}: it is from 0 to {MAX_CAMERA_INDEX}")
    return camera_ref(int(shown))


def _sequence(path: Path) -> SourceRef | None:
    from smilecam.sources.sequence import is_pattern, numbered_files

    if not is_pattern(path):
        return None
    if not numbered_files(path):
        raise SourceEmpty(f"no images match {path}")
    return SourceRef(str(path), Kind.VIDEO, path)


def _known_files(paths: Iterable[Path], nothing: str, skipped: Skipped) -> list[SourceRef]:
    listed = list(paths)
    skipped.add_files(path for path in listed if path.suffix.lower() not in SOURCE_SUFFIXES)
    files = sorted(path for path in listed if path.suffix.lower() in SOURCE_SUFFIXES and is_file(path))
    visible = [path for path in files if not path.name.startswith(".")]
    if not visible:
        raise SourceEmpty("; ".join([nothing, *skipped.lines]))
    return [_file_ref(path) for path in visible]


def _file_ref(path: Path) -> SourceRef:
    suffix = path.suffix.lower()
    if suffix in SOURCE_IMAGE_SUFFIXES:
        return SourceRef(str(path), Kind.IMAGE, path)
    if suffix == GIF_SUFFIX:
        return SourceRef(str(path), Kind.IMAGE if _is_still(path) else Kind.VIDEO, path)
    if suffix in VIDEO_SUFFIXES or not _has_image_header(path):
        return SourceRef(str(path), Kind.VIDEO, path)
    return SourceRef(str(path), Kind.IMAGE, path)


def _is_still(path: Path) -> bool:
    """Whether a GIF is an image; one that cannot be read fails when it is opened, not the folder it is in."""
    try:
        with path.open("rb") as file:
            return path.is_file() and is_still_gif(file)
    except OSError:
        return False


def _has_image_header(path: Path) -> bool:
    """Whether a file of unknown suffix begins like an image."""
    if not (path.is_file() and path.stat().st_size):  # reading a file of the system's own may never end
        return False
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    if heif.is_heif(head):
        return True
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\x00", b"MM\x00*"))
