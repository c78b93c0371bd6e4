"""Whether a GIF is an image or a video, by its structure: nothing is decoded."""

from __future__ import annotations

from typing import IO

SUFFIX = ".gif"
SIGNATURES = (b"GIF87a", b"GIF89a")
_COLOUR_TABLE, _TABLE_BITS = 0x80, 0x07
_IMAGE, _EXTENSION, _END = b",", b"!", b";"


def is_still_gif(file: IO[bytes]) -> bool:
    """Whether a file is a whole GIF of exactly one frame; reads no further than the second frame.

    Args:
        file: open for reading bytes, at its beginning.
    """
    head = file.read(13)
    if len(head) < 13 or head[:6] not in SIGNATURES:
        return False
    _skip_colour_table(file, head[10])
    frames = 0
    while (block := file.read(1)) in (_IMAGE, _EXTENSION):
        if block == _IMAGE:
            frames += 1
            descriptor = file.read(9)
            if frames > 1 or len(descriptor) < 9:
                return False
            _skip_colour_table(file, descriptor[8])
        file.read(1)  # kind of the extension, or code size of the image
        while size := file.read(1)[:1].strip(b"\0"):
            file.read(size[0])
    return frames == 1 and block == _END


def _skip_colour_table(file: IO[bytes], flags: int) -> None:
    if flags & _COLOUR_TABLE:
        file.read(3 * 2 ** ((flags & _TABLE_BITS) + 1))
