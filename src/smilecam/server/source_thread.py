"""The server's own source: one thread reads it for all viewers, and each viewer takes what it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smilecam.errors import SmilecamError
from smilecam.pipeline.stats import StatsMeter
from smilecam.server.follow import Follower
from smilecam.server.http.images import encode_jpeg
from smilecam.server.stream_settings import Models, Settings
from smilecam.server.ws.browser_stream import result_fields
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Event, FrameResult, Image

LONGEST_SIDE = 1280
"""Viewers get pictures reduced to this; boxes are in pixels of the frame itself."""

STATS_SECONDS = 1.0
JOIN_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame for viewers.

    Attributes:
        seq: counted from 1.
        head: the result as plain values, without events.
        events: what the frame made sure.
        jpeg: the picture; empty while nobody watches.
    """

    seq: int
    head: dict[str, Any]
    events: tuple[Event, ...]
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The source has ended; ``failed`` says that it was an error's doing."""

    failed: bool


News = Shown | Event | Ended


class SourceThread:
    """Reads an open source to its end.

    Attributes:
        source: that is read.
        settings: of the next frame; set it to change them.
        watched: whether anybody needs pictures.
        last: our monotonic clock when the last frame was read, None before the first.
    """

    def __init__(self, source: Source, models: Models, settings: Settings) -> None:
        """Prepare; nothing is read yet."""
        self.source, self.settings = source, settings
        self.watched = False
        self.last: float | None = None
        self._models = models
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._meter = StatsMeter(source.counts)
        self._stats_due = 0.0
        self._begun: float | None = None
        self._seq = 0

    def start(self, publish: Callable[[News], None], report: Callable[[Exception], None]) -> None:
        """Begin.

        Args:
            publish: told of everything, in the source's thread.
            report: told of an error that nobody expected.
        """
        self._thread = threading.Thread(target=self._run, args=(publish, report), name="smilecam-source", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; the source itself is closed by whoever opened it."""
        self._stop.set()
        self.source.__exit__(None, None, None)  # wakes up whoever waits for a frame
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)

    def _run(self, publish: Callable[[News], None], report: Callable[[Exception], None]) -> None:
        failed = False
        try:
            self._read(publish)
        except Exception as error:  # noqa: BLE001 - the thread's edge: reported, and viewers are told
            failed = True
            if not self._stop.is_set():
                report(error)
        if not self._stop.is_set():
            publish(Ended(failed))

    def _read(self, publish: Callable[[News], None]) -> None:
        follower: Follower | None = None
        newest: tuple[Frame, FrameResult] | None = None
        for item in self.source:
            if isinstance(item, Event):
                publish(item)
                continue
            if self._waited_for(item):
                return
            settings = self.settings
            follower = follower or Follower(self.source.ref.name, self._models, settings)
            newest = item, follower.read(item, settings)
            self.last = time.monotonic()
            self._meter.result(self.last, item.capture_time)
            publish(self._shown(*newest, pictured=self.watched))
        if follower and newest:
            for event in follower.end():
                publish(event)
            if not self.watched:
                publish(self._shown(*newest, pictured=True))  # for whoever comes later

    def _waited_for(self, frame: Frame) -> bool:
        """Wait until the frame's moment, where the source does not; True when it is time to end."""
        if self.source.live or frame.time is None:
            return self._stop.is_set()
        now = time.monotonic()
        self._begun = now - frame.time if self._begun is None else self._begun
        return self._stop.wait(max(0.0, self._begun + frame.time - now))

    def _shown(self, frame: Frame, result: FrameResult, *, pictured: bool) -> Shown:
        self._seq += 1
        fields = result_fields(result)
        del fields["events"]
        height, width = frame.grey.shape[:2]
        head = {"type": "result", "seq": self._seq, **fields, "width": width, "height": height}
        jpeg = _jpeg(frame) if pictured else b""
        now = time.monotonic()
        head["server_ms"] = None if frame.capture_time is None else round(1000 * (now - frame.capture_time), 2)
        head["dropped"] = self.source.counts.dropped
        if now >= self._stats_due:
            head["figures"] = self._meter.stats().as_dict()
            self._stats_due = now + STATS_SECONDS
        return Shown(self._seq, head, result.events, jpeg)


def _jpeg(frame: Frame) -> bytes:
    image: Image = frame.image
    return encode_jpeg(image, LONGEST_SIDE)


def describe_failure(error: Exception) -> str:
    """One sentence for the terminal."""
    return str(error) if isinstance(error, SmilecamError) else f"internal error, {type(error).__name__}"
