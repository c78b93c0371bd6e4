"""Results as lines of text for the user."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sinks.smile_intervals import OpenSmiles, Smile, track_label
from smilecam.sources.base import Kind, Source
from smilecam.sources.frame import Frame
from smilecam.types import Event, EventKind

Log = Callable[[str], None]
"""Takes a line of text."""


@dataclass(slots=True)
class SmileSpans:
    """The periods of a stream with a smile.

    Attributes:
        spans: first and last time of each period, in seconds.
    """

    spans: list[tuple[float, float]] = field(default_factory=list)
    _smiling: bool = False

    def add(self, result: FrameResult) -> None:
        """Extend them by the next frame, without temporal smoothing."""
        at = result.time or 0.0
        if result.smiling and self._smiling:
            self.spans[-1] = (self.spans[-1][0], at)
        elif result.smiling:
            self.spans.append((at, at))
        self._smiling = result.smiling

    def __str__(self) -> str:
        return ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in self.spans)


@dataclass(slots=True)
class _Counts:
    frames: int = 0
    with_face: int = 0
    with_smile: int = 0
    last_time: float = 0.0
    tracked: bool = False


class Summary(Sink):
    """Logs one line about each source, and for a live one also its events as they happen."""

    uses_images = False

    def __init__(self, log: Log) -> None:
        """Keep the function that takes the lines."""
        self._log = log
        self._source: Source | None = None

    def begin(self, source: Source) -> None:
        """Start counting."""
        self._source, self._counts, self._spans = source, _Counts(), SmileSpans()
        self._open, self._smiles = OpenSmiles(), list[Smile]()
        self._last: FrameResult | None = None

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Count a frame."""
        counts = self._counts
        counts.frames += 1
        counts.with_face += bool(result.faces)
        counts.with_smile += result.smiling
        counts.last_time = result.time or 0.0
        counts.tracked = counts.tracked or any(face.track is not None for face in result.faces)
        self._spans.add(result)
        self._last = result

    def event(self, event: Event) -> None:
        """Note a smile; log any event of a live source."""
        smile = self._open.take(event)
        if smile:
            self._smiles.append(smile)
        if self._source is not None and self._source.live:
            self._log(f"{event.time:8.2f} s  {_event_text(event, smile)}")

    def end(self) -> None:
        """Log the line."""
        source, last = self._source, self._last
        if source is None or last is None:
            return
        self._smiles += self._open.finish(self._counts.last_time)
        self._log(image_line(last) if source.ref.kind is Kind.IMAGE else self._video_line(source))

    def _video_line(self, source: Source) -> str:
        counts = self._counts
        announced = f" of {source.expected} announced" if source.missing else ""
        line = (
            f"{source.ref.name}: {counts.frames} frames{announced}, {counts.last_time:.2f} s; "
            f"a face in {counts.with_face}, a smile in {counts.with_smile}"
        )
        spans = joined_spans(self._smiles) if counts.tracked else self._spans
        return f"{line}: {spans}" if spans.spans else line


def joined_spans(smiles: Iterable[Smile]) -> SmileSpans:
    """The periods in which at least one track smiled, in order."""
    joined = SmileSpans()
    for smile in sorted(smiles, key=lambda smile: smile.start):
        if joined.spans and smile.start <= joined.spans[-1][1]:
            first, last = joined.spans[-1]
            joined.spans[-1] = (first, max(last, smile.end))
        else:
            joined.spans.append((smile.start, smile.end))
    return joined


def _event_text(event: Event, ended: Smile | None) -> str:
    """An event in words, with the smile that ended with it."""
    if event.kind is EventKind.SMILE_START:
        return f"{track_label(event.track)} smiles"
    if ended is None:
        return "source lost" if event.kind is EventKind.SOURCE_LOST else "source restored"
    peak = "" if ended.peak is None else f", peak {100 * ended.peak:.0f} %"
    return f"{track_label(ended.track)} stops smiling ({ended.seconds:.1f} s{peak})"


LISTED_FACES = 3
"""Of so many faces in an image each has its probability in the line; more are counted."""


def image_line(result: FrameResult) -> str:
    """The faces of an image in one line."""
    if not result.faces:
        return f"{result.source}: no face"
    count = f"{len(result.faces)} face{'s' if len(result.faces) > 1 else ''}"
    if len(result.faces) > LISTED_FACES:
        smiling = sum(face.smiling for face in result.faces)
        return f"{result.source}: {count}, {smiling or 'none'} smile{'s' if smiling in (0, 1) else ''}"
    faces = ", ".join(f"{'smile' if face.smiling else 'no smile'} {face.smile:.0%}" for face in result.faces)
    return f"{result.source}: {count}: {faces}"
