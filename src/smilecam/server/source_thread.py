"""The server's own source: one thread reads it for all viewers, and each viewer takes what it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from smilecam.errors import SourceError
from smilecam.opencv import cv2, reduced
from smilecam.pipeline.components import StreamSetup
from smilecam.pipeline.online_run import OnlineSourceRun
from smilecam.pipeline.run_sources import begun, deliver
from smilecam.pipeline.stream_item import StreamItem
from smilecam.server.playback import Playback
from smilecam.server.stream_settings import Models, Settings
from smilecam.server.ws.messages import result_message
from smilecam.sinks.base import Sink
from smilecam.sources.base import Source
from smilecam.types import Event, Image

LONGEST_SIDE = 1280
"""Viewers get images reduced to this; boxes are in pixels of the frame itself."""

STATS_SECONDS = 1.0
JOIN_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class BroadcastFrame:
    """One frame for viewers.

    Attributes:
        seq: counted from 1.
        head: the result as a message, without events.
        events: what the frame made certain.
        jpeg: the image; empty while nobody watches.
    """

    seq: int
    head: dict[str, Any]
    events: tuple[Event, ...]
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class SourceEnd:
    """The source has ended, by an error where ``failed`` is set."""

    failed: bool


@dataclass(frozen=True, slots=True)
class PlaybackChange:
    """A playback begins a section, or has ended."""


Broadcasted = BroadcastFrame | Event | SourceEnd | PlaybackChange
"""What a source thread publishes."""


class SourceThread:
    """Reads an open online source to its end, or a playback as long as the server lives.

    Attributes:
        source: that is read.
        settings: of the next frame; set it to change them.
        watched: whether anybody needs images.
        last_frame: monotonic clock when the last frame was processed, None before the first.
        has_sinks: whether something else than viewers takes the results.
    """

    def __init__(
        self, source: Source | Playback, models: Models, settings: Settings, sinks: Sequence[Sink] = ()
    ) -> None:
        """Prepare; nothing is read yet. ``sinks`` take the results too, and are closed at the end."""
        self.source, self.settings, self._sinks = source, settings, sinks
        self.has_sinks = bool(sinks)
        self.watched = False
        self.last_frame: float | None = None
        self._models = models
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._setup: tuple[Settings, StreamSetup] | None = None
        self._stats_due = 0.0
        self._seq = 0
        self._dropped = 0

    def start(self, publish: Callable[[Broadcasted], None], report: Callable[[Exception], None]) -> None:
        """Begin.

        Args:
            publish: called with everything that happens, in the source's thread.
            report: called with an error that nobody expected.
        """
        self._thread = threading.Thread(target=self._work, args=(publish, report), name="smilecam-source", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; the source itself is closed by whoever opened it."""
        self._stop.set()
        self.source.close()  # wakes up whoever waits for a frame
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)

    def _work(self, publish: Callable[[Broadcasted], None], report: Callable[[Exception], None]) -> None:
        failed = False
        try:
            self._read(publish, report)
        except Exception as error:  # noqa: BLE001 - the thread's edge: reported, and viewers are notified
            failed = True
            if not self._stop.is_set():
                report(error)
        if not self._stop.is_set():
            publish(SourceEnd(failed))

    def _read(self, publish: Callable[[Broadcasted], None], report: Callable[[Exception], None]) -> None:
        with ExitStack() as stack:
            for sink in self._sinks:
                stack.callback(sink.close)
            if isinstance(self.source, Playback):
                while self._play_section(self.source, publish, report):
                    publish(PlaybackChange())
            else:
                self._read_section(self.source, publish)

    def _play_section(
        self, playback: Playback, publish: Callable[[Broadcasted], None], report: Callable[[Exception], None]
    ) -> bool:
        """Play what is to be played next, and give whether more may follow."""
        section: Source | None = None
        try:
            section = playback.next_section()
            if section is None:
                return False
            publish(PlaybackChange())
            self._read_section(section, publish)
        except SourceError as error:  # it can be played again, up to there
            if not self._stop.is_set():
                report(error)
        finally:
            if section is not None:
                playback.end_section(section)
                self._dropped += section.counts.dropped
        return not self._stop.is_set()

    def _read_section(self, section: Source, publish: Callable[[Broadcasted], None]) -> None:
        newest: StreamItem | None = None
        with begun(self._sinks, section), OnlineSourceRun(section, self._current_setup) as run:
            for item in run:
                if self._stop.is_set():
                    return
                deliver(self._sinks, item)
                if item.result is None:
                    for event in item.events:
                        publish(event)
                    continue
                newest, self.last_frame = item, time.monotonic()
                publish(self._broadcast(item, run, section, with_image=self.watched))
            if newest is not None and not self.watched:
                publish(self._broadcast(newest, run, section, with_image=True))  # for whoever comes later

    def _current_setup(self) -> StreamSetup:
        settings = self.settings
        if self._setup is None or self._setup[0] is not settings:
            self._setup = settings, self._models.setup(settings)
        return self._setup[1]

    def _broadcast(
        self, item: StreamItem, run: OnlineSourceRun, section: Source, *, with_image: bool
    ) -> BroadcastFrame:
        self._seq += 1
        head = result_message(item, self._seq)
        del head["events"]
        frame = item.source_frame
        jpeg = encode_jpeg(frame.image, LONGEST_SIDE) if with_image and frame is not None else b""
        now = time.monotonic()
        captured = None if frame is None else frame.capture_time
        head["server_ms"] = None if captured is None else round(1000 * (now - captured), 2)
        head["dropped"] = self._dropped + section.counts.dropped
        if isinstance(self.source, Playback):
            head["section"] = self.source.section
        if now >= self._stats_due:
            head["figures"] = run.stats().as_dict()
            self._stats_due = now + STATS_SECONDS
        return BroadcastFrame(self._seq, head, item.events, jpeg)


def encode_jpeg(image: Image, longest: int, quality: int = 80) -> bytes:
    """A JPEG for viewers.

    Args:
        image: uint8 (height, width, 3) in BGR order, or (height, width).
        longest: the image is reduced to this many pixels on its longer side.
        quality: 1 to 100.
    """
    _, content = cv2.imencode(".jpg", reduced(image, longest), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return content.tobytes()
