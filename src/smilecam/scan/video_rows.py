"""How a video becomes rows, frame by frame, in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smilecam.pipeline.stream_item import StreamItem
from smilecam.results import FrameResult
from smilecam.scan.rows import Row, event_row, face_counts, face_row
from smilecam.sinks.smile_intervals import OpenSmiles, Smile
from smilecam.types import Event, Face

SAME_SLOT = 1e-6
"""Share of the time between rows that rounding may cost: .6 / .2 is a little less than 3."""


@dataclass(frozen=True, slots=True)
class _Peak:
    """The best moment of a smile so far."""

    face: Face
    frame: int
    time: float

    @property
    def order(self) -> tuple[float, int]:
        """The stronger smile is better; of equal ones the larger face."""
        return round(self.face.probability, 4), self.face.box.area


class VideoRows:
    """Makes the rows of one video.

    Attributes:
        frames: frames so far.
        duration: time of the last one, in seconds.
    """

    def __init__(self, every: float) -> None:
        """Begin a video.

        Args:
            every: seconds between frames that have rows; 0 for all frames.
        """
        self._every = every
        self._slot = -1
        self._peaks: dict[int, _Peak] = {}
        self._smiles: list[Smile] = []
        self._open = OpenSmiles()
        self._last_track = 0
        self.frames, self.duration = 0, 0.0

    def add(self, item: StreamItem) -> Iterator[Row]:
        """Take what comes next in the video, and give the rows that it makes certain."""
        if item.result is not None:
            yield from self._add_frame(item.result, item.result.time or 0.0)
        for event in item.events:
            yield event_row(event)
            yield from self._add_event(event)

    def video_row(self, shape: tuple[int, int], fps: float | None, lost: dict[str, int], pieces: int) -> Row:
        """The row of the video, from all its frames.

        Args:
            shape: height and width in pixels.
            fps: announced frames per second.
            lost: numbers of "corrupt" and "missing" frames.
            pieces: into how many it was split.
        """
        return Row(
            "videos",
            {
                "width": shape[1],
                "height": shape[0],
                "fps": fps and round(fps, 4),
                "frames": self.frames,
                "duration": round(self.duration, 4),
                "tracks": self._last_track,
                "smiles": len(self._smiles),
                "smile_time": round(_union(self._smiles), 4),
                **lost,
                "pieces": pieces,
            },
        )

    def _add_frame(self, result: FrameResult, time: float) -> Iterator[Row]:
        self.frames, self.duration = self.frames + 1, time
        for face in result.faces:
            if face.track is None:
                continue
            self._last_track = max(self._last_track, face.track)
            if face.smiling:
                peak = _Peak(face, result.frame, round(time, 4))
                if face.track not in self._peaks or peak.order > self._peaks[face.track].order:
                    self._peaks[face.track] = peak
        if self._every:
            slot = int(time / self._every + SAME_SLOT)
            if slot <= self._slot:
                return
            self._slot = slot
        where = {"frame": result.frame, "time": round(time, 4)}
        yield Row("frames", where | face_counts(result.faces))
        for face in result.faces:
            yield face_row(face, result.frame, round(time, 4))

    def _add_event(self, event: Event) -> Iterator[Row]:
        smile = self._open.take(event)
        if smile is None or smile.track is None:
            return
        self._smiles.append(smile)
        best = self._peaks.pop(smile.track, None)
        if best is not None:
            yield _smile_row(smile, best)


def _union(smiles: list[Smile]) -> float:
    """Seconds in which somebody smiles."""
    seconds, until = 0.0, 0.0
    for smile in sorted(smiles, key=lambda smile: (smile.start, smile.end)):
        seconds += max(0.0, smile.end - max(smile.start, until))
        until = max(until, smile.end)
    return seconds


def _smile_row(smile: Smile, best: _Peak) -> Row:
    box = best.face.box
    return Row(
        "smiles",
        {
            "track": smile.track,
            "start": round(smile.start, 4),
            "end": round(smile.end, 4),
            "peak": None if smile.peak is None else round(smile.peak, 4),
            "peak_time": best.time,
            "peak_frame": best.frame,
            "x1": box.x1,
            "y1": box.y1,
            "x2": box.x2,
            "y2": box.y2,
        },
    )
