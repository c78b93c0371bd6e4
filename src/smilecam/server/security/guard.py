"""The outermost layer: access, limits of bodies, headers of every response, and the end of every error."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smilecam.server.metrics import Metrics
from smilecam.server.problems import Problem
from smilecam.server.security.access import Access
from smilecam.server.security.limits import Limits

SMALL_BODY = 64 * 1024
"""Bytes of a request that uploads nothing."""

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
    """Lets in what may come in, and turns what goes wrong into a clean answer."""

    def __init__(
        self, app: ASGIApp, access: Access, limits: Limits, metrics: Metrics, report: Callable[[Exception], None]
    ) -> None:
        """Stand before an application.

        Args:
            app: that answers.
            access: who may ask.
            limits: of bodies.
            metrics: that count what is refused.
            report: told of errors that nobody expected.
        """
        self._app, self._access, self._limits = app, access, limits
        self._metrics, self._report = metrics, report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        try:
            self._admit(scope)
            body = self._limited(scope, receive) if scope["type"] == "http" else receive
            await self._app(scope, body, answer.send)
        except Problem as problem:
            self._metrics.refused += 1
            await answer.refuse(problem)
        except (ClientDisconnect, ConnectionError):
            pass  # nobody is there to be told
        except Exception as error:  # noqa: BLE001 - the edge: reported here, and never shown to the client
            self._report(error)
            await answer.refuse(Problem(500, "internal", "The server made a mistake."))

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        opens_page = scope["type"] == "http" and scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        if opens_page and b"token=" in scope["query_string"]:
            self._access.check_host(headers)
            return  # the page's own handler looks at the token
        self._access.check(scope["type"], scope.get("method", "GET"), scope["path"], headers)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length[:18]) > self._most(scope):
            raise too_large(self._most(scope))

    def _most(self, scope: Scope) -> int:
        uploads = {"/v1/videos": self._limits.upload_bytes, "/v1/detect": self._limits.pictures_bytes}
        return uploads.get(scope["path"], SMALL_BODY)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """The request's body, bounded in size and time."""
        most, received, complete = self._most(scope), 0, False
        loop = asyncio.get_running_loop()
        begun = loop.time()

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            patience = min(self._limits.body_seconds, begun + self._limits.upload_seconds - loop.time())
            try:
                message = await asyncio.wait_for(receive(), max(0.001, patience))
            except TimeoutError:
                raise Problem(408, "too_slow", "The request did not arrive in time.") from None
            complete = message["type"] != "http.request" or not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > most:
                raise too_large(most)
            return message

        return limited


def too_large(most: int) -> Problem:
    """A request that is over a limit of bytes."""
    return Problem(413, "too_large", f"The request is larger than {most:,} bytes.")


class _Answer:
    """The way out: adds headers, and knows whether an answer has begun."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._begun = False

    async def send(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self._begun = True
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        elif message["type"] in ("websocket.accept", "websocket.close"):
            self._begun = True
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Say that something is refused, unless an answer has begun: then the connection just ends."""
        if self._begun:
            if self._scope["type"] == "websocket":
                await self._close()
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
