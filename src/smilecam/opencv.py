"""OpenCV, imported with a limit on the images that it decodes: ``from smilecam.opencv import cv2``.

A PNG of 400 kB can ask for gigabytes. OpenCV takes its limit from the environment while it is imported, so it is set
for that moment here; where OpenCV was imported before smilecam, the limit in force then holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

_LIMIT_VARIABLE = "OPENCV_IO_MAX_IMAGE_PIXELS"
_DEFAULT_LIMIT = 100_000_000


def max_pixels() -> int:
    """Largest image accepted, in pixels: OPENCV_IO_MAX_IMAGE_PIXELS, or 100 million where that is no number."""
    named = os.environ.get(_LIMIT_VARIABLE, "")
    return int(named) if named.isascii() and named.isdigit() and len(named) < 19 else _DEFAULT_LIMIT


@contextmanager
def variable_set(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for a moment: libraries take some of their settings from nowhere else."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


with variable_set(_LIMIT_VARIABLE, str(max_pixels())):
    import cv2
    from cv2.data import haarcascades

__all__ = ["cv2", "haarcascades", "is_unicode", "max_pixels", "reduced", "use_one_thread", "variable_set"]


def use_one_thread() -> None:
    """Keep OpenCV from starting threads: beside threads that decode, classify and detect they cost more than they gain.

    It holds for the whole process, so that only programs of our own call it.
    """
    cv2.setNumThreads(1)


def reduced(image: npt.NDArray[np.uint8], longest: int) -> npt.NDArray[np.uint8]:
    """An image whose longer side has at most ``longest`` pixels: the same one where it has.

    Args:
        image: uint8 (height, width) or (height, width, channels).
        longest: in pixels; the shorter side keeps at least one.
    """
    height, width = image.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def is_unicode(path: Path) -> bool:
    """Whether a path can be handed to OpenCV: names of other bytes exist on Linux."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
