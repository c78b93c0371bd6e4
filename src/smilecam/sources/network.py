"""Streams and files behind addresses, opened by FFmpeg."""

from __future__ import annotations

import errno
from typing import Any, cast

import av
import av.error
from av.container import InputContainer

from smilecam.errors import SourceNotFound
from smilecam.opencv import max_pixels
from smilecam.sources.base import CONTAINERS, Source, SourceOptions, SourceRef
from smilecam.sources.certificates import ENCRYPTED, tls_options
from smilecam.sources.connection import RAW, RAW_OPTIONS, Connection
from smilecam.sources.mjpeg import MjpegSource, begins_multipart, is_decisive
from smilecam.sources.play_list import FORMAT, LEAST_BEGINNING, OPTIONS, SegmentOpener, begins_list, final_address
from smilecam.sources.pyav import AvSource
from smilecam.sources.urls import NETWORK_CONTAINERS, NETWORK_PROTOCOLS, PLAIN_CONTAINERS

_LIVE_PROBE = {"probesize": "1000000", "analyzeduration": "2000000", "fpsprobesize": "2"}
"""Less analysis, so that a stream opens sooner."""


def open_stream(ref: SourceRef, url: str, options: SourceOptions) -> Source:
    """Connect to a stream.

    A file behind ``http://`` whose length is known is recorded video: it gives every frame, and ends. All else is live.

    Raises:
        SourceError: it cannot be reached within the time limit, or is no video.
    """
    scheme = url.lower().partition(":")[0]
    if scheme not in ("http", "https", "tcp"):
        return _av_source(ref, url, _connect(ref, url, options, _LIVE_PROBE))
    container = _connect(ref, url, options, RAW_OPTIONS, RAW)
    beginning = _beginning(ref, url, container)
    if begins_multipart(beginning):
        return MjpegSource(ref, container, beginning, options.read_timeout)
    if scheme == "tcp":  # who sends there may take one connection only
        return _over_connection(ref, url, options, Connection(container, beginning))
    container.close()
    if scheme == "http" or options.insecure:
        return _av_source(ref, url, _connect(ref, url, options, {}))
    if begins_list(beginning):
        return _verified_list(ref, final_address(url, options), options)
    return _av_source(ref, url, _connect(ref, url, options, {"format_whitelist": f"{PLAIN_CONTAINERS},{CONTAINERS}"}))


def _over_connection(ref: SourceRef, url: str, options: SourceOptions, connection: Connection) -> AvSource:
    try:
        container = _connect(ref, url, options, _LIVE_PROBE, file=connection)
    except BaseException:
        connection.close()
        raise
    return AvSource(ref, container, connection, remote=True, endless=True)


def _verified_list(ref: SourceRef, url: str, options: SourceOptions) -> AvSource:
    opener = SegmentOpener(options)
    return _av_source(ref, url, _connect(ref, url, options, OPTIONS, FORMAT, io_open=opener))


def _connect(
    ref: SourceRef,
    url: str,
    options: SourceOptions,
    more: dict[str, str],
    form: str | None = None,
    file: Connection | None = None,
    io_open: SegmentOpener | None = None,
) -> InputContainer:
    settings = {
        "protocol_whitelist": NETWORK_PROTOCOLS if file is None else "none",
        "format_whitelist": RAW if form == RAW else f"{NETWORK_CONTAINERS},{CONTAINERS}",
        "max_pixels": str(max_pixels()),
        "rtsp_transport": "tcp",  # packets lost by UDP smear the image
        **tls_options(options),
        **more,
    }
    # Not "nobuffer", which is often advised: it drops the first key frame, and only the newest frame is kept anyway.
    container, problem = None, ""
    try:
        limits = (options.open_timeout, options.read_timeout)
        container = av.open(
            file or url, "r", form, options=settings, timeout=limits, metadata_errors="replace", io_open=io_open
        )
    except (av.FFmpegError, ValueError) as error:
        problem = _problem(error, url)
    if container is None:  # raised here, so that it does not carry an error that quotes the password
        raise SourceNotFound(f"{ref.name} cannot be opened: {problem}")
    return container


def _beginning(ref: SourceRef, url: str, container: InputContainer) -> bytes:
    """So many bytes of an answer that its form can be told."""
    content, problem = b"", ""
    try:
        for packet in container.demux():
            content += bytes(cast(Any, packet))
            if len(content) >= LEAST_BEGINNING and is_decisive(content):
                break
    except av.FFmpegError as error:
        problem = _problem(error, url)
    if problem:
        container.close()
        raise SourceNotFound(f"{ref.name} cannot be opened: {problem}")
    return content


def _av_source(ref: SourceRef, url: str, container: InputContainer) -> AvSource:
    return AvSource(ref, container, remote=True, endless=not _ends(url, container))


def _ends(url: str, container: InputContainer) -> bool:
    if not url.lower().startswith("http"):
        return False
    # A live play list, too, is a file with a size.
    return container.duration is not None or (container.format.name != "hls" and container.size > 0)


def _problem(error: Exception, url: str) -> str:
    """Why a stream cannot be opened, without FFmpeg's own message, which quotes the address."""
    if isinstance(error, OSError) and error.errno == errno.EIO and url.lower().startswith(ENCRYPTED):
        return "it breaks off, or its certificate is not trusted: see --ca-file and --insecure"
    for kinds, message in _PROBLEMS:
        if isinstance(error, kinds):
            return message
    return "it cannot be reached, or is no video"


_PROBLEMS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError), "it wants another name and password"),
    (av.error.HTTPNotFoundError, "the server does not have it"),
    ((av.error.HTTPError, av.error.HTTPClientError, av.error.HTTPServerError), "the server refuses it"),
    ((av.error.ExitError, av.error.TimeoutError), "no answer within the time limit"),
    (av.error.ConnectionRefusedError, "nothing listens there"),
    (av.error.ProtocolNotFoundError, "this protocol is not supported here"),
    (av.error.InvalidDataError, "it is no video"),
)
