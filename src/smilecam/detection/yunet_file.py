"""Whether a file is the network that ``yunet.py`` was made for; apart from it, so that asking loads no runtime."""

from __future__ import annotations

import hashlib
from pathlib import Path

from smilecam.errors import ModelFileError
from smilecam.presets import YUNET_BYTES, YUNET_SHA256


def read_yunet(path: Path) -> bytes:
    """Read and check the file.

    Raises:
        ModelFileError: it cannot be read, or is another file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(YUNET_BYTES + 1)
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror or error}") from error
    return check_yunet(content, str(path))


def check_yunet(content: bytes, name: str) -> bytes:
    """Give back the bytes of the one file that the detector was made for.

    Raises:
        ModelFileError: they are others.
    """
    if hashlib.sha256(content).hexdigest() != YUNET_SHA256:
        raise ModelFileError(f"{name} is not the YuNet file that smilecam was made for (its SHA-256 differs)")
    return content
