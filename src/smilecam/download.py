"""Downloads from web servers, with limits on size and time.

Not by pooch: it has no limit on either, and its errors quote addresses with their passwords.
"""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from smilecam.errors import DownloadError
from smilecam.timed_http import TimedOpener

TIMEOUT_SECONDS = 30.0
"""The server may be silent for so long."""

ANSWER_SECONDS = 60.0
"""Until the server must have begun to send the file."""

_BLOCK = 1 << 16

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far, and the bytes expected where the server gives their number."""


class ServerRefused(DownloadError):
    """The server answers, but without the file."""


def download(
    url: str,
    target: Path,
    max_bytes: int,
    progress: Progress | None = None,
    *,
    instead: str,
    timeout: float = TIMEOUT_SECONDS,
    patience: float | None = None,
) -> None:
    """Download one file.

    Args:
        url: http or https; a user's name and password in it are sent, and never shown.
        target: where to write; what arrived before a failure stays there.
        max_bytes: more is an error.
        progress: called with what has been received.
        instead: what else the user could do, for the message when there is no network.
        timeout: seconds for which the server may be silent.
        patience: seconds after which the whole must have arrived.

    Raises:
        ServerRefused: the server answers that it has no such file, or will not give it.
        DownloadError: the network or the server failed.
    """
    shown = without_password(url)
    request = _request(url, shown)
    deadline = None if patience is None else time.monotonic() + patience
    try:
        opener = TimedOpener(ssl.create_default_context())
        with opener.open(request, timeout, ANSWER_SECONDS) as response, target.open("wb") as file:
            length = response.headers.get("Content-Length")
            expected = int(length) if length and length.isascii() and length.isdigit() else None
            if expected is not None and expected > max_bytes:
                raise DownloadError(f"{shown} sends {_amount(expected)}, over the limit of {_amount(max_bytes)}")
            received = 0
            for block in _blocks(response, deadline):
                received += len(block)
                if received > max_bytes:
                    raise DownloadError(f"{shown} sends more than {_amount(max_bytes)}")
                file.write(block)
                if progress:
                    progress(received, expected)
    except urllib.error.HTTPError as error:
        with error:
            raise ServerRefused(f"cannot download {shown}: the server answers {error.code}") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise DownloadError(f"cannot download {shown} ({_reason(error)}): check the network, or {instead}") from error
    if expected is not None and received != expected:
        raise DownloadError(f"{shown} broke off after {received:,} of {expected:,} bytes: try again")


def without_password(url: str) -> str:
    """The address without a user's name and password, and without the query, where keys can stand.

    Everything before the last ``@`` is taken for name and password: people forget to escape them.
    """
    scheme, mark, rest = url.partition("://")
    return scheme + mark + rest.rpartition("@")[2].partition("?")[0]


def _request(url: str, shown: str) -> urllib.request.Request:
    """A request, with name and password in a header: the library does not take them from an address."""
    try:
        split = urlsplit(url)
        address = urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2], fragment=""))
        request = urllib.request.Request(address, headers={"User-Agent": "smilecam"})  # noqa: S310 - checked below
    except ValueError as error:
        raise DownloadError(f"{shown} is no address") from error
    if split.scheme not in {"http", "https"} or not request.host:
        raise DownloadError(f"{shown} is no http or https address")
    if split.username is not None:
        named = f"{unquote(split.username)}:{unquote(split.password or '')}"
        # A header that is not sent on to another server when this one redirects.
        request.add_unredirected_header("Authorization", "Basic " + b64encode(named.encode()).decode())
    return request


def _blocks(response: HTTPResponse, deadline: float | None) -> Iterator[bytes]:
    """What arrives; errors here are the network's, not the disk's."""
    try:
        while block := response.read1(_BLOCK):
            yield block
            if deadline is not None and time.monotonic() > deadline:
                raise DownloadError("the download takes too long: try again")
    except (OSError, HTTPException) as error:
        raise DownloadError(f"the download broke off ({_reason(error)}): try again") from error


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", None)
    inner = inner if isinstance(inner, BaseException) else error
    if isinstance(inner, TimeoutError):
        return "no answer in time"
    return getattr(inner, "strerror", None) or "no connection"


def _amount(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
