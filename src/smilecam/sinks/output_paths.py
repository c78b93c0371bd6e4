"""Names of output files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from smilecam.errors import UsageProblem
from smilecam.sources.base import SourceRef
from smilecam.sources.sequence import files_of
from smilecam.storage import same_file

MAX_STEM = 100
"""Characters that are kept of a stream's address; file systems allow 255 bytes."""


def stem_of(ref: SourceRef) -> str:
    """A source's part of a file name: a file's own without suffix, or an address without special characters."""
    if ref.path:
        return ref.path.stem
    return re.sub(r"[^\w.-]+", "_", ref.name.replace("camera:", "camera"))[:MAX_STEM].strip("._") or "stream"


def names_in(folder: Path, refs: Iterable[SourceRef], suffix: Callable[[SourceRef], str]) -> dict[SourceRef, Path]:
    """A name in ``folder`` for each source, all different.

    Args:
        folder: of the files.
        refs: the sources.
        suffix: gives the end of each name, as ``.mp4``.
    """
    names: dict[SourceRef, Path] = {}
    taken: set[str] = set()
    for ref in refs:
        stem, end = stem_of(ref), suffix(ref)
        name, count = f"{stem}_smiles{end}", 1
        while name.lower() in taken:  # some file systems ignore case
            count += 1
            name = f"{stem}_smiles_{count}{end}"
        taken.add(name.lower())
        names[ref] = folder / name
    return names


def plan_paths(
    option: str,
    target: Path,
    refs: Sequence[SourceRef],
    into_folder: bool,
    suffix: Callable[[SourceRef], str],
    check: Callable[[SourceRef], None],
) -> dict[SourceRef, Path]:
    """Decide where the results of each source go.

    Args:
        option: that names the target, for messages.
        target: what the user named: a file for one source, a folder for several.
        refs: the sources that have results of this form.
        into_folder: whether ``target`` is a folder even for a single source.
        suffix: gives the end of a name in a folder.
        check: raises UsageProblem if the suffix of a named file does not fit the source.

    Returns:
        A path for each source, all different, none of them a source.

    Raises:
        UsageProblem: a file was named for several sources, its suffix does not fit, or it is a source itself.
    """
    if into_folder:
        paths = names_in(target, refs, suffix)
    else:
        if len(refs) > 1:
            raise UsageProblem(f"{option} {target}: several sources need a folder")
        for ref in refs:
            check(ref)
        paths = dict.fromkeys(refs, target)
    for path in paths.values():
        refuse_source(option, path, refs)
    return paths


def refuse_source(option: str, path: Path, refs: Sequence[SourceRef]) -> None:
    """Refuse to overwrite a source.

    Raises:
        UsageProblem: ``path`` is one of the sources.
    """
    if path.exists() and any(same_file(path, *files_of(ref)) for ref in refs):
        raise UsageProblem(f"{option} {path} would replace a source")
