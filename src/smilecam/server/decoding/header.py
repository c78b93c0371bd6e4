"""What the header of an untrusted image declares, read before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_SCANS = 100
"""Scans of a JPEG: encoders write about ten, and each of them costs a pass over all pixels, however short it is."""

SIMPLE_SCANS = 4
"""A sequential JPEG has one scan, or one for each of up to four components."""

SIMPLE_PIXELS = 4_000_000

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers of the segments that hold the image's size."""

_SEQUENTIAL = frozenset({0xC0, 0xC1})
"""Of these: Huffman-coded and not progressive, decoded in one pass."""

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers that no segment follows."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image declares.

    Attributes:
        width: in pixels.
        height: in pixels.
        scans: passes over a JPEG's pixels; 1 for other formats. Never too small: an embedded thumbnail's count too.
        sequential: whether it is a JPEG without progressive scans, and without a byte between its segments that a
            decoder might understand otherwise than this module.
    """

    width: int
    height: int
    scans: int = 1
    sequential: bool = False

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def simple(self) -> bool:
        """Whether decoding takes little time and memory whatever follows the header: what browsers send does."""
        return self.sequential and self.scans <= SIMPLE_SCANS and self.pixels <= SIMPLE_PIXELS


def read_header(content: bytes) -> ImageHeader | None:
    """The header of a JPEG, PNG or WebP; None where it is none of them, or has no size."""
    header = None
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        header = _png(content)
    elif content.startswith(b"\xff\xd8\xff"):
        header = _jpeg(content)
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        header = _webp(content)
    return header if header is not None and header.pixels else None


def _png(content: bytes) -> ImageHeader | None:
    if content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return ImageHeader(int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))


def _jpeg(content: bytes) -> ImageHeader | None:
    """From the first frame header; like libjpeg, skips whatever lies between segments."""
    at = end = 2
    tidy = True
    while (at := content.find(b"\xff", at)) >= 0 and at + 9 <= len(content):
        marker = content[at + 1]
        tidy = tidy and at == end
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0 or marker in _STANDALONE:
            at += 2
            continue
        if marker in _FRAME_HEADERS:
            height = int.from_bytes(content[at + 5 : at + 7], "big")
            width = int.from_bytes(content[at + 7 : at + 9], "big")
            return ImageHeader(width, height, _scans(content, at), tidy and marker in _SEQUENTIAL)
        if marker in (0xD9, 0xDA):  # the end, or data before any frame header
            return None
        at = end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None


def _scans(content: bytes, start: int) -> int:
    """How many scans begin after a byte: compressed data never holds a marker, so none is missed."""
    values = np.frombuffer(content, np.uint8, offset=start)
    # Ten times as fast as bytes.count, which stumbles over the many bytes of 255 in compressed data.
    return int(np.count_nonzero((values[:-1] == 0xFF) & (values[1:] == 0xDA)))


def _webp(content: bytes) -> ImageHeader | None:
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return ImageHeader(1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return ImageHeader(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
        return ImageHeader(width & 0x3FFF, height & 0x3FFF)
    return None
