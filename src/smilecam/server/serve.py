"""Runs the server: opens the socket, configures uvicorn, opens the browser, and reports a failed start."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote

import uvicorn
from starlette.types import ASGIApp

from smilecam.errors import SmilecamError, UsageProblem
from smilecam.server.app import make_app
from smilecam.server.browser import open_page
from smilecam.server.playback import Playback
from smilecam.server.security.access import Access, is_loopback
from smilecam.server.security.connections import ConnectionBounds
from smilecam.server.security.limits import Limits
from smilecam.server.service import open_service
from smilecam.server.stream_settings import Models, Settings
from smilecam.sinks.base import Sink
from smilecam.sources.base import Source

SHORTEST_TOKEN = 16
"""Characters of a token that other machines may guess at."""

GRACE_SECONDS = 1
"""Time to complete open responses at shutdown."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve.

    Attributes:
        host: address or name to listen on.
        port: 0 for any free one.
        token: the secret; None for a new one.
        names: further host names to answer to.
        open_browser: whether to open the page.
        certfile: for TLS; None for plain HTTP.
        keyfile: for TLS, unless ``certfile`` holds the key.
    """

    host: str = "127.0.0.1"
    port: int = 8470
    token: str | None = None
    names: tuple[str, ...] = ()
    open_browser: bool = True
    certfile: Path | None = None
    keyfile: Path | None = None

    def check(self) -> None:
        """Refuse unsafe options.

        Raises:
            UsageProblem: other machines could connect without a secret, or there is a key without a certificate.
        """
        if self.keyfile and not self.certfile:
            raise UsageProblem("--ssl-keyfile needs --ssl-certfile")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token.strip()):
            raise UsageProblem("--token must consist of printable ASCII characters")
        if is_loopback(self.host):
            return
        if self.token is None:
            raise UsageProblem(f"--host {self.host} accepts connections from other machines: it needs --token")
        if len(self.token) < SHORTEST_TOKEN:
            raise UsageProblem(f"--token needs at least {SHORTEST_TOKEN} characters where other machines may connect")


def serve(
    models: Models,
    settings: Settings,
    options: ServeOptions,
    announce: Callable[[str], None],
    warn: Callable[[str], None],
    source: Source | Playback | None = None,
    limits: Limits | None = None,
    sinks: Sequence[Sink] = (),
) -> None:
    """Serve until the process is interrupted; the interrupt is passed on.

    Args:
        models: available models.
        settings: defaults for requests and streams.
        options: how to serve.
        announce: called with the page's address once the server can be reached.
        warn: called with one line for each unexpected error.
        source: the server's own, open; None where browsers send the frames.
        limits: for everything that comes from outside.
        sinks: further takers of the results of ``source``.

    Raises:
        UsageProblem: the options are unsafe.
        SmilecamError: the address cannot be listened on, the certificate cannot be used, or a model cannot be loaded.
        Exception: whatever else went wrong while the server started.
    """
    options.check()
    token = options.token or secrets.token_urlsafe(24)

    def report(error: Exception) -> None:
        warn(str(error) if isinstance(error, SmilecamError) else f"internal error, {type(error).__name__}")

    with ExitStack() as stack:
        service = stack.enter_context(open_service(models, settings, report, limits))
        listener = stack.enter_context(_listen(options, service.limits.connections))
        address = _address(options, listener, token)
        access = Access(token, options.host, options.names)

        def started() -> None:
            announce(address)
            if options.open_browser:
                open_page(address, service.folder)

        app = make_app(service, access, source, started, sinks)
        server = uvicorn.Server(_config(app, options, service.limits))
        try:
            server.run(sockets=[listener])
            # uvicorn raises the signal again that ended it, which is lost where whoever started this ignores it.
            raise KeyboardInterrupt
        except SystemExit:  # uvicorn ends a failed start so, with the cause only in its log
            if service.startup_error is None:
                raise
            raise service.startup_error from None


def _listen(options: ServeOptions, backlog: int) -> socket.socket:
    """A socket that listens: connections wait in it while the models are loaded."""
    try:
        (family, kind, protocol, _, place), *_ = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # on Windows this would let another process take the port over
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(backlog)
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
    return f"{scheme}://{shown}:{listener.getsockname()[1]}/?token={quote(token, safe='')}"


def _config(app: ASGIApp, options: ServeOptions, limits: Limits) -> uvicorn.Config:
    for name in ("uvicorn.error", "uvicorn.access", "websockets.server", "python_multipart"):
        # They would print addresses with tokens and errors that clients provoke; the service reports its own.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    bounds = ConnectionBounds(app, limits)
    config = uvicorn.Config(
        bounds,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,  # images would not shrink, and a small message could become a large one
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=limits.connections,
        timeout_keep_alive=math.ceil(limits.header_seconds),  # idle or sending a header: one bound for both
        reset_contextvars=False,  # ConnectionBounds needs the context
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=options.certfile,
        ssl_keyfile=options.keyfile,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SmilecamError("the certificate or its key cannot be read or do not belong together") from error
    config.http_protocol_class = cast("type[asyncio.Protocol]", bounds.wrap(config.http_protocol_class))
    return config
