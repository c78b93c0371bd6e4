"""Untrusted images: their size is taken from the header before anything is decoded."""

from __future__ import annotations

import numpy as np

from smilecam.opencv import cv2
from smilecam.server.problems import Problem
from smilecam.server.security.limits import Limits
from smilecam.sources.images import is_cut_jpeg
from smilecam.types import Image

FORMATS = "JPEG, PNG or WebP"

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers of the segments that hold the image's size."""

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers that no segment follows."""


def decode_image(content: bytes, limits: Limits, *, grey: bool = False) -> Image:
    """Decode an image, rotated by its EXIF orientation.

    Args:
        content: a whole file.
        limits: ``pixels`` is used.
        grey: decode to grey only, which is faster.

    Returns:
        uint8 (height, width, 3) in BGR order, or (height, width).

    Raises:
        Problem: it is not one of ``FORMATS``, has too many pixels, or is damaged or truncated.
    """
    size = image_size(content)
    if size is None or 0 in size:
        raise Problem(415, "bad_image", f"The image is not a {FORMATS}.")
    if size[0] * size[1] > limits.pixels:
        raise Problem(413, "too_many_pixels", f"The image has more than {limits.pixels:,} pixels.")
    image = None
    if not is_cut_jpeg(content):
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
        except cv2.error:
            image = None
    if image is None:
        raise Problem(422, "bad_image", "The image is damaged or truncated.")
    if image.shape[0] * image.shape[1] > limits.pixels:  # the header understated it
        raise Problem(413, "too_many_pixels", f"The image has more than {limits.pixels:,} pixels.")
    return np.asarray(image, np.uint8)


def encode_jpeg(image: Image, longest: int, quality: int = 80) -> bytes:
    """A JPEG for viewers.

    Args:
        image: uint8 (height, width, 3) in BGR order, or (height, width).
        longest: the image is reduced to this many pixels on its longer side.
        quality: 1 to 100.
    """
    height, width = image.shape[:2]
    if max(height, width) > longest:
        factor = longest / max(height, width)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return content.tobytes()


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that the header declares; None where it is none of ``FORMATS``."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_size(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _webp_size(content)
    return None


def _png_size(content: bytes) -> tuple[int, int] | None:
    if content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """From the first frame header; like libjpeg, skips whatever lies between segments."""
    at = 2
    while (at := content.find(b"\xff", at)) >= 0 and at + 9 <= len(content):
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0 or marker in _STANDALONE:
            at += 2
            continue
        if marker in _FRAME_HEADERS:
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        if marker in (0xD9, 0xDA):  # the end, or data before any frame header
            return None
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None
