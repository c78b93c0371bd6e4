"""A source being read from its first frame to its last: frames in, items out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Literal, NamedTuple, Self, overload

from smilecam.detection.motion import CUT_SIDE, CutDetector
from smilecam.errors import SourceError
from smilecam.pipeline.components import StreamSetup
from smilecam.pipeline.prefetch import Prefetcher
from smilecam.pipeline.sampling import FoundFrame, SmileSampler
from smilecam.pipeline.stages import Stage, Unmeasured
from smilecam.pipeline.stats import StatsMeter
from smilecam.pipeline.stream_item import StreamItem
from smilecam.results import FrameResult
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.tracking.offline import OfflineFaceFinder
from smilecam.tracking.offline_faces import OfflineFaceTracks
from smilecam.types import DetectedFace, Event, GreyPixels, StreamStats

PREFETCHED_FRAMES = 64
"""Frames decoded ahead: decoding goes on while faces are detected in the first frame, or in all of a later one."""

PREFETCHED_PIXELS = 20_000_000
"""Fewer are decoded ahead where they are large, as memory counts then: 9 frames of 1920x1080, of 3 MB each."""

PREFETCHED_WINDOWS = 3

WINDOW_PIXELS = 20_000_000
"""A window is not longer than this, since several are in memory: 10 frames of 1920x1080."""


class Window(NamedTuple):
    """Frames in a row with their faces.

    Attributes:
        cut: whether a new scene begins with the first of them.
    """

    frames: list[tuple[Frame, list[DetectedFace]]]
    cut: bool


class OnDemand(Sequence[GreyPixels]):
    """An image of each of several frames, made when it is taken."""

    def __init__(self, frames: Sequence[Frame], name: Literal["grey_pixels", "luma"]) -> None:
        """Keep the frames, and the name of the property that makes it."""
        self._frames, self._name = frames, name

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> GreyPixels: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[GreyPixels]: ...

    def __getitem__(self, index: int | slice) -> GreyPixels | Sequence[GreyPixels]:
        if isinstance(index, slice):
            return OnDemand(self._frames[index], self._name)
        image: GreyPixels = getattr(self._frames[index], self._name)
        return image


class SourceRun(ABC):
    """One source being read once: iterate it, and ``close`` it, whatever happened; or use it in a ``with`` block.

    The iteration gives every frame, every event between frames, and last the ends of the smiles that were open: also
    where the source fails, whose error is raised after them, and after ``stop``.
    """

    def __init__(self, source: Source) -> None:
        """Prepare; nothing is read yet."""
        self._source = source
        self._items: Iterator[StreamItem] | None = None
        self._ended = False
        self._failure: SourceError | None = None

    def __iter__(self) -> Iterator[StreamItem]:
        return self

    def __next__(self) -> StreamItem:
        """Give the next item.

        Raises:
            SourceError: the source failed.
        """
        if not self._ended and (item := self._next_item()) is not None:
            return item
        self._ended = True
        if (last := self._finish()) is not None:
            return last
        failure, self._failure = self._failure, None
        raise failure if failure is not None else StopIteration

    def _next_item(self) -> StreamItem | None:
        if self._items is None:
            self._items = self._process()
        try:
            return next(self._items, None)
        except SourceError as error:  # raised once the last events have been given
            self._failure = error
            return None

    def stop(self) -> None:
        """Read no further frame: the iteration goes on with the last events and ends. Other threads may call this."""
        self._ended = True

    def close(self) -> None:
        """End the run and all its threads."""
        self.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def stats(self) -> StreamStats:
        """Rates, latency and counts so far."""

    @abstractmethod
    def _process(self) -> Iterator[StreamItem]:
        """Give what the source gives, processed."""

    def _finish(self) -> StreamItem | None:
        """The ends of the smiles that are open, once."""
        return None


class _MeteredRun(SourceRun):
    """A run that measures itself."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(source)
        self._clock, self._meter = clock, StatsMeter(source.counts)

    def stats(self) -> StreamStats:
        """Rates, latency and counts so far."""
        return self._meter.stats()

    def _metered(self, frame: Frame, result: FrameResult) -> StreamItem:
        self._meter.result(self._clock(), frame.capture_time)
        return StreamItem.of_frame(frame, result)


class ImageRun(_MeteredRun):
    """An image: one frame without time."""

    def __init__(self, source: Source, detect: Callable[[Frame, str], FrameResult]) -> None:
        """Prepare.

        Args:
            source: open.
            detect: gives the result of a frame, from it and the source's name.
        """
        super().__init__(source)
        self._detect = detect

    def _process(self) -> Iterator[StreamItem]:
        for frame in self._source:
            if not isinstance(frame, Event):
                yield self._metered(frame, self._detect(frame, self._source.ref.name))


class OfflineRun(_MeteredRun):
    """A recorded video: decoding, detection and classification run beside each other, a window of frames at a time.

    Attributes:
        cuts: numbers of the frames with which a new scene began, so far.
    """

    def __init__(
        self,
        source: Source,
        setup: StreamSetup,
        finder: OfflineFaceFinder | None = None,
        *,
        keep_images: bool = True,
        threads: bool = True,
    ) -> None:
        """Prepare.

        Args:
            source: open, not live.
            setup: of all frames.
            finder: in place of the one that ``setup`` gives.
            keep_images: whether items still have the pixels of their frames, which wait in memory until then.
            threads: whether decoding and detection run beside the caller's thread; otherwise they run in it, for
                programs that keep every core busy by themselves.
        """
        super().__init__(source)
        self._tracks = OfflineFaceTracks(source.ref.name, setup.threshold, setup.decision)
        self._stages = setup.stages or Unmeasured()
        self._setup, self._given_finder = setup, finder
        self.cuts: set[int] = set()
        self._is_cut = CutDetector()
        classify_faces = setup.components.classify_faces
        self._sample = SmileSampler(classify_faces, setup.threshold, every_frame=setup.every_frame)
        self._keep_images = keep_images
        self._unsettled: deque[Frame] = deque()
        self._threads = ExitStack() if threads else None

    @cached_property
    def _finder(self) -> OfflineFaceFinder:
        """Made by the thread that uses it, while the first frames are decoded."""
        return self._given_finder or self._setup.components.offline_finder(self._setup.stages)

    def close(self) -> None:
        """End the run and its threads."""
        super().close()
        if self._threads is not None:
            self._threads.close()

    def _finish(self) -> StreamItem | None:
        events = self._tracks.end()
        return StreamItem.of_events(self._source.ref.name, *events) if events else None

    def _process(self) -> Iterator[StreamItem]:
        try:
            for window in self._windows():
                self._classify(window)
                yield from self._items_of(self._tracks.settled())
        except SourceError:
            yield from self._items_of(self._tracks.finish())
            raise
        yield from self._items_of(self._tracks.finish())

    def _windows(self) -> Iterable[Window]:
        if self._threads is None:
            return self._detected(self._stages.each(Stage.DECODE, self._source))
        self._source.share_cores()
        frames = self._stages.each(Stage.DECODE, self._source)
        decoded = self._threads.enter_context(
            Prefetcher(frames, PREFETCHED_FRAMES, self._source.close, _held_pixels, PREFETCHED_PIXELS)
        )
        windows = self._threads.enter_context(
            Prefetcher(self._detected(decoded), PREFETCHED_WINDOWS, weigh=_pixels_of_window, most=PREFETCHED_PIXELS)
        )
        self._threads.callback(decoded.stop)  # before the other thread, which waits for it, is joined
        return windows

    def _classify(self, window: Window) -> None:
        """Read the smiles of a window."""
        if window.cut:
            self._tracks.cut()
            self.cuts.add(window.frames[0][0].number)
        with self._stages.measure(Stage.STATES):
            found = [(frame, faces, self._tracks.associate(frame.time or 0.0, faces)) for frame, faces in window.frames]
        with self._stages.measure(Stage.READ):
            samples = self._sample([FoundFrame(frame, of.time, faces, of.tracks) for frame, faces, of in found])
        for (frame, faces, association), of_frame in zip(found, samples, strict=True):
            with self._stages.measure(Stage.STATES):
                self._tracks.add(frame.number, association, faces, of_frame)
            frame.release(keep_image=self._keep_images)
            self._unsettled.append(frame)

    def _items_of(self, results: Iterable[FrameResult]) -> Iterator[StreamItem]:
        for result in self._stages.each(Stage.STATES, results):
            self._stages.count()
            yield self._metered(self._unsettled.popleft(), result)

    def _detected(self, frames: Iterable[Frame | Event]) -> Iterator[Window]:
        """Find faces window by window; of a source that fails, also in the frames that it gave."""
        waiting: list[Frame] = []
        cut = False
        try:
            for frame in frames:
                if isinstance(frame, Event):
                    continue
                with self._stages.measure(Stage.CUT):
                    is_cut = self._is_cut(frame.sampled_luma(CUT_SIDE), frame.full_range)
                if is_cut:
                    if waiting:
                        yield self._find(waiting, cut)
                    waiting, cut = [], True
                waiting.append(frame)
                if self._is_full(waiting):
                    yield self._find(waiting, cut)
                    waiting, cut = [], False
        except SourceError:
            if waiting:
                yield self._find(waiting, cut)
            raise
        if waiting:
            yield self._find(waiting, cut)

    def _is_full(self, waiting: list[Frame]) -> bool:
        """Whether a window is to be searched now."""
        seconds = (waiting[-1].time or 0.0) - (waiting[0].time or 0.0)
        height, width = waiting[0].shape
        many_pixels = len(waiting) * height * width >= WINDOW_PIXELS
        return many_pixels or self._finder.ends_window(len(waiting), seconds)

    def _find(self, frames: list[Frame], cut: bool) -> Window:
        if cut:
            self._finder.reset()
        times = [frame.time or 0.0 for frame in frames]
        with self._stages.measure(Stage.FOLLOW):
            faces = self._finder(OnDemand(frames, "grey_pixels"), times, OnDemand(frames, "luma"))
        for frame in frames:
            frame.release_grey()  # while the window waits to be read
        return Window(list(zip(frames, faces, strict=True)), cut)


def _pixels_of_window(window: Window) -> int:
    return sum(frame.held_pixels for frame, _ in window.frames)


def _held_pixels(item: Frame | Event) -> int:
    return 0 if isinstance(item, Event) else item.held_pixels
