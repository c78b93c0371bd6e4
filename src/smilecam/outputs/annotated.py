"""Pictures and videos with the results drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smilecam.errors import UsageProblem
from smilecam.storage import same_file
from smilecam.types import FrameResult
from smilecam.video.annotate import annotate
from smilecam.video.pictures import WRITABLE_SUFFIXES, write_picture
from smilecam.video.record import CODECS, VideoRecorder
from smilecam.video.sources import Frame, Kind, Source, SourceRef


def plan_names(target: Path, refs: Sequence[SourceRef], into_folder: bool) -> dict[SourceRef, Path]:
    """Decide where the annotated version of each source goes.

    Args:
        target: what the user named: a file for one source, a folder for several.
        refs: all sources of the run.
        into_folder: whether ``target`` is to be a folder even for a single source.

    Returns:
        A path for each source, all different, none of them a source.

    Raises:
        UsageProblem: a file was named for several sources, its suffix does not fit, or it is a source itself.
    """
    if into_folder:
        names = _names_in(target, refs)
    else:
        names = dict.fromkeys(refs, target)
        if len(refs) > 1:
            raise UsageProblem(f"--save {target}: several sources need a folder")
        for ref in refs:
            _check_suffix(target, ref)
    for path in names.values():
        refuse_source("--save", path, refs)
    return names


def refuse_source(option: str, path: Path, refs: Sequence[SourceRef]) -> None:
    """Refuse to write over a source.

    Raises:
        UsageProblem: ``path`` is one of the sources.
    """
    if same_file(path, *(ref.path for ref in refs)):
        raise UsageProblem(f"{option} {path} would replace a source")


def _check_suffix(path: Path, ref: SourceRef) -> None:
    fitting = WRITABLE_SUFFIXES if ref.kind is Kind.PICTURE else frozenset(CODECS)
    if path.suffix.lower() not in fitting:
        raise UsageProblem(f"--save {path}: for a {ref.kind.value} the name ends in {', '.join(sorted(fitting))}")


def _names_in(folder: Path, refs: Sequence[SourceRef]) -> dict[SourceRef, Path]:
    names: dict[SourceRef, Path] = {}
    taken: set[str] = set()
    for ref in refs:
        stem = ref.path.stem if ref.path else ref.name.replace(":", "")
        suffix = ".mp4"
        if ref.kind is Kind.PICTURE:
            own = ref.path.suffix if ref.path else ""
            suffix = own if own.lower() in WRITABLE_SUFFIXES else ".png"
        name, count = f"{stem}_smiles{suffix}", 1
        while name.lower() in taken:  # some file systems do not tell cases apart
            count += 1
            name = f"{stem}_smiles_{count}{suffix}"
        taken.add(name.lower())
        names[ref] = folder / name
    return names


class AnnotatedOutput:
    """Draws boxes and labels, and writes a picture for a picture and a video for a video or camera.

    Attributes:
        written: the files that are finished.
    """

    def __init__(self, names: dict[SourceRef, Path]) -> None:
        """Prepare to write each source to its path, in folders that exist."""
        self._names = names
        self._recorder: VideoRecorder | None = None
        self._picture_path: Path | None = None
        self.written: list[Path] = []

    def begin(self, source: Source) -> None:
        """Open the recording of a video."""
        path = self._names[source.ref]
        if source.ref.kind is Kind.PICTURE:
            self._picture_path = path
        else:
            self._recorder = VideoRecorder(path, source.fps)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw a frame and write it."""
        drawn = annotate(frame.image, result.faces)
        if self._recorder:
            self._recorder.write(drawn, frame.time)
        elif self._picture_path:
            write_picture(self._picture_path, drawn)
            self.written.append(self._picture_path)

    def end(self) -> None:
        """Finish the recording."""
        recorder, self._recorder, self._picture_path = self._recorder, None, None
        if recorder:
            recorder.close()
            if recorder.written:
                self.written.append(recorder.path)

    def close(self) -> None:
        """Nothing: each file is finished with its source."""
