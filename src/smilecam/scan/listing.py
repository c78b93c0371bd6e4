"""Which files there are: folders, patterns, lists and URLs become files, each once."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from smilecam.errors import SourceEmpty, SourceError, SourceNotFound, SourceUnreadable
from smilecam.scan import remote
from smilecam.scan.names import is_image, is_known, shown_name
from smilecam.scan.task import ArchiveFile
from smilecam.sources.urls import is_address
from smilecam.sources.walk import FolderWalk, Identity, expand_pattern, identity, is_folder


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, folder or name that cannot be processed.

    Attributes:
        name: as tables show it.
        error: name of the error's class.
        message: in one line.
    """

    name: str
    error: str
    message: str


@dataclass(slots=True)
class Listing:
    """The files of an archive.

    Attributes:
        files: each once, sorted by location.
        duplicates: further name of a file -> the name that is among ``files``.
        failures: what was named and is not there, or cannot be read.
    """

    files: list[ArchiveFile] = field(default_factory=list)
    duplicates: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def list_files(arguments: Iterable[str], leave_out: Path | None = None) -> Listing:
    """Find all images and videos.

    Args:
        arguments: files, folders with all that is in them, patterns, and URLs of files and folders. A file or folder
            that is there wins over a pattern or URL of the same text.
        leave_out: a folder that is not entered.

    Returns:
        The files; what cannot be found or read is among the failures.
    """
    lister = _Lister(leave_out)
    for argument in dict.fromkeys(arguments):
        try:
            lister.add(argument)
        except SourceError as error:
            lister.fail(argument, error)
        except (OSError, ValueError) as error:  # a name that is too long, or holds a null byte
            reason = getattr(error, "strerror", None) or error
            lister.fail(argument, SourceUnreadable(f"{shown_name(argument)[:200]} cannot be looked at: {reason}"))
    lister.listing.files.sort(key=lambda file: file.name)
    return lister.listing


class _Lister:
    """Collects files, each real one under its first name."""

    def __init__(self, leave_out: Path | None) -> None:
        self.listing = Listing()
        self._found: dict[Identity, ArchiveFile] = {}
        self._walk = FolderWalk(self._unreadable)
        if leave_out is not None:
            self._walk.skip(leave_out)

    def fail(self, name: str, error: SourceError) -> None:
        self.listing.failures.append(Failure(shown_name(name), type(error).__name__, str(error)))

    def _unreadable(self, error: OSError) -> None:
        name = str(error.filename)
        self.fail(name, SourceUnreadable(f"{shown_name(name)} cannot be read: {error.strerror or error}"))

    def add(self, argument: str) -> None:
        """Add what an argument stands for; raises SourceError where that is nothing."""
        exists = not (is_address(argument) and len(argument) > 255) and os.path.lexists(argument)
        if not exists and is_address(argument):
            self._add_url(argument)
        elif exists or not glob.has_magic(argument):
            self._add_path(Path(argument))
        else:
            matching = [path for path in expand_pattern(argument) if is_folder(path) or is_known(path.name)]
            if not matching:
                raise SourceEmpty(f"no images or videos match {shown_name(argument)}")
            for path in matching:
                self._try(self._add_path, path)

    def _add_path(self, path: Path) -> None:
        if not is_folder(path):
            self._add_file(path)
            return
        for inside in self._walk.files(path):
            if is_known(inside.name):
                self._try(self._add_file, inside)

    def _try(self, add: Callable[[Path], None], path: Path) -> None:
        """Add one of several paths: where it cannot be read, the others still are."""
        try:
            add(path)
        except SourceError as error:
            self.fail(str(path), error)

    def _add_file(self, path: Path) -> None:
        location = str(path)
        try:
            status, of_file = path.stat(), identity(path)
        except FileNotFoundError as error:
            raise SourceNotFound(f"no file at {shown_name(location)}") from error
        except OSError as error:
            raise SourceUnreadable(f"{shown_name(location)} cannot be read: {error.strerror or error}") from error
        if not path.is_file():
            raise SourceUnreadable(f"{shown_name(location)} is not a file")
        name, absolute = shown_name(location), os.path.abspath(location)  # noqa: PTH100 - links stay
        file = ArchiveFile(name, absolute, status.st_size, status.st_mtime_ns, is_image(path.name))
        self._add_once(of_file, file)

    def _add_url(self, url: str) -> None:
        found = [file for file in remote.list_url(url) if file.location == url or is_known(file.location)]
        if not found:
            raise SourceEmpty(f"no images or videos at {shown_name(url)}")
        for file in found:
            self._add_once(file.location, file)

    def _add_once(self, of_file: Identity, file: ArchiveFile) -> None:
        first = self._found.setdefault(of_file, file)
        if first is file:
            self.listing.files.append(file)
        elif first.location != file.location:
            self.listing.duplicates[file.name] = first.name
