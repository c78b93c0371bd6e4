"""The smiles of a video, cut into one clip: where the cuts are, and the clip itself."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from smilecam.errors import SourceUnreadable
from smilecam.results import FrameResult
from smilecam.sinks.audio_cuts import Interval
from smilecam.sinks.base import Sink
from smilecam.sinks.smile_intervals import OpenSmiles, Smile
from smilecam.sinks.video_writer import VideoRecorder
from smilecam.sources.base import DEFAULT_FPS, Kind, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.types import Event


@dataclass(frozen=True, slots=True)
class CutSettings:
    """What is cut out of a video.

    Attributes:
        margin: seconds kept before and after each smile.
        min_length: seconds; a shorter part is extended on both sides, as far as the video goes.
        max_gap: seconds; parts with less than this in between become one.
    """

    margin: float = 0.5
    min_length: float = 2.0
    max_gap: float = 0.5


class Cut(NamedTuple):
    """A part of a video, from frame to frame.

    Attributes:
        first: number of its first frame.
        last: number of its last frame.
        start: seconds, when the first frame is shown.
        end: seconds, when the frame after the last one would be shown.
        at: seconds in the clip at which the part begins.
        smiles: how many smiles are at least partly in it.
    """

    first: int
    last: int
    start: float
    end: float
    at: float
    smiles: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


class SmileCollector(Sink):
    """Collects the smiles of one video and the times of its frames: 8 bytes a frame, whatever their size.

    Attributes:
        smiles: in the order in which they ended.
        times: seconds, of each frame.
    """

    uses_images = False

    def __init__(self) -> None:
        """Start without a frame."""
        self.smiles: list[Smile] = []
        self.times: array[float] = array("d")
        self._open = OpenSmiles()

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Note the time of a frame."""
        self.times.append(result.time or 0.0)

    def event(self, event: Event) -> None:
        """Note a smile that has ended."""
        if smile := self._open.take(event):
            self.smiles.append(smile)

    def end(self) -> None:
        """End the smiles that are still open."""
        self.smiles += self._open.finish(self.times[-1] if self.times else 0.0)


def plan_cuts(
    smiles: Sequence[Smile], times: Sequence[float], fps: float | None, settings: CutSettings
) -> tuple[Cut, ...]:
    """Decide which frames go into the clip.

    Args:
        smiles: of the video, in any order; they may overlap.
        times: seconds, of each frame of the video, in order.
        fps: the announced rate, for how long the last frame is shown; None for 25.
        settings: margins, shortest part and largest gap.

    Returns:
        The parts in order; neither frames nor times overlap. None without a smile.
    """
    if not times:
        return ()
    end = times[-1] + 1 / (fps or DEFAULT_FPS)
    wanted = [_extended(smile, times[0], end, settings) for smile in smiles]
    cuts: list[Cut] = []
    for start, stop in _merged(sorted(wanted), settings.max_gap):
        first = max(0, bisect_left(times, start))
        last = max(first, bisect_left(times, stop) - 1)
        if first >= len(times):
            continue
        begin, over = times[first], times[last + 1] if last + 1 < len(times) else end
        inside = sum(smile.start < over and smile.end >= begin for smile in smiles)
        cuts.append(Cut(first, last, begin, over, sum(cut.seconds for cut in cuts), inside))
    return tuple(cuts)


def _extended(smile: Smile, begin: float, end: float, settings: CutSettings) -> tuple[float, float]:
    """A smile with its margins, long enough, and inside the video: what is missing at one end is added at the other."""
    start, stop = max(begin, smile.start - settings.margin), min(end, smile.end + settings.margin)
    missing = max(0.0, settings.min_length - (stop - start))
    start, stop = start - missing / 2, stop + missing / 2
    start, stop = start - max(0.0, stop - end), stop + max(0.0, begin - start)
    return max(begin, start), min(end, stop)


def _merged(intervals: Sequence[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, stop in intervals:
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined


def write_clip(
    path: Path,
    ref: SourceRef,
    cuts: Sequence[Cut],
    first_time: float,
    *,
    progress: Callable[[int], object] = lambda _frames: None,
) -> None:
    """Cut parts of a recorded video into a clip, with its audio where the container holds any.

    Every frame keeps its distance in time from the one before; between two parts that is the distance that the first
    part's last frame has from the next frame of the video. The audio fades for a hundredth of a second at each cut.
    The clip appears when it is complete; an interrupt leaves nothing.

    Args:
        path: of the clip; its suffix is one of ``smilecam.sinks.video_writer.CONTAINERS``.
        ref: the video.
        cuts: of it, from ``plan_cuts``; at least one.
        first_time: seconds, of the video's first frame.
        progress: called with the number of frames read since its last call.

    Raises:
        SourceError: the video cannot be read any more, or is another one now.
        OutputError: the clip cannot be written.
    """
    intervals = [Interval(cut.start - first_time, cut.end - first_time) for cut in cuts]
    audio = ref.path if ref.kind is Kind.VIDEO else None
    with open_source(ref) as source:
        recorder = VideoRecorder(path, source.fps, audio, intervals)
        try:
            _copy(source, cuts, recorder, progress)
        except BaseException:
            recorder.drop()
            raise
        recorder.close()


def _copy(source: Source, cuts: Sequence[Cut], recorder: VideoRecorder, progress: Callable[[int], object]) -> None:
    waiting = list(reversed(cuts))
    for frame in source:
        if isinstance(frame, Event):
            continue
        progress(1)
        cut = waiting[-1]
        if frame.number < cut.first:
            continue
        time = frame.time or 0.0
        if frame.number == cut.first and not math.isclose(time, cut.start, abs_tol=1e-6):
            break
        recorder.write(frame.image, cut.at + time - cut.start)
        if frame.number == cut.last:
            waiting.pop()
        if not waiting:
            return
    raise SourceUnreadable(f"{source.ref.name} has changed while it was being cut")
