"""Smiles as cues that a player shows with the video."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from smilecam.errors import UsageProblem
from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sinks.output_paths import plan_paths, refuse_source
from smilecam.sinks.smile_intervals import OpenSmiles, Smile, track_label
from smilecam.sinks.text_file import TextFile
from smilecam.sources.base import Kind, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.types import Event

HEADER = "WEBVTT\n\n"
SETTLED_SECONDS = 2.0
"""How long a cue waits: cues are sorted by start, and a smile is declared only once it has lasted a while."""


def plan_cue_names(target: Path, refs: Sequence[SourceRef], into_folder: bool) -> dict[SourceRef, Path]:
    """Decide where the cues of each stream go; images have none.

    Args:
        target: what the user named: a file for one stream, a folder for several.
        refs: all sources of the run.
        into_folder: whether ``target`` is a folder even for a single stream.

    Returns:
        A path for each stream, all different, none of them a source.

    Raises:
        UsageProblem: a file was named for several streams, it does not end in .vtt, or it is a source itself.
    """

    def check(_ref: SourceRef) -> None:
        if target.suffix.lower() != ".vtt":
            raise UsageProblem(f"--webvtt {target}: the name ends in .vtt")

    if not into_folder:
        refuse_source("--webvtt", target, refs)  # images too
    streams = [ref for ref in refs if ref.kind is not Kind.IMAGE]
    return plan_paths("--webvtt", target, streams, into_folder, lambda _ref: ".vtt", check)


class WebVtt(Sink):
    """Writes a cue for each smile once it has ended; the file is valid at any moment.

    Cues are sorted by start, as the format demands. A smile that is declared so late that the cue of a later one has
    been written starts with that one.

    Attributes:
        written: the files that are finished.
    """

    uses_images = False

    def __init__(self, names: dict[SourceRef, Path]) -> None:
        """Prepare to write the cues of each stream to its path, in folders that exist."""
        self._names = names
        self._file: TextFile | None = None
        self.written: list[Path] = []

    def begin(self, source: Source) -> None:
        """Prepare the file of a stream; with the first frame, it replaces an existing one.

        Raises:
            OutputError: it cannot be written, or another run is writing it.
        """
        path = self._names.get(source.ref)
        if path is None:
            return
        self._path, self._open, self._ended = path, OpenSmiles(), list[Smile]()
        self._now = self._last_start = 0.0
        self._file = TextFile(str(path), HEADER)

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Note the time, and write the cues whose place in the file is known."""
        if result.time is not None:
            self._now = result.time
        if self._file:
            self._file.start()
        self._write_settled()

    def event(self, event: Event) -> None:
        """Note the start or the end of a smile."""
        self._now = max(self._now, event.time) if self._file else 0.0
        smile = self._open.take(event) if self._file else None
        if smile:
            self._ended.append(smile)

    def end(self) -> None:
        """End open smiles at the last frame, and write the remaining cues."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            self._write_cues(file, [*self._ended, *self._open.finish(self._now)])
        finally:
            complete = file.close()
        if complete:
            self.written.append(self._path)

    def _write_settled(self) -> None:
        if self._file is None or not self._ended:
            return
        earliest = self._open.earliest()
        limit = self._now - SETTLED_SECONDS
        if earliest is not None:
            limit = min(limit, earliest)
        settled = [smile for smile in self._ended if smile.start <= limit]
        self._ended = [smile for smile in self._ended if smile.start > limit]
        self._write_cues(self._file, settled)

    def _write_cues(self, file: TextFile, smiles: list[Smile]) -> None:
        if not smiles:
            return
        smiles = sorted(smiles, key=lambda smile: smile.start)
        # A live stream is not known in advance: a faint smile may be declared long after its start.
        late = self._last_start
        self._last_start = max(late, smiles[-1].start)
        file.write("".join(_cue_of(replace(smile, start=max(late, smile.start))) for smile in smiles))


def _cue_of(smile: Smile) -> str:
    peak = "" if smile.peak is None else f", peak {100 * smile.peak:.0f} %"
    return cue(smile.start, smile.end, f"smile, {track_label(smile.track)}{peak}")


def cue(start: float, end: float, text: str) -> str:
    """One cue with the empty line after it.

    Args:
        start: seconds.
        end: seconds; a cue lasts at least a millisecond, or players refuse it.
        text: shown unchanged.
    """
    first = round(max(0.0, start) * 1000)
    last = max(first + 1, round(end * 1000))
    return f"{_timestamp(first)} --> {_timestamp(last)}\n{html.escape(text, quote=False)}\n\n"


def _timestamp(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
