"""HLS lists behind https. FFmpeg hands the certificates to trust to the list alone, so its segments are opened here."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from http.client import HTTPException
from urllib.parse import unquote, urlsplit, urlunsplit

import av
import av.error

from smilecam.sources.base import SourceOptions
from smilecam.sources.certificates import tls_options
from smilecam.sources.connection import RAW, RAW_OPTIONS, Connection
from smilecam.timed_http import TimedOpener

FORMAT = "hls"

OPTIONS = {"http_persistent": "0", "http_multiple": "0"}
"""Each segment is opened by ``SegmentOpener``: FFmpeg must not use the connection of another one."""

PROTOCOLS = "tcp,tls,https,httpproxy,crypto,data"
"""That a list behind https may name."""

LEAST_BEGINNING = 16
"""Bytes by which a list is told."""


def begins_list(content: bytes) -> bool:
    """Whether an answer that begins with these bytes is an HLS list."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"#EXTM3U")


class SegmentOpener:
    """Opens what a list names, for PyAV; a segment that the server does not have is an empty one, and left out."""

    def __init__(self, options: SourceOptions) -> None:
        """Prepare.

        Args:
            options: time limits, and which servers are trusted.
        """
        self._limits = (options.open_timeout, options.read_timeout)
        self._settings = {**tls_options(options), **RAW_OPTIONS, "protocol_whitelist": PROTOCOLS}

    def __call__(self, url: str, _flags: int, options: dict[str, str]) -> Connection | _Nothing:
        """Open one.

        Raises:
            av.FFmpegError: it cannot be reached, or its server is not trusted.
        """
        settings = {**options, **self._settings}
        try:
            return Connection(av.open(url, "r", RAW, options=settings, timeout=self._limits))
        except (av.error.HTTPError, av.error.HTTPClientError, av.error.HTTPServerError):
            return _Nothing()


class _Nothing:
    """An empty file."""

    name = "nothing"

    def read(self, _size: int) -> bytes:
        return b""

    def close(self) -> None:
        """Nothing is open."""


def final_address(url: str, options: SourceOptions) -> str:
    """Where redirections lead: names in a list are relative to that, and FFmpeg knows it only of what it opens itself.

    The address as it is where nothing redirects, or nobody answers. Name and password go to the first server only.
    """
    pieces = urlsplit(url)
    host = pieces.netloc.rpartition("@")[2]
    request = urllib.request.Request(urlunsplit(pieces._replace(netloc=host)))  # noqa: S310 - https, by the caller
    if pieces.username is not None:
        secret = f"{unquote(pieces.username)}:{unquote(pieces.password or '')}".encode()
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(secret).decode())
    context = ssl.create_default_context(cafile=str(options.ca_file) if options.ca_file else None)
    seconds = options.open_timeout
    try:
        with TimedOpener(context).open(request, seconds, seconds) as answer:
            final = str(answer.geturl())
    except (OSError, ValueError, HTTPException):
        return url
    return url if final == request.full_url else final
