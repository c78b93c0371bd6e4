"""A recorded video that all viewers of the server watch together: it can be paused, moved through and played again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Self

from smilecam.sources.base import Counts, Source, SourceOptions, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.realtime import RealtimeClock
from smilecam.sources.threaded import ThreadedSource
from smilecam.types import Event

NEARLY = 0.001
"""Seconds: a frame that is so little before the position is the one that is meant."""


REPEATS = 10
REPEAT_SECONDS = 0.12
REPEAT_STEP = 0.001
"""The first frame of a section that stands still is given so many times more, so often, and with times that grow by so
much: faces are detected beside the stream, and are in its later frames only."""


class PlaybackState(Enum):
    """What a playback does; it also stands still while nobody watches."""

    WAITING = "waiting"
    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"


class Playback:
    """Plays a recorded video in sections: each begins where somebody moved to, and is a live source of its own.

    One thread takes the sections. Any thread may control it; no call waits for the video.

    Attributes:
        ref: of the video.
        duration: in seconds; None if the file does not say.
        section: number of the section that is played, from 1.
    """

    live = False

    def __init__(self, ref: SourceRef, open_video: Callable[[], Source]) -> None:
        """Open the video, which begins to play with the first viewer.

        Args:
            ref: of the video.
            open_video: opens it anew, each time from its beginning.

        Raises:
            SourceError: it cannot be opened.
        """
        self.ref, self._open = ref, open_video
        first = open_video()
        self._first: Source | None = first
        self.duration = _duration(first)
        self.section = 0
        self._clock = RealtimeClock()
        self._changed = threading.Condition()
        self._wanted: float | None = 0.0
        self._watched = self._paused = self._begun = self._ended = self._closed = False
        self._playing: Source | None = None

    @property
    def state(self) -> PlaybackState:
        """What it does."""
        if not self._begun:
            return PlaybackState.WAITING
        if self._ended and self._wanted is None:
            return PlaybackState.ENDED
        return PlaybackState.PAUSED if self._paused else PlaybackState.PLAYING

    def set_watched(self, watched: bool) -> None:
        """Begin with the first viewer, or whatever else takes the results; stand still while there is none."""
        with self._changed:
            self._watched = watched
            self._begun = self._begun or watched
            self._apply()

    def play(self) -> None:
        """Go on, or begin again after the end."""
        with self._changed:
            self._paused = False
            if self._ended and self._wanted is None:
                self._wanted = 0.0
            self._apply()

    def pause(self) -> None:
        """Stand still."""
        with self._changed:
            self._paused = True
            self._apply()

    def seek(self, time: float) -> None:
        """Move to a position; of several in a row the last one counts.

        Args:
            time: seconds; what lies behind the end is the end.
        """
        with self._changed:
            self._wanted = max(0.0, time if self.duration is None else min(time, self.duration))
            self._apply()
            _close_elsewhere(self._playing)

    def close(self) -> None:
        """End: the section that is played, and the wait for the next one."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            playing, first = self._playing, self._first
        for source in (playing, first):
            if source is not None:
                source.close()

    def next_section(self) -> Source | None:
        """Wait until something is to be played, and give it; None after ``close``. ``end_section`` follows.

        Raises:
            SourceError: the video cannot be opened any more. It has ended then.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (self._begun and self._wanted is not None))
            start, self._wanted = self._wanted, None
            if self._closed or start is None:
                return None
            self._ended = False
        try:
            return self._begin(start)
        except BaseException:
            self._ended = True
            raise

    def end_section(self, section: Source) -> None:
        """Close a section that was read to its end, or that somebody moved away from."""
        section.close()
        with self._changed:
            self._playing, self._ended = None, True

    def __enter__(self) -> Self:
        """The playback itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _apply(self) -> None:
        self._clock.pause(paused=self._paused or not self._watched)
        self._changed.notify_all()

    def _begin(self, start: float) -> Source:
        def connect() -> Source:
            with self._changed:
                opened, self._first = self._first, None
            source = opened or self._open()
            return _Section(source, start, self._clock)

        self._clock.restart()
        options = SourceOptions(realtime=True)
        section = ThreadedSource(self.ref, connect, options, realtime=True, open_here=True, pace=self._clock)
        with self._changed:
            self._playing = section
            self.section += 1
            if self._closed or self._wanted is not None:
                _close_elsewhere(section)
        return section


class _Section(Source):
    """A recorded video from a position on; its first frame comes repeatedly while it stands still."""

    def __init__(self, source: Source, start: float, clock: RealtimeClock) -> None:
        self.ref, self.live, self.fps, self.expected = source.ref, source.live, source.fps, source.expected
        self._source, self._start, self._clock = source, start, clock
        self._stop = threading.Event()
        begin_at = getattr(source, "begin_at", None)
        if begin_at is not None and start > 0:
            begin_at(start)

    @property
    def counts(self) -> Counts:  # type: ignore[override]
        return self._source.counts

    @property
    def missing(self) -> int:  # type: ignore[override]
        return 0

    def __iter__(self) -> Iterator[Frame | Event]:
        frames = self._frames()
        first = next(frames, None)
        if first is None:
            return
        if not isinstance(first, Event) and first.time is not None:
            image = first.image  # made here: two threads would make it at a time
            for repeat in range(1 + REPEATS):
                yield Frame(first.number, first.time + repeat * REPEAT_STEP, image)
                if not self._clock.paused or self._stop.wait(REPEAT_SECONDS):
                    break
        else:
            yield first
        yield from frames

    def _frames(self) -> Iterator[Frame | Event]:
        last: Frame | None = None
        for item in self._source:
            if not isinstance(item, Event) and item.time is not None and item.time < self._start - NEARLY:
                last = item
                continue
            last = None
            yield item
        if last is not None:  # the position is behind the last frame
            yield last

    def close(self) -> None:
        self._stop.set()
        self._source.close()


def _duration(source: Source) -> float | None:
    known: float | None = getattr(source, "duration", None)
    if known is None and source.expected and source.fps:
        known = source.expected / source.fps
    return known


def _close_elsewhere(source: Source | None) -> None:
    """Close a source without waiting for its thread."""
    if source is not None:
        threading.Thread(target=source.close, name="smilecam-stop", daemon=True).start()
