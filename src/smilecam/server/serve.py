"""The server's process: the socket, the protocol's own limits, the browser, and the end of it all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import ssl
import threading
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from smilecam.errors import SmilecamError, UsageProblem
from smilecam.server.app import make_app
from smilecam.server.security.access import Access, is_loopback
from smilecam.server.security.limits import Limits
from smilecam.server.service import open_service
from smilecam.server.stream_settings import Models, Settings
from smilecam.sources.base import Source

SHORTEST_TOKEN = 16
"""Characters of a token that others than this machine may try."""

GRACE_SECONDS = 1
"""Responses that are under way at the end may take so long."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve.

    Attributes:
        host: address or name to listen on.
        port: 0 for any that is free.
        token: the secret; None for a new one.
        names: further names under which the server may be asked.
        open_browser: whether to open the page.
        certfile: of TLS; None for none.
        keyfile: of TLS, where it is not in ``certfile``.
    """

    host: str = "127.0.0.1"
    port: int = 8470
    token: str | None = None
    names: tuple[str, ...] = ()
    open_browser: bool = True
    certfile: Path | None = None
    keyfile: Path | None = None

    def check(self) -> None:
        """Refuse what would be unsafe.

        Raises:
            UsageProblem: others than this machine could come in without a secret; or a key without a certificate.
        """
        if self.keyfile and not self.certfile:
            raise UsageProblem("--ssl-keyfile goes with --ssl-certfile")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token.strip()):
            raise UsageProblem("--token is made of letters, figures and signs of ASCII")
        if is_loopback(self.host):
            return
        if self.token is None:
            raise UsageProblem(f"--host {self.host} lets other machines in: it needs --token")
        if len(self.token) < SHORTEST_TOKEN:
            raise UsageProblem(f"--token has at least {SHORTEST_TOKEN} characters where other machines may come in")


def serve(
    models: Models,
    settings: Settings,
    options: ServeOptions,
    say: Callable[[str], None],
    complain: Callable[[str], None],
    source: Source | None = None,
    limits: Limits | None = None,
) -> None:
    """Serve until the process is asked to end; the interrupt that asks for it is passed on.

    Args:
        models: that are at hand.
        settings: where nobody asks for others.
        options: how to serve.
        say: told where the page is.
        complain: told in one line of errors that nobody expected.
        source: the server's own, open; None where browsers send the frames.
        limits: of everything.

    Raises:
        UsageProblem: the options would be unsafe.
        SmilecamError: the address cannot be listened on, or the certificate cannot be used.
    """
    options.check()
    token = options.token or secrets.token_urlsafe(24)

    def report(error: Exception) -> None:
        complain(str(error) if isinstance(error, SmilecamError) else f"internal error, {type(error).__name__}")

    with ExitStack() as stack:
        listener = stack.enter_context(_listen(options))
        service = stack.enter_context(open_service(models, settings, report, limits))
        app = make_app(service, Access(token, options.host, options.names), source)
        config = _config(app, options, service.limits)
        address = _address(options, listener, token)
        _Server(config, lambda: _announce(address, options, say)).run(sockets=[listener])


def _announce(address: str, options: ServeOptions, say: Callable[[str], None]) -> None:
    say(address)
    if options.open_browser:
        threading.Thread(target=_open_browser, args=(address,), name="smilecam-browser", daemon=True).start()


def _open_browser(address: str) -> None:
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(address)


def _listen(options: ServeOptions) -> socket.socket:
    try:
        (family, kind, protocol, _, place), *_ = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # on Windows this would let another process take the port over
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        reason = error.strerror or "it is no address of this machine"
        raise SmilecamError(f"cannot listen on {options.host} port {options.port}: {reason}") from error
    return listener


def _address(options: ServeOptions, listener: socket.socket, token: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104 - the names of all
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if options.certfile else "http"
    return f"{scheme}://{shown}:{listener.getsockname()[1]}/?token={token}"


def _config(app: Any, options: ServeOptions, limits: Limits) -> uvicorn.Config:  # noqa: ANN401 - any application
    for name in ("uvicorn.error", "uvicorn.access", "websockets.server", "python_multipart"):
        # They would print addresses with tokens and errors of strangers' making; we report in our own words.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        http=_protocol(limits),
        ws="websockets-sansio",
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,  # pictures do not get smaller, and a small message could become a large one
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=limits.connections,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=options.certfile,
        ssl_keyfile=options.keyfile,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SmilecamError("the certificate or its key cannot be read or do not belong together") from error
    return config


class _Server(uvicorn.Server):
    """Says when it can be reached."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._when_started()


def _protocol(limits: Limits) -> type[H11Protocol]:
    class Protocol(_BoundedProtocol):
        most, patience = limits.connections, limits.header_seconds

    return Protocol


class _BoundedProtocol(H11Protocol):
    """HTTP of a bounded number of connections, each with a bounded time to say what it wants.

    Uvicorn itself waits without end for a request's header.
    """

    most = 0
    patience = 0.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            transport.close()
            return
        self._wait_for_header()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is not self:  # it is a WebSocket now
            return
        if self._awaits_header():
            self._wait_for_header()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:  # noqa: ANN401 - of h11
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def _awaits_header(self) -> bool:
        """Whether part of a header is here: between requests it is the keep-alive time that counts."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_header(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.patience, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
