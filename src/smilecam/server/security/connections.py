"""Bounds on connections: how many are open, and how long each may take to send a header and to take an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smilecam.server.security.access import is_loopback
from smilecam.server.security.limits import Limits

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

ProtocolFactory = Callable[..., asyncio.Protocol]

_current: ContextVar[_Connection] = ContextVar("smilecam_connection")


def trust_connection() -> None:
    """Note that the current request has shown the token: its connection is not given up for a newer one."""
    connection = _current.get(None)
    if connection is not None:
        connection.trusted = True


class ConnectionBounds:
    """Bounds what uvicorn leaves unbounded.

    uvicorn's ``limit_concurrency`` refuses requests, so any number of connections may stay open without sending one,
    and its ``timeout_keep_alive`` ends with the first byte of a header, which may then take for ever. Therefore each of
    its protocol objects is wrapped in one that counts connections and starts a clock, and the ASGI application is
    wrapped too: when it is called, the header has arrived. Nothing of uvicorn is subclassed. The wrappers rely on
    ``Config.http_protocol_class`` being replaceable, on ``asyncio.Protocol``, and on asyncio running a task in the
    context of the code that creates it (``Config.reset_contextvars`` must be off).

    Where all places are taken, the oldest connection that has not shown the token is given up for a new one, so that
    nobody can lock out those who know it. From one address of another machine there are fewer; all programs of this
    machine have one address, so there they are not counted by it.

    Another server would not remove this code: hypercorn bounds the time for a header, but not the number of
    connections, and has no place to add that.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an application.

        Args:
            app: answers requests.
            limits: on connections.
        """
        self.limits = limits
        self.open: dict[_Connection, None] = {}  # in order of age
        self._app = app

    def admit(self, connection: _Connection) -> bool:
        """Give a new connection a place, if need be an older one's; false where there is none for it."""
        if not is_loopback(connection.address):
            of_address = [other for other in self.open if other.address == connection.address]
            if len(of_address) >= self.limits.address_connections and not _give_up_one(of_address):
                return False
        if len(self.open) >= self.limits.connections and not _give_up_one(list(self.open)):
            return False
        self.open[connection] = None
        return True

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


def _give_up_one(connections: list[_Connection]) -> bool:
    """End the oldest connection that has not shown the token; false where there is none."""
    oldest = next((connection for connection in connections if not connection.trusted), None)
    if oldest is not None:
        oldest.give_up()
    return oldest is not None


class _Connection(asyncio.Protocol):
    """One connection: passes everything on to the server's own protocol object, unless it is one too many.

    One clock runs from the start to the first request, and from the end of each request to the next; another while
    the client does not take what is sent.

    Attributes:
        address: of the client.
        trusted: whether a request on it has shown the token.
    """

    def __init__(self, protocol: asyncio.Protocol, bounds: ConnectionBounds) -> None:
        self._protocol, self._bounds = protocol, bounds
        self._transport: asyncio.Transport | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._unread_clock: asyncio.TimerHandle | None = None
        self._requests = 0
        self.address, self.trusted = "", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self._bounds.admit(self):
            _refuse(transport)
            return
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
            loop, limit = asyncio.get_running_loop(), self._bounds.limits.unread_seconds
            self._unread_clock = loop.call_later(limit, self._transport.abort)
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._stop_unread_clock()
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self._stop_unread_clock()
        if self._transport is not None:
            self._bounds.open.pop(self, None)
            self._protocol.connection_lost(exc)

    def give_up(self) -> None:
        """End the connection, with a refusal where no answer is on its way."""
        self._bounds.open.pop(self, None)
        if self._transport is None or self._requests:
            if self._transport is not None:
                self._transport.abort()
            return
        _refuse(self._transport)

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
            self._clock = loop.call_later(self._bounds.limits.header_seconds, self._end_idle)

    def _end_idle(self) -> None:
        if self._transport is not None:
            unread = self._transport.get_write_buffer_size()  # of a client that takes nothing, for ever
            (self._transport.abort if unread else self._transport.close)()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_unread_clock(self) -> None:
        if self._unread_clock is not None:
            self._unread_clock.cancel()
            self._unread_clock = None


def _refuse(transport: asyncio.Transport) -> None:
    """Answer 503 and close; what the client does not take at once is dropped, since it may never do so."""
    transport.write(REFUSAL)
    if transport.get_write_buffer_size():
        transport.abort()
    else:
        transport.close()
