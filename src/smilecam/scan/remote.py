"""Files behind URLs (s3://, gs://, file://, ...), by fsspec. No other module imports it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from smilecam.errors import MissingExtra, SourceNotFound, SourceUnreadable
from smilecam.scan.names import is_image, shown_name, suffix
from smilecam.scan.task import ArchiveFile


def list_url(url: str) -> Iterator[ArchiveFile]:
    """Find the files under a URL, or the file that it names.

    Raises:
        SourceNotFound: nothing is there.
        SourceUnreadable: its server cannot be reached, denies access, or needs a package that is missing.
        MissingExtra: fsspec is missing.
    """
    system, root = _open_system(url)
    try:
        found = system.find(root, detail=True)
    except FileNotFoundError:
        found = {}
    except Exception as error:
        raise SourceUnreadable(f"{shown_name(url)} cannot be listed: {_reason(error, url)}") from error
    if not found:
        raise SourceNotFound(f"nothing at {shown_name(url)}")
    for path, facts in sorted(found.items()):
        location = system.unstrip_protocol(path)
        yield ArchiveFile(
            shown_name(location), location, int(facts.get("size") or 0), _modified(facts), is_image(path), is_url=True
        )


@contextmanager
def local_copy(file: ArchiveFile) -> Iterator[Path]:
    """Give a path on this machine for a file: its own, or, of a URL, a temporary copy that is removed afterwards.

    Raises:
        SourceNotFound: it is not there any more.
        SourceUnreadable: it cannot be fetched.
    """
    if not file.is_url:
        yield Path(file.location)
        return
    system, path = _open_system(file.location)
    with tempfile.TemporaryDirectory(prefix="smilecam-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / f"file{suffix(path)}"
        try:
            system.get_file(path, str(copy))
        except FileNotFoundError as error:
            raise SourceNotFound(f"no file at {file.name}") from error
        except Exception as error:
            raise SourceUnreadable(f"{file.name} cannot be fetched: {_reason(error, file.location)}") from error
        yield copy


def _open_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtra("smilecam scan", "scan") from error
    try:
        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:  # no such protocol, or its package is missing
        raise SourceUnreadable(f"{shown_name(url)} cannot be opened: {_reason(error, url)}") from error
    return system, path


def _modified(facts: dict[str, Any]) -> int:
    """Nanoseconds since 1970; 0 where the server does not know."""
    for name in ("LastModified", "mtime", "updated", "last_modified", "created"):
        value = facts.get(name)
        if isinstance(value, datetime):
            return int(value.timestamp()) * 1_000_000_000
        if isinstance(value, int | float):
            return int(value * 1e9)
        if isinstance(value, str):
            return int(datetime.fromisoformat(value).timestamp()) * 1_000_000_000
    return 0


def _reason(error: Exception, url: str) -> str:
    return " ".join(str(error).replace(url, shown_name(url)).split()) or type(error).__name__
