"""One step of a stream, as every run gives it."""

from __future__ import annotations

from dataclasses import dataclass, field

from smilecam.results import FrameResult
from smilecam.sources.frame import Frame
from smilecam.types import Event, Face, Image


@dataclass(frozen=True, slots=True)
class StreamItem:
    """A frame with its result, or events that belong to no frame: a source lost or restored, the end of a stream.

    An item keeps its frame in memory. Of a long stream keep ``item.result`` where results are all you need.

    Attributes:
        source: name of the stream.
        events: what the frame made certain, or what happened between frames.
        source_frame: the frame as the source gave it; None where the item holds events alone.
        result: what was seen in the frame; None likewise.
    """

    source: str
    events: tuple[Event, ...]
    source_frame: Frame | None = field(default=None, repr=False)
    result: FrameResult | None = None

    @classmethod
    def of_frame(cls, frame: Frame, result: FrameResult) -> StreamItem:
        """A frame, its result, and the events of that result."""
        return cls(result.source, result.events, frame, result)

    @classmethod
    def of_events(cls, source: str, *events: Event) -> StreamItem:
        """Events without a frame."""
        return cls(source, events)

    @property
    def frame(self) -> int | None:
        """The frame's number, counted from 0; None without a frame."""
        return None if self.result is None else self.result.frame

    @property
    def time(self) -> float | None:
        """Seconds since the first moment of the stream: of the frame, or of the latest event; None for an image."""
        if self.result is not None:
            return self.result.time
        return max((event.time for event in self.events), default=None)

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces from left to right; none without a frame."""
        return () if self.result is None else self.result.faces

    @property
    def smiling(self) -> bool:
        """Whether at least one face smiles."""
        return self.result is not None and self.result.smiling

    @property
    def image(self) -> Image | None:
        """The frame's pixels, uint8 (height, width, 3) in blue-green-red order; None without a frame."""
        return None if self.source_frame is None else self.source_frame.image

    def annotate(self, *, numbers: bool = False) -> Image:
        """A copy of the frame with boxes and labels drawn in, uint8 (height, width, 3), blue-green-red.

        Args:
            numbers: label every face, with its number and probability.

        Raises:
            ValueError: the item holds no frame.
        """
        if self.result is None or self.source_frame is None:
            raise ValueError("this item holds events and no frame: look at item.image first")
        return self.result.annotate(self.source_frame.image, numbers=numbers)

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows: the annotated frame; events alone show themselves as text."""
        if self.result is None or self.source_frame is None:
            return None
        return self.result.shown_png(self.source_frame.image)
