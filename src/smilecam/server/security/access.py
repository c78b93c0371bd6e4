"""Who may ask: the Host that a request names, the Origin of the page that sends it, and the token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from smilecam.server.problems import Problem

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""For whoever watches over the process; they say nothing that a stranger could use."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Access:
    """Decides whether a request may be answered.

    A page elsewhere can make a browser send requests here, even under a name that leads to 127.0.0.1. So the Host has
    to be one of ours; what changes something, and every WebSocket, has to come from our own page, or from a program
    that knows the token, for browsers send no Authorization of their own.

    Attributes:
        cookie: name of the session cookie; each token has its own, since cookies do not tell ports apart.
        session: its value.
    """

    def __init__(self, token: str, host: str, names: Iterable[str] = ()) -> None:
        """Keep the token.

        Args:
            token: the secret.
            host: that the server listens on.
            names: further names under which it may be asked.
        """
        self._token = token.encode()
        digest = hmac.new(self._token, b"smilecam session", hashlib.sha256).hexdigest()
        self.cookie, self.session = f"smilecam_{digest[:8]}", digest[8:]
        self._names = {name.lower() for name in names} | LOOPBACK_NAMES | {host.lower()}
        self._any_address = not is_loopback(host)
        if self._any_address:
            own = socket.gethostname().lower()
            self._names |= {own, f"{own}.local"}

    def is_token(self, given: str) -> bool:
        """Whether this is the token; takes as long for a wrong one."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

    def check(self, kind: str, method: str, path: str, headers: Headers) -> None:
        """Refuse what may not be answered.

        Args:
            kind: "http" or "websocket".
            method: of the request.
            path: of the request.
            headers: of the request.

        Raises:
            Problem: it may not.
        """
        if kind == "http" and path in OPEN_PATHS and method in ("GET", "HEAD"):
            return
        host = self.check_host(headers)
        bearer, cookie = self._bearer(headers), self._has_cookie(headers)
        if kind == "websocket" or method not in ("GET", "HEAD"):
            _check_origin(headers, host, needed=not bearer)
        if not (bearer or cookie):
            raise Problem(
                401,
                "no_token",
                "This server needs its token: open the address that smilecam watch printed.",
            )

    def check_host(self, headers: Headers) -> str:
        """The Host that a request names.

        Raises:
            Problem: it is none of ours.
        """
        hosts = headers.getlist("host")
        name = _name(f"//{hosts[0]}") if len(hosts) == 1 else None
        if name is None or not (name in self._names or (self._any_address and _is_address(name))):
            raise Problem(421, "wrong_host", "This server does not answer under that name.")
        return hosts[0].lower()

    def _bearer(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self.session.encode())


def _check_origin(headers: Headers, host: str, *, needed: bool) -> None:
    origins = headers.getlist("origin")
    if not origins and not needed:
        return
    if len(origins) != 1 or not _same_place(origins[0].lower(), host):
        raise Problem(403, "wrong_origin", "This is answered for the page of this server only.")


def _same_place(origin: str, host: str) -> bool:
    scheme, separator, place = origin.partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme)
    return bool(separator) and default is not None and place.removesuffix(default) == host.removesuffix(default)


def _name(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    bare = not (parts.username or parts.password or parts.path or parts.query or parts.fragment)
    return parts.hostname if bare else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
