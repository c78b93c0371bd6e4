"""Where the files of results are, and how a page beside them names them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from smilecam.sources.urls import is_address

NO_FILES = ("camera:", "synthetic:", "stdin")
"""How names of sources begin that are neither files nor addresses."""


def is_file_name(name: str) -> bool:
    """Whether a source's name in results is that of a file."""
    return not (is_address(name) or name.startswith(NO_FILES))


class MediaFiles:
    """Finds the files that results are about."""

    def __init__(self, base: Path, page: Path) -> None:
        """Prepare.

        Args:
            base: folder that relative paths of results start from.
            page: the file of the report, which links are relative to.
        """
        self._base, self._beside = base, page.resolve().parent

    def find(self, name: str) -> Path | None:
        """The file of a source; None where it is not there, or the source is none."""
        if not is_file_name(name):
            return None
        try:
            path = self._base / name
            return path if path.is_file() else None
        except (OSError, ValueError):
            return None

    def link(self, path: Path) -> str:
        """The address of a file in the page, relative where that is possible."""
        path = path.resolve()
        try:
            relative = os.path.relpath(path, self._beside)
        except ValueError:  # another drive
            return path.as_uri()
        return quote(Path(relative).as_posix().encode("utf-8", "surrogateescape"))


def at_time(link: str, seconds: float) -> str:
    """The address of a moment of a video: a media fragment, which players know."""
    return f"{link}#t={seconds:.2f}"
