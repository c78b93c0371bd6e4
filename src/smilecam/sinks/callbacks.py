"""Results for a program's own functions, which may take their time: the stream never waits for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Event

OnFrame = Callable[[Frame, FrameResult], object]
OnEvent = Callable[[Event], object]

WAITING_EVENTS = 1000
"""Of a function that takes longer than events come, the oldest waiting ones are dropped."""

DRAIN_SECONDS = 2.0
"""So long closing waits for functions to take what is left, once the drain is limited."""


class Callbacks(Sink):
    """Calls functions in a thread of its own, from the first source on until it is closed.

    Of the frames only the newest waits to be taken, so a slow function sees fewer of them; events all wait, up to
    ``WAITING_EVENTS``. An exception of a function ends the stream: it is raised where the stream is read.

    Attributes:
        dropped_frames: frames that a newer one replaced before they were taken.
        dropped_events: events that gave way.
    """

    def __init__(self, on_frame: OnFrame | None = None, on_event: OnEvent | None = None) -> None:
        """Prepare; nothing runs yet.

        Args:
            on_frame: called with a frame and its result.
            on_event: called with each event.
        """
        self._on_frame, self._on_event = on_frame, on_event
        self._frame: tuple[Frame, FrameResult] | None = None
        self._events: deque[Event] = deque()
        self._condition = threading.Condition()
        self._closing = self._limited = self._finished = False
        self._failure: BaseException | None = None
        self.dropped_frames = self.dropped_events = 0
        self._thread = threading.Thread(target=self._run, name="smilecam-callbacks", daemon=True)

    def runs_here(self) -> bool:
        """Whether the caller is one of the functions."""
        return threading.current_thread() is self._thread

    def begin(self, source: Source) -> None:  # noqa: ARG002 - sinks are called alike
        """Start the thread, unless an earlier source has."""
        if self._thread.ident is None:
            self._thread.start()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Leave a frame for the function; raises what a function raised."""
        self.raise_failure()
        if self._on_frame is None:
            return
        with self._condition:
            self.dropped_frames += self._frame is not None
            self._frame = frame, result
            self._condition.notify()

    def event(self, event: Event) -> None:
        """Leave an event for the function; raises what a function raised."""
        self.raise_failure()
        if self._on_event is None:
            return
        with self._condition:
            if len(self._events) >= WAITING_EVENTS:
                self._events.popleft()
                self.dropped_events += 1
            self._events.append(event)
            self._condition.notify()

    def close(self) -> None:
        """Let the functions take what is left, however long that takes; raises what a function raised."""
        if self._thread.ident is None:
            return
        with self._condition:
            self._closing = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._finished or self._limited)
        self._thread.join(DRAIN_SECONDS)
        self.raise_failure()

    def limit_drain(self) -> None:
        """Have closing wait for ``DRAIN_SECONDS`` at most, also where it waits already; for any thread."""
        with self._condition:
            self._limited = True
            self._condition.notify_all()

    def raise_failure(self) -> None:
        """Raise what a function raised, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self) -> None:
        try:
            while self._deliver():
                pass
        except BaseException as error:  # noqa: BLE001 - a thread's edge: raised where the stream is read
            self._failure = error
        finally:
            with self._condition:
                self._finished = True
                self._condition.notify_all()

    def _deliver(self) -> bool:
        """Wait for something and call its function; False once nothing more comes."""
        with self._condition:
            while not (self._events or self._frame or self._closing):
                self._condition.wait()
            event = self._events.popleft() if self._events else None
            frame = None
            if event is None:
                frame, self._frame = self._frame, None
        if event is not None and self._on_event:
            self._on_event(event)
        if frame is not None and self._on_frame:
            self._on_frame(*frame)
        return event is not None or frame is not None
