"""The outermost layer: access control, limits on bodies, security headers, and error responses."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smilecam.server.metrics import Metrics
from smilecam.server.problems import Problem, internal_error
from smilecam.server.security.access import PAGE_PATHS, Access
from smilecam.server.security.connections import trust_connection
from smilecam.server.security.limits import Limits
from smilecam.server.security.strangers import Strangers
from smilecam.server.security.token_page import MAX_FORM_BYTES, token_page, wants_page

SMALL_BODY = 64 * 1024
"""Bytes allowed in a request that uploads nothing."""

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)

SECURITY_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Admits requests, and turns every error into a well-formed response."""

    def __init__(
        self, app: ASGIApp, access: Access, limits: Limits, metrics: Metrics, report: Callable[[Exception], None]
    ) -> None:
        """Wrap an application.

        Args:
            app: answers admitted requests.
            access: decides which requests are admitted.
            limits: on the size of bodies and the time they take.
            metrics: count refused requests.
            report: called with each unexpected error.
        """
        self._app, self._access, self._limits = app, access, limits
        self._metrics, self._report = metrics, report
        self._strangers = Strangers(limits.open_requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        response = _Response(scope, send)
        try:
            await self._admit(scope)
            body = self._limited(scope, receive) if scope["type"] == "http" else receive
            await self._app(scope, body, response.send)
        except Problem as problem:
            self._metrics.refused.inc()
            await response.refuse(problem)
        except (ClientDisconnect, ConnectionError):
            pass  # the client is gone
        except Exception as error:  # noqa: BLE001 - the outermost function: reported here, and never shown to the client
            self._report(error)
            await response.refuse(internal_error())

    async def _admit(self, scope: Scope) -> None:
        request = HTTPConnection(scope)
        trusted = False
        try:
            at_page = scope["type"] == "http" and scope["path"] in PAGE_PATHS
            if at_page and scope["path"] == "/" and scope["method"] == "POST":
                self._access.check_entry(request.headers)  # the handlers of the pages check the token
            elif at_page and scope["method"] in ("GET", "HEAD") and "token" in request.query_params:
                self._access.check_host(request.headers)
            else:
                trusted = self._access.check(request)
        finally:
            if trusted:
                trust_connection()
            else:  # before it is answered or refused, so that nobody can guess fast either
                await self._strangers.wait()
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length[:18]) > self._max_bytes(scope):
            raise too_large(self._max_bytes(scope))

    def _max_bytes(self, scope: Scope) -> int:
        uploads = {
            "/": MAX_FORM_BYTES,
            "/v1/videos": self._limits.upload_bytes,
            "/v1/detect": self._limits.images_bytes,
        }
        return uploads.get(scope["path"], SMALL_BODY)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Receive the request's body, bounded in size and time."""
        max_bytes, received, complete = self._max_bytes(scope), 0, False
        loop = asyncio.get_running_loop()
        started = loop.time()

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            due = min(self._limits.upload_seconds, self._limits.slow_seconds + received / self._limits.body_rate)
            timeout = min(self._limits.body_seconds, started + due - loop.time())
            try:
                message = await asyncio.wait_for(receive(), max(0.001, timeout))
            except TimeoutError:
                raise Problem(408, "too_slow", "The request did not arrive in time.") from None
            complete = message["type"] != "http.request" or not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > max_bytes:
                raise too_large(max_bytes)
            return message

        return limited


def too_large(max_bytes: int) -> Problem:
    """A request over the size limit."""
    return Problem(413, "too_large", f"The request is larger than {max_bytes:,} bytes.")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


class _Response:
    """Sends a response with the security headers, and knows whether it has started."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._started = False

    async def send(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self._started = True
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        elif message["type"] in ("websocket.accept", "websocket.close"):
            self._started = True
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Send an error response; where a response has already started, just close."""
        if self._started:
            if self._scope["type"] == "websocket":
                await self._close()
            return
        if problem.status == 401 and wants_page(self._scope):
            await token_page(problem)(self._scope, _nothing, self.send)
            return
        prefix = "websocket.http.response" if self._scope["type"] == "websocket" else "http.response"
        content = json.dumps(problem.as_dict()).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        headers.append((b"connection", b"close"))
        if problem.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if problem.status in (429, 503):
            headers.append((b"retry-after", b"5"))
        await self.send({"type": f"{prefix}.start", "status": problem.status, "headers": headers})
        body = b"" if self._scope.get("method") == "HEAD" else content
        await self.send({"type": f"{prefix}.body", "body": body})

    async def _close(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is closed already
            await self._send({"type": "websocket.close", "code": 1011})
