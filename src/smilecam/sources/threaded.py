"""Sources read by a thread of their own: what is live, and what may block."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from smilecam.errors import SourceError, SourceLost, SourceUnreadable
from smilecam.sources.base import STANDARD_INPUT, Clock, Counts, Kind, Source, SourceOptions, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.realtime import RealtimeClock
from smilecam.types import Event, EventKind

WAITING_FRAMES = 4
"""Frames that are prefetched from a source that gives every frame."""

WAITING_EVENTS = 64
"""If nobody takes the events, the oldest are dropped."""

POLL_SECONDS = 0.5
"""How long a consumer waits at once: it checks its time limits, and on Windows no signal interrupts a wait."""

GRACE_SECONDS = 1.0
"""Added to time limits, so that the library can detect first that they have passed."""

CLOSE_SECONDS = 1.0
"""How long closing waits for the thread; one that hangs in a library ends when its time limit has passed."""

STABLE_SECONDS = 10.0
"""A connection that lasted so long starts the pauses anew; a source that breaks off all the time has growing ones."""

LEAP_SECONDS = 5.0
"""A stream's clock that falls so far behind ours has been reset."""

STEP_SECONDS = 0.001
"""Minimum between two frames."""


class Backoff:
    """Pauses between attempts to reconnect: exponential backoff with jitter, from half a second to half a minute.

    The jitter keeps many viewers of one camera from reconnecting at the same moment.
    """

    def __init__(self, first: float = 0.5, longest: float = 30.0, chance: Callable[[], float] = random.random) -> None:
        """Start with the shortest.

        Args:
            first: seconds.
            longest: seconds.
            chance: gives random numbers from 0 to 1.
        """
        self._first, self._longest, self._chance = first, longest, chance
        self._attempts = 0

    def pause(self) -> float:
        """Seconds to wait now: from half to all of a limit that doubles with each attempt."""
        full = min(self._longest, self._first * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return full * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """Start again with the shortest."""
        self._attempts = 0


class Timeline:
    """One time axis over all connections of a live source: it only grows, also while the source is lost.

    Frames keep the intervals of their own timestamps, but none is later than its capture time: frames that piled up
    before the stream was opened come in one burst, and would put all later ones in the future.
    """

    def __init__(self) -> None:
        """Start with the first frame."""
        self._begin: float | None = None
        self._last = self._own = 0.0
        self._anchor: float | None = None

    def connect(self) -> None:
        """Start a new connection, with timestamps of its own."""
        self._anchor = None

    def now(self, clock: float) -> float:
        """Seconds since the first frame; 0 before it."""
        return 0.0 if self._begin is None else max(self._last, clock - self._begin)

    def stamp(self, own: float | None, capture_time: float) -> float:
        """Place a frame on the axis.

        Args:
            own: its own timestamp in seconds; None if it has none.
            capture_time: seconds on our clock when it arrived.

        Returns:
            Seconds since the first frame.
        """
        if self._begin is None:
            self._begin, self._last = capture_time, -STEP_SECONDS
        at = now = capture_time - self._begin
        if own is not None:
            if self._anchor is None or own <= self._own or not -LEAP_SECONDS < own + self._anchor - now <= 0:
                self._anchor = now - own
            at, self._own = own + self._anchor, own
        self._last = max(at, self._last + STEP_SECONDS)
        return self._last


class ThreadedSource(Source):
    """A source that a thread reads.

    If it is live, only the newest frame waits to be taken; older ones are dropped and counted. When it is lost, it is
    reopened after growing pauses; the iteration gives an event for both. If it is not live, as a file behind an address
    or on standard input, it gives every frame and ends.

    Only the thread reads the source. The consumer waits on a condition, which an interrupt ends.
    """

    def __init__(
        self,
        ref: SourceRef,
        connect: Callable[[], Source],
        options: SourceOptions,
        *,
        realtime: bool = False,
        open_here: bool = False,
        clock: Clock = time.monotonic,
        backoff: Backoff | None = None,
        pace: RealtimeClock | None = None,
    ) -> None:
        """Open the source.

        Args:
            ref: what it is opened from.
            connect: opens it, each time anew.
            options: time limits, and whether to reconnect.
            realtime: play recorded video in real time, as if it were live.
            open_here: open it first in the calling thread.
            clock: seconds.
            backoff: the pauses between attempts.
            pace: says when frames of recorded video are due; None for their own times from the first one on.

        Raises:
            SourceError: it cannot be opened.
        """
        self.ref, self.counts = ref, Counts()
        self.live, self.missing = True, 0
        self.fps: float | None = None
        self.expected: int | None = None
        self._connect, self._options, self._realtime, self._clock = connect, options, realtime, clock
        self._backoff, self._timeline = backoff or Backoff(), Timeline()
        self._pace = pace
        self._condition = threading.Condition()
        self._waiting: deque[Frame | Event] = deque()
        self._opened = self._ended = self._lost = self._reconnects = False
        self._error: Exception | None = None
        self._connected: Source | None = None
        self._last_frame = clock()
        self._stop = threading.Event()
        self._start(connect() if open_here else None)

    # What the consumer calls.

    def __iter__(self) -> Iterator[Frame | Event]:
        while (item := self._take()) is not None:
            yield item

    def close(self) -> None:
        """Stop reading, and end a wait for the next frame; see ``Source``."""
        with self._condition:
            first = not self._stop.is_set()
            self._stop.set()
            self._waiting.clear()
            self._condition.notify_all()
            connected = self._connected
        if connected is not None:
            connected.close()
        if first:
            self._thread.join(CLOSE_SECONDS)

    def _start(self, first: Source | None) -> None:
        name = f"smilecam {self.ref.name}"
        self._thread = threading.Thread(target=self._run, args=(first,), name=name, daemon=True)
        self._thread.start()
        try:
            self._await_opened()
        except BaseException:
            self.close()
            raise

    def _await_opened(self) -> None:
        # Standard input opens when its first bytes arrive.
        limited = self.ref.kind in (Kind.CAMERA, Kind.STREAM) and self.ref.url != STANDARD_INPUT
        deadline = self._clock() + self._options.open_timeout + GRACE_SECONDS
        with self._condition:
            while not (self._opened or self._ended):
                if limited and self._clock() > deadline:
                    raise SourceUnreadable(f"{self.ref.name} did not open within {self._options.open_timeout:g} s")
                self._condition.wait(POLL_SECONDS)
            if self._error is not None and not self._opened:
                raise self._error

    def _take(self) -> Frame | Event | None:
        with self._condition:
            while not self._waiting:
                if self._stop.is_set():
                    return None
                if self._ended:
                    if self._error is not None:
                        raise self._error
                    return None
                self._check_silence()
                if not self._waiting:
                    self._condition.wait(POLL_SECONDS)
            item = self._waiting.popleft()
            self._condition.notify_all()
            return item

    def _check_silence(self) -> None:
        """Detect by the clock a loss that a hanging thread cannot report."""
        if not self._reconnects:
            return
        silence = self._clock() - self._last_frame
        if not self._lost and silence > self._options.read_timeout + GRACE_SECONDS:
            if self.counts.received == 0:
                raise SourceUnreadable(f"{self.ref.name} gave no frame within {self._options.read_timeout:g} s")
            self._lose()
        elif self._lost and self._timed_out():
            raise self._loss()

    def _timed_out(self) -> bool:
        if not self._options.reconnect:
            return True
        limit = self._options.reconnect_timeout
        return limit is not None and self._clock() - self._last_frame > limit

    def _loss(self) -> SourceLost:
        return SourceLost(f"{self.ref.name} was lost and did not come back")

    # What the thread does.

    def _run(self, first: Source | None) -> None:
        error: Exception | None = None
        try:
            self._read(first)
        except Exception as caught:  # noqa: BLE001 - the thread's edge: the consumer raises it
            error = caught
        with self._condition:
            self._error, self._ended = error, True
            self._condition.notify_all()

    def _read(self, first: Source | None) -> None:
        source: Source | None = first or self._connect()
        if source is None:
            return
        self._adopt(source)
        while source is not None:
            connected, before = self._clock(), self.counts.received
            error = self._deliver(source)
            if self.counts.received > before and self._clock() - connected >= STABLE_SECONDS:
                self._backoff.reset()
            if self._stop.is_set():
                return
            if not self._reconnects or self.counts.received == 0:
                if error is not None:
                    raise error
                if self._reconnects:
                    raise SourceUnreadable(f"{self.ref.name} gave no frame")
                return
            with self._condition:
                self._lose()
            source = self._reconnect()

    def _adopt(self, source: Source) -> None:
        """Take over the properties of the source."""
        with self._condition:
            self.live = source.live or self._realtime
            self._reconnects = source.live
            self.fps, self.expected = source.fps, source.expected
            self._opened, self._last_frame = True, self._clock()
            self._condition.notify_all()

    def _deliver(self, source: Source) -> SourceError | None:
        """Pass frames on until the source ends, is lost, or is closed; return its error, if any."""
        corrupt, pace = self.counts.corrupt, self._pace or RealtimeClock(self._clock)
        self._timeline.connect()
        timed = (self._realtime and not source.live) or getattr(source, "in_bursts", False)
        try:
            with source:
                self._attach(source)
                for item in source:
                    if isinstance(item, Event) or self._stop.is_set():
                        break
                    if timed and item.time is not None:
                        item.capture_time = None
                        if not pace.wait(item.time, self._stop):
                            break
                    self._pass_on(item)
                    self.counts.corrupt = corrupt + source.counts.corrupt
        except SourceError as error:
            return error
        finally:
            self._connected = None
            self.missing = source.missing
            self.counts.corrupt = corrupt + source.counts.corrupt
        return None

    def _attach(self, source: Source) -> None:
        """Let ``close`` reach the source, also if it was called a moment ago."""
        with self._condition:
            self._connected = source
        if self._stop.is_set():
            source.close()

    def _pass_on(self, frame: Frame) -> None:
        with self._condition:
            if not self.live:
                self._condition.wait_for(lambda: len(self._waiting) < WAITING_FRAMES or self._stop.is_set())
            capture_time = self._clock() if frame.capture_time is None else frame.capture_time
            if self._lost:
                self._restore(capture_time)
            frame.number = self.counts.received
            if self.live:
                frame.capture_time = capture_time
                self._drop_older()
            if self._reconnects:
                frame.time = self._timeline.stamp(frame.time, capture_time)
            self.counts.received += 1
            self._last_frame = self._clock()
            if not self._stop.is_set():
                self._waiting.append(frame)
            self._condition.notify_all()

    def _drop_older(self) -> None:
        events = [item for item in self._waiting if isinstance(item, Event)]
        self.counts.dropped += len(self._waiting) - len(events)
        self._waiting = deque(events)

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._notify(EventKind.SOURCE_LOST, self._clock())

    def _restore(self, capture_time: float) -> None:
        self._lost = False
        self.counts.reconnects += 1
        self._notify(EventKind.SOURCE_RESTORED, capture_time)

    def _notify(self, kind: EventKind, at: float) -> None:
        if sum(isinstance(item, Event) for item in self._waiting) >= WAITING_EVENTS:
            self._waiting.remove(next(item for item in self._waiting if isinstance(item, Event)))
        self._waiting.append(Event(kind, self.ref.name, self._timeline.now(at)))
        self._condition.notify_all()

    def _reconnect(self) -> Source | None:
        """Reopen the source, however long it takes; None if this is closed meanwhile."""
        while True:
            if self._timed_out():
                raise self._loss()
            if self._stop.wait(self._backoff.pause()):
                return None
            try:
                return self._connect()
            except SourceError:
                continue
