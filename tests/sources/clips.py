"""Clips made on the spot, for the tests beside this file."""

import os
import struct
from fractions import Fraction

import av
import numpy as np


def graded(number, size=(64, 96)):
    """A picture that is the same nowhere and in no other frame: uint8 (height, width, 3)."""
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(40, 200, width)[None, :]
    image[..., 1] = np.linspace(60, 180, height)[:, None]
    image[..., 2] = 60 + 7 * number % 140
    image[: height // 4, : width // 4] = 230
    return image


def encode(
    path, images, *, codec="libx264", form="yuv420p", pts=None, time_base=Fraction(1, 10), options=None, muxing=None
):
    """Write a clip with PyAV."""
    with av.open(str(path), "w", options=muxing or {}) as output:
        stream = output.add_stream(codec, rate=Fraction(1) / time_base)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = form
        stream.options = options or {}
        stream.codec_context.time_base = time_base
        for at, image in zip(pts or range(len(images)), images, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = at, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def hollow_avi(path, frames=20, size=3_000_000_000):
    """A clip whose last frame is followed by gigabytes of nothing, in which a demuxer searches for the next one."""
    encode(path, [graded(n) for n in range(frames)], codec="mpeg4")
    content = bytearray(path.read_bytes())
    movi = content.index(b"movi") - 4
    del content[content.index(b"idx1") :]
    content[4:8] = struct.pack("<I", size - 8)
    content[movi : movi + 4] = struct.pack("<I", size - movi - 4)
    path.write_bytes(content)
    os.truncate(path, size)
    return path
