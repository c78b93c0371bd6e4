"""Pictures and videos with the results drawn in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from smilecam.drawing import annotate
from smilecam.errors import UsageProblem
from smilecam.sinks.anonymise import FaceAnonymiser
from smilecam.sinks.base import Sink
from smilecam.sinks.output_paths import names_in, refuse_source
from smilecam.sinks.video_writer import CODECS, VideoRecorder
from smilecam.sources.base import Kind, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import WRITABLE_SUFFIXES, save_image
from smilecam.types import FrameResult, StreamStats

__all__ = ["AnnotatedOutput", "plan_names", "refuse_source"]


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
        names = names_in(target, refs, _suffix_in_folder)
    else:
        names = dict.fromkeys(refs, target)
        if len(refs) > 1:
            raise UsageProblem(f"--save {target}: several sources need a folder")
        for ref in refs:
            _check_suffix(target, ref)
    for path in names.values():
        refuse_source("--save", path, refs)
    return names


def _check_suffix(path: Path, ref: SourceRef) -> None:
    fitting = WRITABLE_SUFFIXES if ref.kind is Kind.IMAGE else frozenset(CODECS)
    if path.suffix.lower() not in fitting:
        raise UsageProblem(f"--save {path}: for a {ref.kind.value} the name ends in {', '.join(sorted(fitting))}")


def _suffix_in_folder(ref: SourceRef) -> str:
    if ref.kind is not Kind.IMAGE:
        return ".mp4"
    own = ref.path.suffix if ref.path else ""
    return own if own.lower() in WRITABLE_SUFFIXES else ".png"


class AnnotatedOutput(Sink):
    """Draws boxes and labels, and writes a picture for a picture and a video for a video or camera.

    A video keeps its sound where PyAV is installed. A live source's figures stand in the upper left corner.

    Attributes:
        written: the files that are finished.
    """

    def __init__(
        self,
        names: dict[SourceRef, Path],
        blur: bool = False,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Prepare to write each source to its path, in folders that exist.

        Args:
            names: a path for each source.
            blur: whether to make faces unrecognisable.
            say: takes a line, once, where videos lose their sound.
        """
        self._names, self._blur = names, blur
        self._status: str | None = None
        self._say, self._said = say, set[str]()
        self._recorder: VideoRecorder | None = None
        self._picture_path: Path | None = None
        self.written: list[Path] = []

    def begin(self, source: Source) -> None:
        """Open the recording of a video."""
        path, ref = self._names[source.ref], source.ref
        self._anonymise, self._status = FaceAnonymiser(), None
        if ref.kind is Kind.IMAGE:
            self._picture_path = path
        else:
            # Of what is played at its own pace the first frames may be missing, and with them the common beginning.
            audio = ref.path if ref.kind is Kind.VIDEO and not source.live else None
            self._recorder = VideoRecorder(path, source.fps, audio, self._say_once)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw a frame and write it."""
        image = self._anonymise.anonymise(frame.image, result.faces, result.time) if self._blur else frame.image
        drawn = annotate(image, result.faces, self._status)
        if self._recorder:
            self._recorder.write(drawn, result.time if frame.time is None else frame.time)
        elif self._picture_path:
            save_image(self._picture_path, drawn)
            self.written.append(self._picture_path)

    def stats(self, stats: StreamStats) -> None:
        """Show how a live source goes in the upper left corner of the frames that follow."""
        self._status = str(stats)

    def end(self) -> None:
        """Finish the recording."""
        recorder, self._recorder, self._picture_path = self._recorder, None, None
        if recorder:
            recorder.close()
            if recorder.written:
                self.written.append(recorder.path)

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)
