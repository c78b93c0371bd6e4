"""Images and videos with the results drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smilecam.drawing import annotate
from smilecam.errors import UsageProblem
from smilecam.results import FrameResult
from smilecam.sinks.anonymise import FaceAnonymiser
from smilecam.sinks.base import Sink
from smilecam.sinks.output_paths import plan_paths
from smilecam.sinks.video_writer import CONTAINERS, VideoRecorder
from smilecam.sources.base import Kind, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import WRITABLE_SUFFIXES, save_image
from smilecam.types import StreamStats


def plan_names(target: Path, refs: Sequence[SourceRef], into_folder: bool) -> dict[SourceRef, Path]:
    """Decide where the annotated version of each source goes.

    Args:
        target: what the user named: a file for one source, a folder for several.
        refs: all sources of the run.
        into_folder: whether ``target`` is a folder even for a single source.

    Returns:
        A path for each source, all different, none of them a source.

    Raises:
        UsageProblem: a file was named for several sources, its suffix does not fit, or it is a source itself.
    """

    def check(ref: SourceRef) -> None:
        suffixes = WRITABLE_SUFFIXES if ref.kind is Kind.IMAGE else frozenset(CONTAINERS)
        if target.suffix.lower() not in suffixes:
            endings = ", ".join(sorted(suffixes))
            raise UsageProblem(f"--save {target}: for {ref.kind.value}s the name ends in {endings}")

    return plan_paths("--save", target, refs, into_folder, _suffix_in_folder, check)


def _suffix_in_folder(ref: SourceRef) -> str:
    if ref.kind is not Kind.IMAGE:
        return ".mp4"
    own = ref.path.suffix if ref.path else ""
    return own if own.lower() in WRITABLE_SUFFIXES else ".png"


class AnnotatedOutput(Sink):
    """Draws boxes and labels, and writes an image for an image, and a video for a video, camera or stream.

    The video of a file keeps its audio. A live source's statistics stand in the upper left corner.

    Attributes:
        written: the files that are finished.
    """

    def __init__(self, names: dict[SourceRef, Path], blur: bool = False, numbers: bool = False) -> None:
        """Prepare to write each source to its path, in folders that exist.

        Args:
            names: a path for each source.
            blur: whether to anonymise faces.
            numbers: whether labels say numbers and probabilities, also of faces that do not smile.
        """
        self._names, self._blur, self._numbers = names, blur, numbers
        self._status: str | None = None
        self._recorder: VideoRecorder | None = None
        self._image_path: Path | None = None
        self.written: list[Path] = []

    def begin(self, source: Source) -> None:
        """Start the recording of a video."""
        path, ref = self._names[source.ref], source.ref
        self._anonymiser, self._status = FaceAnonymiser(), None
        if ref.kind is Kind.IMAGE:
            self._image_path = path
        else:
            # In real time the first frames may be dropped, and with them the common start of video and audio.
            audio = ref.path if ref.kind is Kind.VIDEO and not source.live else None
            self._recorder = VideoRecorder(path, source.fps, audio)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw a frame and write it."""
        image = self._anonymiser.anonymise(frame.image, result.faces, result.time) if self._blur else frame.image
        drawn = annotate(image, result.faces, self._status, numbers=self._numbers)
        if self._recorder:
            self._recorder.write(drawn, result.time if frame.time is None else frame.time)
        elif self._image_path:
            save_image(self._image_path, drawn)
            self.written.append(self._image_path)

    def stats(self, stats: StreamStats) -> None:
        """Show the statistics of a live source in the upper left corner of later frames."""
        self._status = str(stats)

    def end(self) -> None:
        """Finish the recording."""
        recorder, self._recorder, self._image_path = self._recorder, None, None
        if recorder:
            try:
                recorder.close()
            finally:  # an interrupt may come once the file is in place
                if recorder.finished:
                    self.written.append(recorder.path)
