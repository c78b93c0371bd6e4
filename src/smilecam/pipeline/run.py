"""A source being read from end to end: frames in, results out, each stage beside the others where that pays."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace

from smilecam.classification.batch import FaceClassifier
from smilecam.errors import SourceError
from smilecam.pipeline.prefetch import Prefetcher
from smilecam.pipeline.stats import StatsMeter
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.tracking.faces import FaceTracks
from smilecam.tracking.offline import OfflineFaceFinder
from smilecam.tracking.online import OnlineFaceFinder
from smilecam.types import DetectedFace, Event, FrameResult, StreamStats

StreamItem = tuple[Frame, FrameResult] | Event
"""What a stream gives: a frame with what was seen in it, or word of something between frames."""

DECODED_AHEAD = 16
"""Frames: a stretch is decoded while the one before is searched; each of a large film takes 3 MB."""

STRETCHES_AHEAD = 1

STRETCH_PIXELS = 16_000_000
"""A stretch is not longer than this, since several are in memory: 8 frames of 1920x1080."""

Stretch = list[tuple[Frame, list[DetectedFace]]]
_Seen = tuple[Frame, list[DetectedFace], list[float]]


class StreamRun(ABC):
    """One source being read once. Iterate it, then ``close`` it, whatever happened."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; nothing is read yet."""
        self._source, self._clock = source, clock
        self._meter = StatsMeter(source.counts)

    @abstractmethod
    def __iter__(self) -> Iterator[StreamItem]:
        """Give every frame with its result, and events between frames.

        Raises:
            SourceError: the source fails.
        """

    def stats(self) -> StreamStats:
        """How it goes."""
        return self._meter.stats()

    def close(self) -> tuple[Event, ...]:
        """End all threads, and give the ends of the smiles that were open."""
        return ()

    def _count(self, frame: Frame) -> None:
        self._meter.result(self._clock(), frame.capture_time)


class ImageRun(StreamRun):
    """A picture: a frame without time."""

    def __init__(self, source: Source, read: Callable[[Frame, str], FrameResult]) -> None:
        """Prepare.

        Args:
            source: open.
            read: gives the result of a frame, from it and the source's name.
        """
        super().__init__(source)
        self._read = read

    def __iter__(self) -> Iterator[StreamItem]:
        for frame in self._source:
            if not isinstance(frame, Event):
                result = self._read(frame, self._source.ref.name)
                self._count(frame)
                yield frame, result


class OnlineRun(StreamRun):
    """A live source: each frame by itself and at once."""

    def __init__(self, source: Source, tracks: FaceTracks, finder: OnlineFaceFinder, read: FaceClassifier) -> None:
        """Prepare.

        Args:
            source: open, live.
            tracks: of this stream.
            finder: of this stream.
            read: reads faces.
        """
        super().__init__(source)
        self._tracks, self._finder, self._read = tracks, finder, read

    def __iter__(self) -> Iterator[StreamItem]:
        for frame in self._source:
            if isinstance(frame, Event):
                yield frame
                continue
            faces = self._finder(frame.grey)
            (smiles,) = self._read([(frame.grey, faces)])
            result = self._tracks.update(frame.number, frame.time or 0.0, faces, smiles)
            self._count(frame)
            yield frame, result

    def close(self) -> tuple[Event, ...]:
        """Give the ends of the smiles that were open."""
        return self._tracks.end()


class OfflineRun(StreamRun):
    """A film: decoding, finding and reading run beside each other, a stretch of frames at a time."""

    def __init__(self, source: Source, tracks: FaceTracks, finder: OfflineFaceFinder, read: FaceClassifier) -> None:
        """Prepare; the arguments are those of ``OnlineRun``."""
        super().__init__(source)
        self._tracks, self._finder, self._read = tracks, finder, read
        self._threads = ExitStack()

    def close(self) -> tuple[Event, ...]:
        """End the threads, and give the ends of the smiles that were open."""
        self._threads.close()
        return self._tracks.end()

    def __iter__(self) -> Iterator[StreamItem]:
        decoded = self._threads.enter_context(Prefetcher(self._source, DECODED_AHEAD, self._source.close))
        stretches = self._threads.enter_context(Prefetcher(self._found(decoded), STRETCHES_AHEAD))
        self._threads.callback(decoded.stop)  # before the other thread, which waits for it, is joined
        held: _Seen | None = None  # one frame is kept back, for the events of the end
        try:
            for stretch in stretches:
                for seen in self._look_at(stretch):
                    if held:
                        yield self._decide(held)
                    held = seen
        except SourceError:
            if held:
                yield self._decide(held)
            raise
        if held:
            frame, result = self._decide(held)
            yield frame, replace(result, events=(*result.events, *self._tracks.end()))

    def _look_at(self, stretch: Stretch) -> Iterator[_Seen]:
        """Read the faces of a stretch in one go."""
        smiles = self._read([(frame.grey, faces) for frame, faces in stretch])
        for (frame, faces), of_frame in zip(stretch, smiles, strict=True):
            yield frame, faces, of_frame

    def _decide(self, seen: _Seen) -> tuple[Frame, FrameResult]:
        frame, faces, smiles = seen
        result = self._tracks.update(frame.number, frame.time or 0.0, faces, smiles)
        self._count(frame)
        return frame, result

    def _found(self, frames: Iterable[Frame | Event]) -> Iterator[Stretch]:
        """Find the faces of the film, stretch by stretch; of a source that fails, also those of what it gave."""
        waiting: list[Frame] = []
        try:
            for frame in frames:
                if isinstance(frame, Event):
                    continue
                if waiting and frame.grey.shape != waiting[0].grey.shape:
                    yield self._find(waiting)
                    waiting = []
                waiting.append(frame)
                if self._is_full(waiting):
                    yield self._find(waiting)
                    waiting = []
        except SourceError:
            if waiting:
                yield self._find(waiting)
            raise
        if waiting:
            yield self._find(waiting)

    def _is_full(self, waiting: list[Frame]) -> bool:
        """Whether a stretch is to be searched now."""
        seconds = (waiting[-1].time or 0.0) - (waiting[0].time or 0.0)
        many_pixels = len(waiting) * waiting[0].grey.size >= STRETCH_PIXELS
        return many_pixels or self._finder.ends_stretch(len(waiting), seconds)

    def _find(self, frames: list[Frame]) -> Stretch:
        faces = self._finder([frame.grey for frame in frames], [frame.time or 0.0 for frame in frames])
        return list(zip(frames, faces, strict=True))
