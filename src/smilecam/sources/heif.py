"""HEIC and HEIF images, as phones save them. Decoding needs the extra "heif" (pillow-heif)."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from smilecam.errors import MissingExtra, SourceUnreadable
from smilecam.opencv import cv2, max_pixels
from smilecam.types import Image

SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""Suffixes of such files, in lower case; ``.hif`` is what cameras of Canon and Sony write."""

HEADER_BYTES = 12
"""What ``is_heif`` needs of a file."""

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""Brands that ISO/IEC 23008-12 gives to files of images coded by HEVC, and to images of any codec."""


def can_decode() -> bool:
    """Whether the extra is installed."""
    return find_spec("pillow_heif") is not None


def is_heif(head: bytes) -> bool:
    """Whether a file that begins with these bytes, ``HEADER_BYTES`` or more, is of this format."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS


def decode_heif(content: bytes, path: Path) -> Image:
    """Decode the primary image of a file, upright, with 8 bits per channel and without transparency.

    The container's own rotation and mirroring count, and a copy of them in EXIF does not, as the standard demands.

    Args:
        content: the whole file.
        path: its name in errors.

    Returns:
        uint8 (height, width, 3), blue-green-red.

    Raises:
        SourceUnreadable: it is damaged or cut short, has more than ``max_pixels()`` pixels, or the extra is missing.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise SourceUnreadable(str(MissingExtra(f"{path} is in the format HEIC: reading it", "heif"))) from error
    try:
        opened = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True, bgr_mode=True)
        width, height = opened.size  # from the header: nothing has been decoded yet
        if width * height > max_pixels():
            raise SourceUnreadable(f"{path} has more than {max_pixels():,} pixels")
        image = np.asarray(opened, np.uint8)
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError) as error:
        raise SourceUnreadable(f"{path} is not an image, or is damaged or cut short") from error
    return _three_channels(image)


def _three_channels(image: Image) -> Image:
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    if image.shape[2] == 2:  # grey and transparency
        return np.asarray(cv2.cvtColor(image[:, :, 0], cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(image[:, :, :3])
