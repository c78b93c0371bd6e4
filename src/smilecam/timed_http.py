"""HTTP with a limit on the time of a whole answer.

That of ``urllib`` is one on silence: a server that sends a byte now and then, or ``100 Continue`` without end, would
hold a request for ever.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from typing import Any


class TimedOpener:
    """Opens addresses of http and https, one at a time; what follows the head of an answer is not read here."""

    def __init__(self, context: ssl.SSLContext, *handlers: urllib.request.BaseHandler) -> None:
        """Prepare.

        Args:
            context: how certificates are verified.
            handlers: further ones for ``urllib.request``.
        """
        self._held: list[socket.socket] = []
        self._expired = threading.Event()
        self._opener = urllib.request.build_opener(
            _PlainHandler(self._hold), _TlsHandler(self._hold, context), *handlers
        )

    def open(self, request: urllib.request.Request, silence: float, seconds: float) -> Any:  # noqa: ANN401 - as of urllib
        """Send a request and give its answer, to be closed by the caller.

        Args:
            request: of http or https.
            silence: seconds that the server may send nothing.
            seconds: until it must have answered.

        Raises:
            urllib.error.HTTPError: the answer is an error.
            TimeoutError: it did not answer in time.
            OSError: it cannot be reached, or is not trusted.
            HTTPException: it does not speak HTTP.
        """
        self._expired.clear()
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return self._opener.open(request, timeout=silence)
        except (OSError, HTTPException):
            if not self._expired.is_set():
                raise
        finally:
            timer.cancel()
            timer.join()
            while self._held:
                self._held.pop().close()
        raise TimeoutError("no answer in time")  # here, without the first error, whose frames hold the connection open

    def _hold(self, connection: _Connection) -> None:
        self._held.append(connection.sock.dup())
        connection.response_class = partial(_Response, self._expired)  # type: ignore[assignment]

    def _cut(self) -> None:
        self._expired.set()
        for held in list(self._held):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)


class _Response(http.client.HTTPResponse):
    """Ends where it is too late, also between answers that say to continue; a closed socket may have more to read."""

    def __init__(self, expired: threading.Event, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **options)
        self._expired = expired

    def _read_status(self) -> tuple[str, int, str]:
        if self._expired.is_set():
            raise TimeoutError
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        return status


class _Connection(http.client.HTTPConnection):
    """Tells that it is open, before TLS takes its socket over: a second handle of that stays valid."""

    hold: Callable[[_Connection], None]

    def connect(self) -> None:
        super().connect()
        self.hold(self)


class _TlsConnection(http.client.HTTPSConnection, _Connection):
    """The same with TLS."""


def _maker(kind: type[_Connection], hold: Callable[[_Connection], None]) -> Callable[..., _Connection]:
    def make(host: str, **options: Any) -> _Connection:  # noqa: ANN401 - handed on as they are
        connection = kind(host, **options)
        connection.hold = hold
        return connection

    return make


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, hold: Callable[[_Connection], None]) -> None:
        super().__init__()
        self._make = _maker(_Connection, hold)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make, req)


class _TlsHandler(urllib.request.HTTPSHandler):
    def __init__(self, hold: Callable[[_Connection], None], context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._make, self._trust = _maker(_TlsConnection, hold), context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make, req, context=self._trust)
