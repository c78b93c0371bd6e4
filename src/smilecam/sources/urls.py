"""Addresses of streams: what is one, and how it is shown without what is secret in it."""

from __future__ import annotations

import re
from urllib.parse import unquote

STREAM_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "srt", "tcp")
"""What the addresses of streams begin with."""

NETWORK_PROTOCOLS = "tcp,tls,udp,rtp,srtp,rtsp,rtsps,rtmp,rtmps,rtmpt,http,https,httpproxy,srt,crypto,data"
"""What FFmpeg may use for a stream: a play list from elsewhere must not name files of this machine."""

NETWORK_CONTAINERS = "rtsp,rtp,sdp,hls,dash,mpjpeg,mjpeg,jpeg_pipe,live_flv,h264,hevc"
"""Formats of streams, beside those of files."""

HIDDEN = "***"
"""Stands for what is not shown."""

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")  # one letter is a drive of Windows
_PARAMETER = re.compile(r"([^?&;/#=]+)=([^?&;/#]*)")
_SECRET_NAMES = re.compile(r"pas|pwd|token|key|secret|sig|auth|cred|use?r|login|session|jwt|streamid")


def is_address(text: str) -> bool:
    """Whether this looks like an address, be it one that can be opened or not."""
    return _ADDRESS.match(text) is not None


def is_stream(text: str) -> bool:
    """Whether this is the address of a stream that can be asked for."""
    scheme, _, rest = text.partition("://")
    return scheme.lower() in STREAM_SCHEMES and not rest.startswith(("/", "?", "#")) and rest != ""


def redacted(address: str) -> str:
    """The address without names, passwords, keys and tokens.

    It rather hides too much: cameras want passwords in places of their own, and people forget to escape them, so
    everything before the last ``@`` is taken for one.
    """
    match = _ADDRESS.match(address)
    if match is None:
        return address
    _, at, rest = address[match.end() :].rpartition("@")
    host, slash, tail = rest.partition("/") if "/" in rest else rest.partition("?")
    return match[0] + (HIDDEN + at if at else "") + host + slash + _PARAMETER.sub(_hide, tail)


def _hide(parameter: re.Match[str]) -> str:
    name = unquote(parameter[1]).lower()
    return f"{parameter[1]}={HIDDEN if _SECRET_NAMES.search(name) else parameter[2]}"
