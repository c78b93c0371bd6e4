"""What was seen, told to a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from smilecam.types import FrameResult
from smilecam.video.sources import Frame, Kind, Source

Say = Callable[[str], None]


@dataclass(slots=True)
class SmileSpans:
    """The stretches of a stream in which someone smiled, frame by frame and without smoothing.

    Attributes:
        spans: first and last time of each stretch, in seconds.
    """

    spans: list[tuple[float, float]] = field(default_factory=list)
    _smiling: bool = False

    def add(self, result: FrameResult) -> None:
        """Take the next frame."""
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


class Summary:
    """Says one line about each source, and for a camera also each change while it runs."""

    def __init__(self, say: Say) -> None:
        """Keep the function that takes a line."""
        self._say = say
        self._source: Source | None = None

    def begin(self, source: Source) -> None:
        """Start counting."""
        self._source, self._counts, self._spans = source, _Counts(), SmileSpans()
        self._last: FrameResult | None = None

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Count a frame; for a camera, tell a change."""
        self._counts.frames += 1
        self._counts.with_face += bool(result.faces)
        self._counts.with_smile += result.smiling
        self._counts.last_time = result.time or 0.0
        self._spans.add(result)
        live = self._source is not None and self._source.ref.kind is Kind.CAMERA
        if live and (self._last is None or state(self._last) != state(result)):
            self._say(f"{result.time or 0:8.2f} s  {state(result)}")
        self._last = result

    def end(self) -> None:
        """Say the line."""
        source, last = self._source, self._last
        if source is None or last is None:
            return
        self._say(picture_line(last) if source.ref.kind is Kind.PICTURE else self._video_line(source))

    def close(self) -> None:
        """Nothing: every source has had its line."""

    def _video_line(self, source: Source) -> str:
        counts = self._counts
        announced = f" of {source.expected} announced" if source.missing else ""
        line = (
            f"{source.ref.name}: {counts.frames} frames{announced}, {counts.last_time:.2f} s; "
            f"a face in {counts.with_face}, a smile in {counts.with_smile}"
        )
        if self._spans.spans:
            line += f": {self._spans}"
        return line


def state(result: FrameResult) -> str:
    """A frame in a few words."""
    if not result.faces:
        return "no face"
    smiling = sum(face.smiling for face in result.faces)
    if len(result.faces) == 1:
        return "smile" if smiling else "no smile"
    return f"{smiling} of {len(result.faces)} faces smile"


def picture_line(result: FrameResult) -> str:
    """A picture's faces in one line."""
    if not result.faces:
        return f"{result.source}: no face"
    faces = ", ".join(f"{'smile' if face.smiling else 'no smile'} {face.smile:.0%}" for face in result.faces)
    count = f"{len(result.faces)} face{'s' if len(result.faces) > 1 else ''}"
    return f"{result.source}: {count}: {faces}"
