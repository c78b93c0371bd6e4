"""Addresses of streams: how they are recognised, and shown without their secrets."""

from __future__ import annotations

import re
from urllib.parse import unquote

STREAM_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "srt", "tcp")
"""Schemes of stream addresses."""

NETWORK_PROTOCOLS = "tcp,tls,udp,rtp,srtp,rtsp,rtsps,rtmp,rtmps,rtmpt,http,https,httpproxy,srt,crypto,data"
"""Protocols that FFmpeg may use for a stream: a remote play list must not name files of this machine."""

PLAIN_CONTAINERS = "rtsp,rtp,sdp,mjpeg,jpeg_pipe,live_flv,h264,hevc"
"""Formats of streams that name no other address."""

NETWORK_CONTAINERS = f"{PLAIN_CONTAINERS},hls,dash"
"""Formats of streams, in addition to those of files. JPEGs in parts are cut out elsewhere: FFmpeg bounds no part."""

HIDDEN = "***"
"""Replaces what is not shown."""

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")  # one letter is a drive of Windows
_PARAMETER = re.compile(r"([^?&;/#=]+)=([^?&;/#]*)")
_SECRET_NAMES = re.compile(r"pas|pwd|token|key|secret|sig|auth|cred|use?r|login|session|jwt|streamid")


def is_address(text: str) -> bool:
    """Whether this looks like an address, of a supported scheme or not."""
    return _ADDRESS.match(text) is not None


def is_stream(text: str) -> bool:
    """Whether this is a stream's address of a supported scheme."""
    scheme, _, rest = text.partition("://")
    return scheme.lower() in STREAM_SCHEMES and not rest.startswith(("/", "?", "#")) and rest != ""


def redacted(address: str) -> str:
    """The address without names, passwords, keys and tokens.

    Rather too much is hidden than too little: cameras expect passwords in unusual places, and unescaped ones are
    common, so everything before the last ``@`` counts as one.
    """
    match = _ADDRESS.match(address)
    if match is None:
        return address
    _, at, rest = address[match.end() :].rpartition("@")
    host, slash, tail = rest.partition("/") if "/" in rest else rest.partition("?")
    if match[1].lower().startswith("rtmp") and tail:  # rtmp://host/application/key
        application, deeper, _ = tail.partition("/")
        tail = f"{application}/{HIDDEN}" if deeper else HIDDEN
    return match[0] + (HIDDEN + at if at else "") + host + slash + _PARAMETER.sub(_hide, tail)


def _hide(parameter: re.Match[str]) -> str:
    name = unquote(parameter[1]).lower()
    return f"{parameter[1]}={HIDDEN if _SECRET_NAMES.search(name) else parameter[2]}"
