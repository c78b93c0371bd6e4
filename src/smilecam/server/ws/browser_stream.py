"""``/v1/stream``: a browser sends frames of its camera, one at a time, and gets back what is seen in them."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

from starlette.websockets import WebSocket

from smilecam.errors import SmilecamError
from smilecam.pipeline.components import StreamSetup
from smilecam.pipeline.online_run import OnlineRun
from smilecam.server.decoding.header import ImageHeader
from smilecam.server.decoding.images import check_header
from smilecam.server.problems import Problem
from smilecam.server.scheduler import Lane
from smilecam.server.service import Service
from smilecam.server.stream_settings import Settings
from smilecam.server.ws.messages import (
    Channel,
    Closed,
    SentFrame,
    parse_frame,
    parse_text,
    refuse_program,
    result_message,
)
from smilecam.sources.frame import Frame
from smilecam.types import GreyImage

NAME = "camera"
"""Of every browser's camera, in results."""


async def stream(websocket: WebSocket) -> None:
    """Serve one browser until it leaves."""
    service: Service = websocket.app.state.service
    refuse_program(websocket, service)
    await websocket.accept()
    channel = Channel(websocket, service.limits)
    try:
        with service.session():
            await StreamSession(channel, service).run()
    except Problem as problem:
        service.metrics.refused.inc()
        await channel.refuse_and_close(problem)
    except Closed:
        pass


class StreamSession:
    """The stream of one browser's camera: the newest frame waits, an older one makes room and is counted."""

    def __init__(self, channel: Channel, service: Service) -> None:
        """Begin without a frame, with the settings that the server was started with."""
        self._channel, self._service = channel, service
        self._lane = Lane()
        self._settings = service.settings
        self._setup: tuple[Settings, StreamSetup] | None = None
        self._run: OnlineRun | None = None
        self._newest: SentFrame | None = None
        self._frame_ready = asyncio.Event()
        self._frames = self._dropped = 0
        self._sent_time = 0.0

    async def run(self) -> None:
        """Answer frames while messages come in."""
        answering = asyncio.create_task(self._answer())
        listening = asyncio.create_task(self._listen())
        try:
            done, _ = await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (answering, listening):
                task.cancel()
            await asyncio.gather(answering, listening, return_exceptions=True)
            if self._run is not None:
                self._run.close()

    async def _listen(self) -> None:
        async for message in self._channel.messages():
            try:
                if isinstance(message, bytes):
                    self._take(parse_frame(message, self._service.limits, time.monotonic()))
                else:
                    await self._obey(parse_text(message, self._service.limits))
            except Problem as problem:
                self._service.metrics.refused.inc()
                await self._channel.refuse(problem, _seq_of(message))

    def _take(self, frame: SentFrame) -> None:
        if self._newest is not None:
            self._dropped += 1
            self._service.metrics.dropped.inc()
        self._newest = frame
        self._frame_ready.set()

    async def _obey(self, content: dict[str, Any]) -> None:
        if content.pop("type") != "settings":
            raise Problem(400, "bad_message", "There is no such type of message here.")
        self._settings = self._service.models.changed(self._settings, content)
        await self._channel.send_json({"type": "settings", **self._service.models.in_force(self._settings)})

    async def _answer(self) -> None:
        while True:
            await self._frame_ready.wait()
            self._frame_ready.clear()
            sent, self._newest = self._newest, None
            if sent is None:
                continue
            try:
                header = check_header(sent.content, self._service.limits.pixels)
                run = partial(self._process, sent, header, self._settings)
                answer = await self._service.frames.run(self._lane, header.pixels, run)
            except Problem as problem:
                self._service.metrics.refused.inc()
                await self._channel.refuse(problem, sent.seq)
            except SmilecamError as error:  # a file that went away, for one
                self._service.report(error)
                await self._channel.refuse(Problem(500, "internal", "The server cannot do this now."), sent.seq)
            else:
                await self._send(sent, answer)

    async def _send(self, sent: SentFrame, answer: dict[str, Any]) -> None:
        seconds = time.monotonic() - sent.capture_time
        self._service.metrics.frames.inc()
        self._service.metrics.latency.observe(seconds)
        self._channel.good()
        await self._channel.send_json({**answer, "server_ms": round(1000 * seconds, 2), "dropped": self._dropped})

    def _process(self, sent: SentFrame, header: ImageHeader, settings: Settings) -> dict[str, Any]:
        """In a thread: from a compressed frame to its result. Never twice at a time."""
        grey = self._decode(sent.content, header)
        setup = self._setup_of(settings)
        if self._run is None:
            self._run = OnlineRun(NAME, setup)
        self._sent_time = max(sent.time, self._sent_time)
        item = self._run.process(Frame(self._frames, self._sent_time, grey, capture_time=sent.capture_time), setup)
        self._frames += 1
        return result_message(item, sent.seq)

    def _decode(self, content: bytes, header: ImageHeader) -> GreyImage:
        began = time.monotonic()
        try:
            return self._service.decode_frame.decode(content, header, grey=True)
        finally:
            if not header.simple:  # in a worker, and the thread only waited
                self._lane.charge(time.monotonic() - began)

    def _setup_of(self, settings: Settings) -> StreamSetup:
        if self._setup is None or self._setup[0] is not settings:
            self._setup = settings, self._service.models.setup(settings)
        return self._setup[1]


def _seq_of(message: str | bytes) -> int | None:
    return int.from_bytes(message[:4], "big") if isinstance(message, bytes) and len(message) >= 4 else None
