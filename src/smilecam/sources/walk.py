"""Folders and patterns, in file systems with links: each real folder is entered once, so that loops of links end."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Callable, Iterator
from pathlib import Path

Identity = tuple[int, int] | str
"""Device and index of a file or folder, or its real path: equal for all names of one."""

OnError = Callable[[OSError], None]
"""Takes what kept a folder from being read."""

ANY_FOLDERS = "**"


def identity(path: Path) -> Identity:
    """What all names of one file or folder have in common.

    Raises:
        OSError: it cannot be looked at.
    """
    status = path.stat()
    if status.st_ino:
        return status.st_dev, status.st_ino
    return os.path.realpath(path)  # some network file systems on Windows have no index


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder; unlike its method, this raises nothing for links that cannot be followed."""
    return os.path.isdir(path)  # noqa: PTH112 - see above


def is_file(path: Path) -> bool:
    """Whether a path leads to a file; likewise."""
    return os.path.isfile(path)  # noqa: PTH113 - see above


class FolderWalk:
    """Lists what lies under folders, each real folder once, however many links lead to it or into a circle.

    Names without links come first: a file that has one is found under it. Hidden names (".name") are left out.
    """

    def __init__(self, on_error: OnError = lambda _error: None) -> None:
        """Begin; several folders can be walked one after another.

        Args:
            on_error: called for a folder or link that cannot be read, which is then left out.
        """
        self._entered: set[Identity] = set()
        self._on_error = on_error

    def skip(self, folder: Path) -> None:
        """Never enter this folder."""
        if folder.is_dir():
            self._entered.add(identity(folder))

    def files(self, folder: Path) -> Iterator[Path]:
        """Give the files under a folder: those by real names in order of their names, then those behind links."""
        for path, is_folder in self._walk(folder):
            if not is_folder:
                yield path

    def folders(self, folder: Path) -> Iterator[Path]:
        """Give a folder and all folders under it."""
        for path, is_folder in self._walk(folder):
            if is_folder:
                yield path

    def _walk(self, folder: Path) -> Iterator[tuple[Path, bool]]:
        """Paths, and whether each is a folder; those behind links last."""
        links: list[Path] = []
        yield from self._enter(folder, links)
        for link in links:  # grows while folders behind links are entered
            try:
                leads_to_folder = link.is_dir()
            except OSError as error:  # its target's name is too long, or lies where this user may not look
                self._on_error(error)
                continue
            if leads_to_folder:
                yield from self._enter(link, links)
            else:
                yield link, False

    def _enter(self, folder: Path, links: list[Path]) -> Iterator[tuple[Path, bool]]:
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            try:
                own = identity(here)
                if own in self._entered:
                    continue
                self._entered.add(own)
                entries = sorted(os.scandir(here), key=lambda entry: entry.name)
            except OSError as error:
                self._on_error(error)
                continue
            yield here, True
            inside = []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                path = here / entry.name
                if entry.is_symlink():
                    links.append(path)
                elif entry.is_dir():
                    inside.append(path)
                else:
                    yield path, False
            waiting += reversed(inside)


def expand_pattern(pattern: str) -> list[Path]:
    """What matches a pattern, sorted: ``*``, ``?``, ``[...]``, and ``**`` for any number of folders.

    As ``glob.glob`` with ``recursive=True``, which never ends where links form two loops: here ``**`` enters each real
    folder once.
    """
    path = Path(pattern)
    start = Path(path.anchor) if path.anchor else Path()
    steps = path.parts[1:] if path.anchor else path.parts
    return sorted(set(_expand(start, steps)))


def _expand(folder: Path, steps: tuple[str, ...]) -> Iterator[Path]:
    if not steps:
        yield folder
        return
    first, rest = steps[0], steps[1:]
    if first == ANY_FOLDERS:
        for inside in FolderWalk().folders(folder):
            if not rest and inside != Path():
                yield inside
            yield from _expand(inside, rest or ("*",))
        return
    if not glob.has_magic(first):
        if os.path.lexists(folder / first):
            yield from _expand(folder / first, rest)
        return
    for name in _names(folder):
        hidden = name.startswith(".") and not first.startswith(".")
        if fnmatch.fnmatch(name, first) and not hidden and (not rest or is_folder(folder / name)):
            yield from _expand(folder / name, rest)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return []
