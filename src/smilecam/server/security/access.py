"""Access control: the Host that a request names, the Origin of the page that sends it, and the token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from smilecam.server.problems import Problem

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""For process supervisors, without a token; the answers reveal nothing of use to a stranger."""

PAGE_PATHS = frozenset({"/", "/overlay"})
"""Pages whose address can hold the token; their handlers check it."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Access:
    """Decides whether a request is admitted.

    A page elsewhere can make a browser send requests here, even under a name that resolves to 127.0.0.1. So the Host
    must be one of ours; requests that change something, and every WebSocket, must come from our own page, or from a
    program that knows the token, since browsers send no Authorization header of their own accord.

    Attributes:
        cookie_name: of the session cookie; it depends on the token, since cookies do not distinguish ports.
        cookie_value: of the session cookie.
    """

    def __init__(self, token: str, host: str, names: Iterable[str] = ()) -> None:
        """Derive the session cookie from the token, and collect the host names.

        Args:
            token: the secret.
            host: address or name that the server listens on.
            names: further host names to answer to.
        """
        self._token = token.encode()
        digest = hmac.new(self._token, b"smilecam session", hashlib.sha256).hexdigest()
        self.cookie_name, self.cookie_value = f"smilecam_{digest[:8]}", digest[8:]
        self._names = {name.lower() for name in names} | LOOPBACK_NAMES | {host.lower()}
        self._any_address = not is_loopback(host)
        if self._any_address:
            own = socket.gethostname().lower()
            self._names |= {own, f"{own}.local"}

    def is_token(self, given: str) -> bool:
        """Whether this is the token; compared in constant time."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

    def check(self, request: HTTPConnection) -> bool:
        """Refuse a request or WebSocket that is not admitted.

        Returns:
            Whether it has shown the token; some paths are open to everybody.

        Raises:
            Problem: wrong Host, no token, or wrong Origin.
        """
        changes = request["type"] == "websocket" or request["method"] not in ("GET", "HEAD")
        if request["path"] in OPEN_PATHS and not changes:
            return self._has_bearer(request.headers)
        host = self.check_host(request.headers)
        bearer = self._has_bearer(request.headers)
        if not (bearer or self._has_cookie(request)):
            raise Problem(
                401,
                "no_token",
                "This server needs its token: open the address that smilecam watch printed.",
            )
        if changes:
            _check_origin(request.headers, host, needed=not bearer)
        return True

    def check_entry(self, headers: Headers) -> None:
        """Refuse a form with the token that comes from elsewhere than the page that asks for it.

        Raises:
            Problem: wrong Host, or wrong or no Origin.
        """
        _check_origin(headers, self.check_host(headers), needed=True)

    def check_host(self, headers: Headers) -> str:
        """The Host that a request names.

        Starlette's TrustedHostMiddleware cannot stand in for this: it takes the first of several Host headers, has no
        pattern for "any IP address", and answers 400 in plain text.

        Raises:
            Problem: it is none of ours.
        """
        hosts = headers.getlist("host")
        name = _name(f"//{hosts[0]}") if len(hosts) == 1 else None
        if name is None or not (name in self._names or (self._any_address and _is_address(name))):
            raise Problem(421, "wrong_host", "This server does not answer under that name.")
        return hosts[0].lower()

    def _has_bearer(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())

    def _has_cookie(self, request: HTTPConnection) -> bool:
        given = request.cookies.get(self.cookie_name, "")
        return hmac.compare_digest(given.encode(), self.cookie_value.encode())


def _check_origin(headers: Headers, host: str, *, needed: bool) -> None:
    origins = headers.getlist("origin")
    if not origins and not needed:
        return
    if len(origins) != 1 or not _same_origin(origins[0].lower(), host):
        raise Problem(403, "wrong_origin", "Only this server's own page may send this request.")


def _same_origin(origin: str, host: str) -> bool:
    scheme, separator, authority = origin.partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme)
    return bool(separator) and default is not None and authority.removesuffix(default) == host.removesuffix(default)


def _name(address: str) -> str | None:
    try:
        split = urlsplit(address)
        _ = split.port
    except ValueError:
        return None
    bare = not (split.username or split.password or split.path or split.query or split.fragment)
    return split.hostname if bare else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
