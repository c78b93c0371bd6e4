"""What goes over WebSockets: reading it, bounded in size, rate and patience, and writing it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import struct
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from smilecam.pipeline.stream_item import StreamItem
from smilecam.server.problems import Problem
from smilecam.server.security.limits import Limits
from smilecam.server.service import Service

FRAME_HEAD = struct.Struct("!Id")
"""Before each compressed frame of a browser: its number, and when it was taken, in seconds of the browser's clock."""

LATEST = 1e9
"""Seconds: no clock of a browser shows more, and times stay exact to a microsecond."""

POLICY_VIOLATION, TOO_BIG, TRY_LATER, GOING_AWAY = 1008, 1009, 1013, 1001


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A frame as a browser sends it.

    Attributes:
        seq: the browser's number for it.
        time: seconds by the browser's clock.
        content: a compressed image.
        capture_time: our monotonic clock when it came.
    """

    seq: int
    time: float
    content: bytes
    capture_time: float


class Closed(Exception):
    """The connection is over."""


class Channel:
    """One WebSocket. Messages are written one at a time, and a client that does not take them is let go."""

    def __init__(self, websocket: WebSocket, limits: Limits) -> None:
        """Take over a connection that has been accepted."""
        self._websocket, self._limits = websocket, limits
        self._writing = asyncio.Lock()
        self._bad = 0

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Give what the client sends until it leaves, falls silent, or sends too much too fast."""
        second, count = 0, 0
        while True:
            try:
                message = await asyncio.wait_for(self._websocket.receive(), self._limits.idle_seconds)
            except TimeoutError:
                await self.close(GOING_AWAY, "idle")
                return
            if message["type"] == "websocket.disconnect":
                return
            now = int(time.monotonic())
            second, count = now, (count + 1 if now == second else 1)
            if count > self._limits.messages_per_second:
                await self.close(POLICY_VIOLATION, "too many messages")
                return
            content = message.get("text")
            yield message["bytes"] if content is None else content

    async def send(self, content: str | bytes) -> None:
        """Send a message.

        Raises:
            Closed: the client left, or does not take it.
        """
        kind = "text" if isinstance(content, str) else "bytes"
        try:
            async with asyncio.timeout(self._limits.send_seconds), self._writing:
                await self._websocket.send({"type": "websocket.send", kind: content})
        except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError) as error:
            raise Closed from error

    async def send_json(self, content: Mapping[str, Any]) -> None:
        """Send a message of text; raises as ``send`` does."""
        await self.send(as_json(content))

    async def refuse(self, problem: Problem, seq: int | None = None) -> None:
        """Tell the client that a message cannot be used; after many in a row the connection ends.

        Raises:
            Closed: it has ended.
        """
        content = {"type": "error", **problem.inner()}
        await self.send_json(content if seq is None else {**content, "seq": seq})
        self._bad += 1
        if self._bad >= self._limits.bad_messages:
            await self.close(POLICY_VIOLATION, "too many bad messages")
            raise Closed

    def good(self) -> None:
        """A message could be used."""
        self._bad = 0

    async def refuse_and_close(self, problem: Problem) -> None:
        """Say why there is no place for this connection, and end it."""
        try:
            await self.refuse(problem)
        except Closed:
            return
        await self.close(TRY_LATER, problem.code)

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection."""
        # It may be closed already.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
            await asyncio.wait_for(self._websocket.close(code, reason), 1.0)


def refuse_program(websocket: WebSocket, service: Service) -> None:
    """Refuse a program's WebSocket before it is opened, by status 503, where there is no place for it.

    Pages are refused after it is opened: a browser does not show its page the status of a handshake.

    Raises:
        Problem: there is no place for one more session.
    """
    if "origin" not in websocket.headers:
        service.check_capacity()


def as_json(content: Mapping[str, Any]) -> str:
    """Text without spaces that are not needed."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def result_message(item: StreamItem, seq: int) -> dict[str, Any]:
    """A frame's result as it goes over a WebSocket.

    Args:
        item: that holds a frame.
        seq: number that the answer bears.
    """
    height, width = (0, 0) if item.source_frame is None else item.source_frame.shape
    return {
        "type": "result",
        "seq": seq,
        "frame": item.frame,
        "time": None if item.time is None else round(item.time, 4),
        "faces": [face.as_dict() for face in item.faces],
        "events": [event.as_dict() for event in item.events],
        "width": width,
        "height": height,
    }


def parse_frame(message: bytes, limits: Limits, capture_time: float) -> SentFrame:
    """Read a browser's frame.

    Raises:
        Problem: it is too short, too long, or its time makes no sense.
    """
    if len(message) <= FRAME_HEAD.size:
        raise Problem(400, "bad_message", "A frame is 12 bytes of number and time, and then an image.")
    seq, seconds = FRAME_HEAD.unpack_from(message)
    if not (math.isfinite(seconds) and 0 <= seconds <= LATEST):
        raise Problem(400, "bad_message", "The frame's time is no number of seconds from 0 on.")
    if len(message) - FRAME_HEAD.size > limits.frame_bytes:
        raise Problem(413, "too_large", f"A frame is at most {limits.frame_bytes:,} bytes.")
    return SentFrame(seq, seconds, message[FRAME_HEAD.size :], capture_time)


def parse_text(message: str, limits: Limits) -> dict[str, Any]:
    """Read a message of text: a JSON object with a ``type``.

    Raises:
        Problem: it is something else.
    """
    content: object = None
    if len(message) <= limits.text_bytes:
        try:
            content = json.loads(message)
        except (ValueError, RecursionError):
            content = None
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        raise Problem(
            400, "bad_message", f"A message is a JSON object with a type, of {limits.text_bytes} bytes at most."
        )
    return content
