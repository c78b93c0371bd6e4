"""Names of files: what they are by their suffix, and how tables show them."""

from __future__ import annotations

import os

from smilecam.sources.resolve import SOURCE_IMAGE_SUFFIXES, VIDEO_SUFFIXES
from smilecam.sources.urls import redacted


def is_image(name: str) -> bool:
    """Whether a path or URL is that of an image."""
    return suffix(name) in SOURCE_IMAGE_SUFFIXES


def is_known(name: str) -> bool:
    """Whether a path or URL is that of an image or video, and its last name not hidden."""
    hidden = name.rpartition("/")[2].startswith(".")
    return not hidden and suffix(name) in SOURCE_IMAGE_SUFFIXES | VIDEO_SUFFIXES


def suffix(name: str) -> str:
    """The suffix of a path or URL in lower case, as ".jpg"."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - of URLs too


def shown_name(location: str) -> str:
    r"""A path or URL for tables and messages: secrets hidden, bytes that are no Unicode as ``\xNN``."""
    return os.fsencode(redacted(location)).decode("utf-8", "backslashreplace")
