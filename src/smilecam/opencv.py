"""OpenCV, imported with a limit on the pictures that it decodes: ``from smilecam.opencv import cv2``.

A PNG of 400 kB can ask for gigabytes. OpenCV reads its limit from the environment while it is loaded, so it is set
for that moment here; where OpenCV was imported before smilecam, its own limit holds.
"""

from __future__ import annotations

import os

_LIMIT_VARIABLE = "OPENCV_IO_MAX_IMAGE_PIXELS"
_DEFAULT_LIMIT = 100_000_000


def _set_limit() -> bool:
    """Set the limit unless the user has; say whether it was set."""
    if _LIMIT_VARIABLE in os.environ:
        return False
    os.environ[_LIMIT_VARIABLE] = str(_DEFAULT_LIMIT)
    return True


_was_set = _set_limit()
import cv2  # noqa: E402 - after the limit
from cv2.data import haarcascades  # noqa: E402

if _was_set:
    del os.environ[_LIMIT_VARIABLE]

__all__ = ["cv2", "haarcascades", "max_pixels", "silence"]


def max_pixels() -> int:
    """The largest picture accepted, in pixels: OPENCV_IO_MAX_IMAGE_PIXELS, or 100 million."""
    named = os.environ.get(_LIMIT_VARIABLE, "")
    return int(named) if named.isdigit() else _DEFAULT_LIMIT


def silence() -> None:
    """Keep OpenCV and its FFmpeg from writing to standard error, for programs that report errors themselves."""
    # Where the function stands depends on OpenCV's version; 0 is silence.
    set_level = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel
    set_level(0)
    # Read by OpenCV when its first video is opened; -8 is FFmpeg's "quiet".
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
