"""Events sent to a web server: ``--webhook``.

Signed by the Standard Webhooks specification (standardwebhooks.com), for which receivers have libraries.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
import time
import urllib.error
import urllib.request
import uuid
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from smilecam.errors import UsageProblem
from smilecam.notify.notifier import Notice, Notifier
from smilecam.notify.outbox import Outbox, Warn
from smilecam.sources.threaded import Backoff
from smilecam.timed_http import TimedOpener

TIMEOUT, ANSWER_SECONDS = 10.0, 30.0
"""Seconds that the server may be silent, and until it must have answered."""

ATTEMPTS = 6
"""For each event; with the pauses between them, half a minute of a server's absence."""

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which another attempt makes sense."""

LONGEST_RETRY_AFTER = 60.0
"""Seconds that a server can ask us to wait."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with


class _Target(NamedTuple):
    """Where to send: the address without name and password, a header for these, and what messages show."""

    url: str
    authorization: str | None
    shown: str


class _Failure(NamedTuple):
    """Why an attempt failed, whether another may help, and how long the server asks us to wait."""

    reason: str
    retry: bool
    wait: float = 0.0


class Webhook(Notifier):
    """Posts each event as JSON, one after another.

    A server that fails is tried again; then the event is dropped.
    """

    def __init__(self, url: str, secret: bytes | None, context: ssl.SSLContext | None, warn: Warn) -> None:
        """Prepare; nothing is sent yet.

        Args:
            url: http or https; a user's name and password in it are sent, and never shown, nor are its path and query.
            secret: signs what is sent; from ``parse_secret``.
            context: how the certificate of the server is verified; None for this system's authorities.
            warn: takes warnings.

        Raises:
            UsageProblem: it is no such address.
        """
        self._target, self._secret = _parse(url), secret
        self._opener = TimedOpener(context or ssl.create_default_context(), _NoRedirect())
        self._outbox = Outbox(f"--webhook {self._target.shown}", self._send, warn)

    def notify(self, notice: Notice) -> None:
        """Have an event sent."""
        self._outbox.put(notice)

    def close(self) -> None:
        """Wait for what is being sent, a moment."""
        self._outbox.close()

    def _send(self, notice: Notice) -> None:
        body, key = json.dumps(notice).encode(), f"msg_{uuid.uuid4().hex}"
        backoff = Backoff()
        for attempt in range(ATTEMPTS):
            failure = self._attempt(key, body)
            if failure is None:
                return
            if not failure.retry:
                self._outbox.warn(f"{failure.reason}; the event is dropped")
                return
            if attempt < ATTEMPTS - 1:
                self._outbox.warn(f"{failure.reason}; trying again")
                if self._outbox.stopped.wait(max(failure.wait, backoff.pause())):
                    return
        self._outbox.warn(f"an event is dropped after {ATTEMPTS} attempts")

    def _attempt(self, key: str, body: bytes) -> _Failure | None:
        request = urllib.request.Request(self._target.url, body, method="POST")  # noqa: S310 - checked by _parse
        now = str(int(time.time()))
        for name, value in {"Content-Type": "application/json", "User-Agent": "smilecam", "webhook-id": key,
                            "webhook-timestamp": now}.items():  # fmt: skip
            request.add_header(name, value)
        if self._target.authorization:
            request.add_unredirected_header("Authorization", self._target.authorization)
        if self._secret is not None:
            request.add_header("webhook-signature", signature(self._secret, key, now, body))
        try:
            with self._opener.open(request, TIMEOUT, ANSWER_SECONDS):
                return None
        except urllib.error.HTTPError as error:
            with error:
                after = error.headers.get("Retry-After", "")
            wait = min(float(after), LONGEST_RETRY_AFTER) if after.isascii() and after.isdigit() else 0.0
            return _Failure(f"the server answers {error.code}", error.code in RETRIED, wait)
        except (OSError, HTTPException) as error:
            return _Failure(_reason(error), not _is_certificate(error))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An event is sent to the address that was named, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """None: the answer is an error like others."""
        return


def signature(secret: bytes, key: str, timestamp: str, body: bytes) -> str:
    """The header ``webhook-signature``: HMAC-SHA256 of the message's key, its time and its body, in base64.

    Args:
        secret: shared with the receiver.
        key: the header ``webhook-id``.
        timestamp: the header ``webhook-timestamp``, in whole seconds since 1970.
        body: as it is sent.
    """
    digest = hmac.new(secret, f"{key}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def parse_secret(text: str) -> bytes:
    """The bytes of a secret: after ``whsec_`` it is in base64, as the specification has it, else taken as it is.

    Raises:
        UsageProblem: it is empty, or no base64.
    """
    if not text.startswith(SECRET_PREFIX):
        secret = text.encode()
    else:
        try:
            secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
        except binascii.Error:
            raise UsageProblem(f"the secret of --webhook is no base64 after {SECRET_PREFIX}") from None
    if not secret:
        raise UsageProblem("the secret of --webhook is empty")
    return secret


def _parse(url: str) -> _Target:
    try:
        split = urlsplit(url)
        place = split.netloc.rpartition("@")[2]
        valid = split.scheme in ("http", "https") and split.hostname and (split.port or True)
    except ValueError:
        valid = False
    if not valid or not url.isascii() or any(char.isspace() for char in url):
        raise UsageProblem("--webhook takes an address that begins with https:// or http://")
    authorization = None
    if split.username is not None:
        named = f"{unquote(split.username)}:{unquote(split.password or '')}"
        authorization = "Basic " + base64.b64encode(named.encode()).decode()
    address = urlunsplit(split._replace(netloc=place, fragment=""))
    return _Target(address, authorization, f"{split.scheme}://{place}")


def _inner(error: BaseException) -> BaseException:
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, BaseException) else error


def _is_certificate(error: BaseException) -> bool:
    return isinstance(_inner(error), ssl.SSLCertVerificationError)


def _reason(error: BaseException) -> str:
    inner = _inner(error)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {inner.verify_message}"
    if isinstance(inner, TimeoutError):
        return "no answer in time"
    return getattr(inner, "strerror", None) or "the connection breaks off"
