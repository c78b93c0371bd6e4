"""What of a folder or pattern is not read, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from smilecam.sources.walk import FolderWalk, is_file, is_folder

RAW_SUFFIXES = frozenset(
    {
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mos", ".mrw",
        ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    }
)  # fmt: skip
"""Suffixes of the makers' raw sensor files, in lower case."""

FILES_OF_SUBFOLDERS = 10_000
"""So many of a folder are looked at for one that could be read."""


@dataclass(slots=True)
class Skipped:
    """Files that a folder or pattern holds and that are no sources.

    Attributes:
        raw: how many are raw sensor files.
        other: how many are neither images nor videos.
        deep: folders whose subfolders, which are not entered, hold images or videos.
    """

    raw: int = 0
    other: int = 0
    deep: list[str] = field(default_factory=list)

    def add_files(self, paths: Iterable[Path]) -> None:
        """Count those of these files that are visible and are no links to nowhere."""
        for path in paths:
            if path.name.startswith(".") or not is_file(path):
                continue
            if path.suffix.lower() in RAW_SUFFIXES:
                self.raw += 1
            else:
                self.other += 1

    def add_subfolders(self, folder: Path, suffixes: frozenset[str]) -> None:
        """Note a folder whose subfolders hold files with one of these suffixes."""
        inside = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and is_folder(path))
        walk = FolderWalk()
        files = chain.from_iterable(walk.files(subfolder) for subfolder in inside)
        if any(path.suffix.lower() in suffixes for path in islice(files, FILES_OF_SUBFOLDERS)):
            self.deep.append(str(folder))

    @property
    def lines(self) -> list[str]:
        """What was skipped, and what would read it, in lines for people."""
        counts = []
        if self.raw:
            counts.append(f"{self.raw} RAW image{'s' if self.raw > 1 else ''} (convert to JPEG first)")
        if self.other:
            counts.append(f"{self.other} file{'s' if self.other > 1 else ''} that {_are(self.other)} no image or video")
        lines = [f"skipped: {', '.join(counts)}"] if counts else []
        if self.deep:
            more = f" and {len(self.deep) - 1} more" if len(self.deep) > 1 else ""
            lines.append(f"subfolders of {self.deep[0]}{more} hold images or videos: -r includes them")
        return lines


def _are(number: int) -> str:
    return "are" if number > 1 else "is"
