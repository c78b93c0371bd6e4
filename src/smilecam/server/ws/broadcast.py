"""``/v1/watch``: viewers of the server's own source."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import Any

from starlette.websockets import WebSocket

from smilecam.server.playback import Playback, PlaybackState
from smilecam.server.problems import Problem
from smilecam.server.service import Service
from smilecam.server.source_thread import Broadcasted, BroadcastFrame, SourceEnd, SourceThread
from smilecam.server.ws.messages import LATEST, Channel, Closed, as_json, parse_text, refuse_program
from smilecam.types import Event

WAITING_EVENTS = 256
"""Of a viewer that is slow; the oldest make room."""

STALE_SECONDS = 10.0
"""A source without a frame for so long is not ready."""


class Broadcast:
    """Where viewers meet the source. Everything but ``SourceThread`` itself runs on the event loop."""

    def __init__(self, thread: SourceThread, service: Service) -> None:
        """Begin without viewers."""
        self.thread, self.service = thread, service
        self.newest: BroadcastFrame | None = None
        self.ended: SourceEnd | None = None
        self._viewers: set[Viewer] = set()
        self._dropped = 0

    def start(self) -> None:
        """Begin to read; to be called on the event loop."""
        loop = asyncio.get_running_loop()

        def publish(published: Broadcasted) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._take, published)

        self.thread.start(publish, self.service.report)
        self._set_watched()

    def describe(self) -> dict[str, Any]:
        """The source, for whoever asks."""
        source = self.thread.source
        content: dict[str, Any] = {"name": source.ref.name, "live": source.live}
        if isinstance(source, Playback):
            content |= {"duration": source.duration, "state": source.state.value}
        if self.ended or content.get("state") == PlaybackState.ENDED.value:
            content["ended"] = True
        return content

    def control(self, kind: str, time: object) -> None:
        """Play, pause or move through the source, for all viewers.

        Args:
            kind: of the message: "play", "pause" or "seek".
            time: to move to, in seconds.

        Raises:
            Problem: the source is live, or the time is no number of seconds.
        """
        source = self.thread.source
        if not isinstance(source, Playback):
            raise Problem(409, "not_recorded", "The source is live: it cannot be paused, and has no position.")
        if kind == "play":
            source.play()
        elif kind == "pause":
            source.pause()
        elif isinstance(time, int | float) and not isinstance(time, bool) and 0 <= time <= LATEST:
            source.seek(float(time))
        else:
            raise Problem(400, "bad_message", "The time is no number of seconds from 0 on.")
        self._notify_all({"type": "source", **self.describe()})

    def _notify_all(self, content: dict[str, Any]) -> None:
        for viewer in self._viewers:
            viewer.notify(content)

    @property
    def fresh(self) -> bool:
        """Whether a frame was read a moment ago; a recorded video may stand still."""
        if isinstance(self.thread.source, Playback):
            return self.ended is None
        return self.thread.last_frame is not None and time.monotonic() - self.thread.last_frame < STALE_SECONDS

    def enter(self, viewer: Viewer) -> None:
        """One more viewer."""
        self._viewers.add(viewer)
        self._set_watched()

    def leave(self, viewer: Viewer) -> None:
        """One viewer less."""
        self._viewers.discard(viewer)
        self._set_watched()

    def _set_watched(self) -> None:
        self.thread.watched = any(viewer.images for viewer in self._viewers)
        if isinstance(self.thread.source, Playback):
            self.thread.source.set_watched(bool(self._viewers) or self.thread.has_sinks)

    async def change(self, content: dict[str, Any]) -> None:
        """Take settings anew and tell every viewer, since the source is one for all.

        Raises:
            Problem: they make no sense.
        """
        self.thread.settings = self.service.models.changed(self.thread.settings, content)
        for viewer in self._viewers:
            viewer.notify(self.settings())

    def settings(self) -> dict[str, Any]:
        """The settings in force, as a message."""
        return {"type": "settings", **self.service.models.in_force(self.thread.settings)}

    def _take(self, published: Broadcasted) -> None:
        if isinstance(published, BroadcastFrame):
            self._count(published)
            if published.jpeg:
                self.newest = published
        elif isinstance(published, SourceEnd):
            self.ended = published
        for viewer in self._viewers:
            if isinstance(published, BroadcastFrame):
                viewer.show(published)
            elif isinstance(published, Event):
                viewer.notify(published.as_dict())
            else:
                viewer.notify({"type": "source", **self.describe()})

    def _count(self, frame: BroadcastFrame) -> None:
        metrics = self.service.metrics
        metrics.frames.inc()
        metrics.dropped.inc(max(0, frame.head["dropped"] - self._dropped))
        self._dropped = max(self._dropped, frame.head["dropped"])
        if frame.head["server_ms"] is not None:
            metrics.latency.observe(frame.head["server_ms"] / 1000)


class Viewer:
    """One viewer: a frame is sent when the one before has been acknowledged, and then the newest.

    Attributes:
        images: whether it gets images, or results alone.
    """

    def __init__(self, channel: Channel, broadcast: Broadcast, images: bool = True) -> None:
        """Begin with the newest frame there is."""
        self._channel, self._broadcast, self.images = channel, broadcast, images
        self._waiting: BroadcastFrame | None = broadcast.newest
        self._events: deque[Event] = deque(maxlen=WAITING_EVENTS)
        self._texts: deque[dict[str, Any]] = deque(maxlen=WAITING_EVENTS)
        self._changed = asyncio.Event()
        self._unacknowledged: int | None = None

    def show(self, frame: BroadcastFrame) -> None:
        """There is a newer frame."""
        self._events.extend(frame.events)
        if frame.jpeg or not self.images:
            self._waiting = frame
            self._changed.set()

    def notify(self, content: dict[str, Any]) -> None:
        """There is a message of text."""
        self._texts.append(content)
        self._changed.set()

    async def run(self) -> None:
        """Serve the viewer until it leaves."""
        self.notify({"type": "source", **self._broadcast.describe()})
        self.notify(self._broadcast.settings())
        sending, listening = asyncio.create_task(self._send()), asyncio.create_task(self._listen())
        self._broadcast.enter(self)
        try:
            done, _ = await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._broadcast.leave(self)
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._texts:
                await self._channel.send_json(self._texts.popleft())
            if self._unacknowledged is None and self._waiting is not None:
                frame, self._waiting = self._waiting, None
                self._unacknowledged = frame.seq
                events = [event.as_dict() for event in self._events]
                self._events.clear()
                head = as_json({**frame.head, "events": events}).encode()
                jpeg = frame.jpeg if self.images else b""
                await self._channel.send(len(head).to_bytes(4, "big") + head + jpeg)

    async def _listen(self) -> None:
        async for message in self._channel.messages():
            try:
                if isinstance(message, bytes):
                    raise Problem(400, "bad_message", "Viewers send messages of text only.")
                await self._obey(parse_text(message, self._broadcast.service.limits))
            except Problem as problem:
                self._broadcast.service.metrics.refused.inc()
                await self._channel.refuse(problem)

    async def _obey(self, content: dict[str, Any]) -> None:
        kind = content.pop("type")
        if kind == "ack":
            if content.get("seq") == self._unacknowledged:
                self._unacknowledged = None
                self._channel.good()
                self._changed.set()
        elif kind in ("play", "pause", "seek"):
            self._broadcast.control(kind, content.get("time"))
            self._channel.good()
        elif kind == "settings":
            await self._broadcast.change(content)
            self._channel.good()
        else:
            raise Problem(400, "bad_message", "There is no such type of message here.")


async def serve_viewer(websocket: WebSocket) -> None:
    """Serve one viewer until it leaves."""
    service: Service = websocket.app.state.service
    broadcast: Broadcast | None = websocket.app.state.broadcast
    if broadcast is None:
        raise Problem(404, "no_source", "This server was started without a source.")
    refuse_program(websocket, service)
    await websocket.accept()
    channel = Channel(websocket, service.limits)
    images = websocket.query_params.get("images") != "0"
    try:
        with service.session():
            await Viewer(channel, broadcast, images).run()
    except Problem as problem:
        service.metrics.refused.inc()
        await channel.refuse_and_close(problem)
    except Closed:
        pass
