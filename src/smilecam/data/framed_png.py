"""Face crops as PNG files that state their own framing, wherever they are moved: a margin around that of SMILES."""

from __future__ import annotations

import zlib

import numpy as np

from smilecam.opencv import cv2
from smilecam.presets import CropGeometry
from smilecam.types import Image

KEYWORD = b"smilecam margin\0"
"""Of the PNG text that holds the margin on each edge, as a share of the side of the framing of SMILES."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = len(_SIGNATURE) + 25


def encode_crop(image: Image, margin: float) -> bytes:
    """A PNG file of a face crop.

    Args:
        image: uint8 (side, side, 3), blue-green-red, or (side, side) grey.
        margin: on each edge, as a share of the side of the framing of SMILES.
    """
    content = cv2.imencode(".png", image)[1].tobytes()
    text = b"tEXt" + KEYWORD + f"{margin:g}".encode()
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    return content[:_HEADER_END] + chunk + content[_HEADER_END:]


def framing_of(content: bytes) -> CropGeometry | None:
    """The crop of an image file that has the framing of SMILES, if the file states it; its content may be anything."""
    at = len(_SIGNATURE)
    if not content.startswith(_SIGNATURE):
        return None
    while at < len(content) and content[at + 4 : at + 8] != b"IDAT":
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] == b"tEXt" and content.startswith(KEYWORD, at + 8):
            return _framing(content[at + 8 + len(KEYWORD) : end])
        at = end + 4
    return None


def _framing(text: bytes) -> CropGeometry | None:
    try:
        margin = float(text)
    except ValueError:
        return None
    return CropGeometry(side=1 / (1 + 2 * margin)) if 0 <= margin <= 1 and np.isfinite(margin) else None
