"""The decoding of an image itself, in whichever process."""

from __future__ import annotations

import numpy as np

from smilecam.opencv import cv2
from smilecam.sources.images import is_cut_jpeg
from smilecam.types import Image


def decode(content: bytes, *, grey: bool) -> Image | None:
    """Decode an image, rotated by its EXIF orientation.

    Args:
        content: a whole file.
        grey: decode to grey only, which is faster.

    Returns:
        uint8 (height, width, 3) in BGR order, or (height, width); None where it is damaged or truncated.
    """
    if is_cut_jpeg(content):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        return None
    return None if image is None else np.ascontiguousarray(image, np.uint8)
