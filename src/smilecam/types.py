"""The values that every part of smilecam speaks of. Numpy and the standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
"""An image: uint8, (height, width, 3) in blue-green-red order, or (height, width) grey."""

GreyImage: TypeAlias = npt.NDArray[np.uint8]
"""A grey image: uint8, (height, width), 0 to 255."""


class GreyPixels(Protocol):
    """A grey image, uint8 (height, width), of which regions are taken: an array, or what makes them when they are."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width."""

    def __getitem__(self, region: Any, /) -> GreyImage:  # noqa: ANN401 - what numpy takes
        """The pixels of a region."""


FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


class Box(NamedTuple):
    """A rectangle in pixels, half-open: it holds x1 <= x < x2 and y1 <= y < y2, y growing downward."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def width(self) -> int:
        """Pixels from the left edge to the right one."""
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        """Pixels from the upper edge to the lower one."""
        return self.y2 - self.y1

    @property
    def area(self) -> int:
        """Pixels inside."""
        return self.width * self.height

    def translated(self, across: int, down: int) -> Box:
        """The same box, so many pixels further to the right and below."""
        return Box(self.x1 + across, self.y1 + down, self.x2 + across, self.y2 + down)


Landmarks: TypeAlias = tuple[float, float, float, float, float, float, float, float, float, float]
"""x and y of five points in pixels of the image: the eye on the image's left, the eye on its right, the tip of the
nose, the corner of the mouth on the left, the one on the right."""


class DetectedFace(NamedTuple):
    """A face as a detector reports it: where it is, how sure the detector is (0 to 1), and points where it sees any."""

    box: Box
    confidence: float
    landmarks: Landmarks | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """A face, and how sure the network is that it smiles.

    Attributes:
        box: where the face is, in pixels of the original image.
        confidence: how sure the face detector is that this is a face, 0 to 1.
        smile: the network's probability of a visible smile in this frame alone, 0 to 1.
        smiling: the decision: in an image whether ``smile`` reaches the threshold, in a stream the track's state.
        track: number of the person's track through a stream, from 1; None in an image.
        intensity: how much of a smile it is, 0 (none) to 1 (full), smoothed over time; None in an image.
        smoothed: probability of a smile over time, on the same side of the threshold as ``smiling``; None in an image.
        interpolated: whether ``smile`` was not read in this frame, but follows from frames before (and in recorded
            video after) it in which the face looks alike.
    """

    box: Box
    confidence: float
    smile: float
    smiling: bool
    track: int | None = None
    intensity: float | None = None
    smoothed: float | None = None
    interpolated: bool = False

    @property
    def probability(self) -> float:
        """The probability that the decision rests on: ``smoothed`` in a stream, ``smile`` in an image."""
        return self.smile if self.smoothed is None else self.smoothed

    def as_dict(self) -> dict[str, Any]:
        """The face as plain values, as in a line of ``--jsonl``; what an image does not have is left out."""
        content: dict[str, Any] = {
            "box": list(self.box),
            "confidence": round(self.confidence, 4),
            "smile": round(self.smile, 4),
            "smiling": self.smiling,
        }
        if self.track is not None:
            content["track"] = self.track
        if self.intensity is not None:
            content["intensity"] = round(self.intensity, 3)
        if self.smoothed is not None:
            content["smoothed"] = round(self.smoothed, 4)
        if self.interpolated:
            content["interpolated"] = True
        return content


class EventKind(Enum):
    """What can happen in a stream."""

    SMILE_START = "smile_start"
    """Somebody begins to smile."""

    SMILE_END = "smile_end"
    """They stop, leave, or the stream ends."""

    SOURCE_LOST = "source_lost"
    """No frame has come for a while; the source is opened again and again."""

    SOURCE_RESTORED = "source_restored"
    """Frames come again."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a stream.

    Attributes:
        kind: what happened.
        source: the name of the stream, as in its frames.
        time: seconds from the start of the stream: of the frame that made it certain.
        frame: number of that frame; None for what happens between frames.
        track: of the person, for smiles; else None.
        since: seconds from the start of the stream: when the smile began, or ended, which is certain only some frames
            later; None for what is no smile.
        peak: the largest smoothed probability, 0 to 1: of the smile so far, or at its end of the whole smile.
    """

    kind: EventKind
    source: str
    time: float
    frame: int | None = None
    track: int | None = None
    since: float | None = None
    peak: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The event as plain values, in the form of one line of ``--jsonl``; what it does not have is left out."""
        content: dict[str, Any] = {"type": "event", "event": self.kind.value, "source": self.source}
        content["time"] = round(self.time, 4)
        for name, digits in (("frame", 0), ("track", 0), ("since", 4), ("peak", 4)):
            value = getattr(self, name)
            if value is not None:
                content[name] = round(value, digits) if digits else value
        return content


STATS_WINDOW = 1024
"""Results over which rates and latencies are taken: about half a minute of a live stream."""


@dataclass(frozen=True, slots=True)
class StreamStats:
    """How a stream goes, over its last ``STATS_WINDOW`` results; counts are of the whole stream.

    Attributes:
        frames: results so far.
        received: frames that arrived so far.
        dropped: frames that a newer one replaced before they were read.
        reconnects: times that the source came back.
        input_rate: frames per second that arrive.
        rate: results per second.
        latency_ms: from a frame's arrival to its result: p50, p95 and p99 in milliseconds; None for recorded video,
            whose frames do not arrive at a time of their own.
    """

    frames: int
    received: int
    dropped: int
    reconnects: int
    input_rate: float
    rate: float
    latency_ms: tuple[float, float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values, in the form of a line of ``--jsonl``."""
        content: dict[str, Any] = {
            "type": "figures",
            "frames": self.frames,
            "received": self.received,
            "dropped": self.dropped,
            "reconnects": self.reconnects,
            "input_rate": round(self.input_rate, 2),
            "rate": round(self.rate, 2),
        }
        if self.latency_ms:
            names = ("p50", "p95", "p99")
            content["latency_ms"] = {name: round(ms, 2) for name, ms in zip(names, self.latency_ms, strict=True)}
        return content

    def __str__(self) -> str:
        text = f"{self.rate:.1f} frames/s"
        if self.latency_ms:
            p50, _, p99 = self.latency_ms
            text += f" of {self.input_rate:.1f}, {p50:.1f} ms late (p99 {p99:.1f}), {self.dropped} dropped"
        return text + (f", {self.reconnects} reconnects" if self.reconnects else "")
