"""Bounds on connections: how many are open, and how long each may take to send a request's header."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smilecam.server.security.limits import Limits

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

ProtocolFactory = Callable[..., asyncio.Protocol]

_current: ContextVar[_Connection] = ContextVar("smilecam_connection")


class ConnectionBounds:
    """Bounds what uvicorn leaves unbounded.

    uvicorn's ``limit_concurrency`` refuses requests, so any number of connections may stay open without sending one,
    and its ``timeout_keep_alive`` ends with the first byte of a header, which may then take for ever. Therefore each of
    its protocol objects is wrapped in one that counts connections and starts a clock, and the ASGI application is
    wrapped too: when it is called, the header has arrived. Nothing of uvicorn is subclassed. The wrappers rely on
    ``Config.http_protocol_class`` being replaceable, on ``asyncio.Protocol``, and on asyncio running a task in the
    context of the code that creates it (``Config.reset_contextvars`` must be off).

    Another server would not remove this code: hypercorn bounds the time for a header, but not the number of
    connections, and has no place to add that.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an application.

        Args:
            app: answers requests.
            limits: ``connections`` and ``header_seconds`` are used.
        """
        self.limits = limits
        self.open: set[_Connection] = set()
        self._app = app

    def wrap(self, protocol: ProtocolFactory) -> ProtocolFactory:
        """Give a factory of bounded connections in place of one of a server's protocol objects."""

        def make(**options: Any) -> asyncio.Protocol:  # noqa: ANN401 - handed on as they are
            return _Connection(protocol(**options), self)

        return make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its connection may take as long as the application does."""
        connection = _current.get(None) if scope["type"] in ("http", "websocket") else None
        if connection is None:
            await self._app(scope, receive, send)
            return

        async def watched_send(message: Message) -> None:
            await send(message)
            connection.stay_in_place()  # the end of a response may start a pipelined request for a WebSocket

        connection.begin_request()
        try:
            await self._app(scope, receive, watched_send)
        finally:
            connection.end_request()


class _Connection(asyncio.Protocol):
    """One connection: passes everything on to the server's own protocol object, unless it is one too many.

    Its clock runs from the start to the first request, and from the end of each request to the next.
    """

    def __init__(self, protocol: asyncio.Protocol, bounds: ConnectionBounds) -> None:
        self._protocol, self._bounds = protocol, bounds
        self._transport: asyncio.Transport | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)
        if len(self._bounds.open) >= self._bounds.limits.connections:
            transport.write(REFUSAL)
            transport.close()
            return
        self._bounds.open.add(self)
        self._transport = transport
        self._start_clock()
        self._protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            _current.set(self)
            self._protocol.data_received(data)
            self.stay_in_place()

    def eof_received(self) -> bool | None:
        return None if self._transport is None else self._protocol.eof_received()

    def pause_writing(self) -> None:
        if self._transport is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        if self._transport is not None:
            self._bounds.open.discard(self)
            self._protocol.connection_lost(exc)

    def begin_request(self) -> None:
        self._requests += 1
        self._stop_clock()

    def end_request(self) -> None:
        self._requests -= 1
        if self._requests == 0:  # a pipelined request may have started
            self._start_clock()

    def stay_in_place(self) -> None:
        """Wrap the protocol object that a WebSocket's handshake has put in this one's place."""
        assert self._transport is not None  # noqa: S101 - only an admitted connection has requests
        protocol = self._transport.get_protocol()
        if protocol is not self:
            self._protocol = cast("asyncio.Protocol", protocol)
            self._transport.set_protocol(self)

    def _start_clock(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            loop = asyncio.get_running_loop()
            self._clock = loop.call_later(self._bounds.limits.header_seconds, self._transport.close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
