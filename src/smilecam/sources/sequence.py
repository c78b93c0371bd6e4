"""Numbered images as a video: ``frames_%04d.png``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from smilecam.errors import SourceError, SourceUnreadable
from smilecam.sources.base import DEFAULT_FPS, Counts, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import load_image

_NUMBER = re.compile(r"%(?:0(\d{1,2}))?d")


def is_pattern(path: Path) -> bool:
    """Whether the name has one placeholder for a number, as ``%04d`` or ``%d``."""
    return len(_NUMBER.findall(path.name)) == 1


def numbered_files(pattern: Path) -> list[Path]:
    """The files that match a pattern, ordered by number; numbers may be missing.

    Raises:
        OSError: the folder cannot be listed.
    """
    before, digits, after = _NUMBER.split(pattern.name)
    matching = re.compile(f"{re.escape(before)}([0-9]{{{int(digits or 1)},}}){re.escape(after)}")
    if not pattern.parent.is_dir():
        return []
    found = ((matching.fullmatch(path.name), path) for path in pattern.parent.iterdir())
    numbered = [(int(match[1]), path) for match, path in found if match and path.is_file()]
    return [path for _, path in sorted(numbered)]


def files_of(ref: SourceRef) -> list[Path]:
    """The local files that a source reads: one, those of a sequence, or none."""
    if ref.path is None:
        return []
    try:
        return numbered_files(ref.path) if is_pattern(ref.path) and not ref.path.exists() else [ref.path]
    except OSError:  # opening it tells why
        return []


class SequenceSource(Source):
    """Numbered images at 25 frames per second, whatever numbers are missing."""

    live = False
    fps: float | None = DEFAULT_FPS

    def __init__(self, ref: SourceRef, files: list[Path]) -> None:
        """Keep the files."""
        self.ref, self.counts, self._files = ref, Counts(), files
        self.expected: int | None = len(files)
        self.missing = 0
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        unreadable = 0
        for place, path in enumerate(self._files):
            if self._closed:
                return
            try:
                image = load_image(path)
            except SourceError:
                unreadable += 1
                self.counts.corrupt += 1
                continue
            self.counts.received += 1
            yield Frame(place - unreadable, place / DEFAULT_FPS, image)
        self.missing = unreadable
        if unreadable == len(self._files):
            raise SourceUnreadable(f"{self.ref.name}: no image of it can be decoded")

    def close(self) -> None:
        """End the iteration after the image that is being read."""
        self._closed = True
