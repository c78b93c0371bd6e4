"""Names of the files that a source's results go to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from smilecam.errors import UsageProblem
from smilecam.sources.base import SourceRef
from smilecam.storage import same_file

LONGEST_STEM = 100
"""Characters that are kept of a stream's address; file systems end at 255 bytes."""


def stem_of(ref: SourceRef) -> str:
    """A source's own part of a file name: the file's without suffix, or what can stand in a name of an address."""
    if ref.path:
        return ref.path.stem
    return re.sub(r"[^\w.-]+", "_", ref.name.replace("camera:", "camera"))[:LONGEST_STEM].strip("._") or "stream"


def names_in(folder: Path, refs: Iterable[SourceRef], suffix: Callable[[SourceRef], str]) -> dict[SourceRef, Path]:
    """A name in ``folder`` for each source, all different.

    Args:
        folder: for the files.
        refs: the sources.
        suffix: gives the end of the name, ``.mp4`` for one.
    """
    names: dict[SourceRef, Path] = {}
    taken: set[str] = set()
    for ref in refs:
        stem, end = stem_of(ref), suffix(ref)
        name, count = f"{stem}_smiles{end}", 1
        while name.lower() in taken:  # some file systems do not tell cases apart
            count += 1
            name = f"{stem}_smiles_{count}{end}"
        taken.add(name.lower())
        names[ref] = folder / name
    return names


def refuse_source(option: str, path: Path, refs: Sequence[SourceRef]) -> None:
    """Refuse to write over a source.

    Raises:
        UsageProblem: ``path`` is one of the sources.
    """
    if same_file(path, *(ref.path for ref in refs)):
        raise UsageProblem(f"{option} {path} would replace a source")
