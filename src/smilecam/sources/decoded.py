"""A frame as PyAV decodes it: converted to an image when someone asks for one, upright, in colour or grey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import av
import numpy as np
from av.buffer import Buffer

from smilecam.opencv import cv2
from smilecam.types import GreyImage, Image

LUMA_FIRST = frozenset(
    f"yuv{alpha}{range_}{form}p"
    for alpha in ("", "a")
    for range_ in ("", "j")
    for form in ("410", "411", "420", "422", "440", "444")
) | {"nv12", "nv21", "nv16", "nv24", "gray"}
"""Pixel formats of 8 bits whose first plane is the grey image."""

FULL_RANGE = 2
"""FFmpeg's number for luma from 0 to 255; otherwise it goes from 16 to 235."""

_EXPANSION = 255 / 219


class DecodedImage:
    """The image of a decoded frame, undecoded as far as colours go, with the rotation that makes it upright."""

    __slots__ = ("_frame", "_luma", "_rotation")

    def __init__(self, frame: av.VideoFrame, rotation: Rotation | None) -> None:
        """Keep both."""
        self._frame, self._rotation = frame, rotation
        self._luma: GreyImage | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the upright image."""
        height, width = self._frame.height, self._frame.width
        return (width, height) if self._rotation is not None and self._rotation.transposed else (height, width)

    @property
    def held_pixels(self) -> int:
        """Pixels of the frame."""
        return self._frame.width * self._frame.height

    @property
    def has_luma(self) -> bool:
        """Whether the luma plane is the grey image, in its own range."""
        return self._frame.format.name in LUMA_FIRST

    def colour(self) -> Image:
        """uint8 (height, width, 3), blue-green-red."""
        image = np.asarray(self._frame.to_ndarray(format="bgr24"), np.uint8)
        return self._rotation(image) if self._rotation else image

    def grey(self) -> GreyImage:
        """uint8 (height, width): the luma plane, not derived from colours, and not copied if its range is full."""
        plane = self._plane()
        if plane is None:
            return np.asarray(cv2.cvtColor(self.colour(), cv2.COLOR_BGR2GRAY), np.uint8)
        grey = self.full_range(plane)
        return self._rotation(grey) if self._rotation else grey

    def sampled_luma(self, step: int) -> GreyImage | None:
        """uint8 (rows, columns): every so many-th pixel of ``luma``, a copy; None where there is none."""
        plane = self._plane()
        if plane is None:
            return None
        sampled = plane[::step, ::step].copy()
        return self._rotation(sampled) if self._rotation else sampled

    def full_range(self, luma: GreyImage) -> GreyImage:
        """Some of ``luma``, uint8 (rows, columns), as it is in ``grey``: the same array where its range is full."""
        if self._has_full_range():
            return luma
        # This takes half the time of a look-up table.
        return np.asarray(cv2.addWeighted(luma, _EXPANSION, luma, 0, -16 * _EXPANSION), np.uint8)

    def luma(self) -> GreyImage | None:
        """uint8 (height, width): the luma plane in its own range, not copied; None where the format has no such."""
        plane = self._plane()
        return self._rotation(plane) if self._rotation and plane is not None else plane

    def _plane(self) -> GreyImage | None:
        """The luma plane, if the pixel format has one of 8 bits; read-only, as the decoder predicts from it."""
        frame = self._frame
        if self._luma is not None or not self.has_luma:
            return self._luma
        plane = frame.planes[0]
        shape, strides = (frame.height, frame.width), (plane.line_size, 1)
        luma: GreyImage = np.ndarray(shape, np.uint8, buffer=memoryview(plane), strides=strides)
        luma.flags.writeable = False
        self._luma = luma
        return self._luma

    def _has_full_range(self) -> bool:
        name = self._frame.format.name
        return name == "gray" or name.startswith(("yuvj", "yuvaj")) or self._frame.color_range == FULL_RANGE


class Rotation:
    """How to show the frames of a file: rotated by quarters, mirrored, or both.

    Attributes:
        transposed: whether rows become columns.
    """

    def __init__(self, matrix: bytes) -> None:
        """Read a display matrix: nine 32-bit integers, of which four give the directions of the axes."""
        a, b, _, c, d, *_ = (int(value) for value in np.frombuffer(matrix, np.int32)[:9])
        self.transposed = abs(b) + abs(c) > abs(a) + abs(d)
        across, down = (c, b) if self.transposed else (a, d)
        self._flips = (across < 0, down < 0)

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.transposed or any(self._flips)

    def __call__(self, image: Image) -> Image:
        """Apply it to uint8 (height, width, 3) or (height, width)."""
        if self.transposed:
            image = np.asarray(cv2.transpose(image), np.uint8)
        across, down = self._flips
        if across or down:
            image = np.asarray(cv2.flip(image, -1 if across and down else int(across)), np.uint8)
        return image


class RotationCache:
    """The rotations of the frames of a stream.

    Reading a frame's side data creates a reference cycle, which keeps the frame's memory until Python collects such
    cycles: a video would take hundreds of megabytes. So it is read only when something about the frames changes.
    """

    def __init__(self) -> None:
        """Start without a frame."""
        self._known: tuple[int, int, int] | None = None
        self._rotation: Rotation | None = None

    def of(self, frame: av.VideoFrame) -> Rotation | None:
        """The rotation that a frame needs, if any."""
        now = (frame.width, frame.height, frame.rotation)
        if now != self._known:
            self._known, self._rotation = now, _rotation_of(frame)
        return self._rotation


def _rotation_of(frame: av.VideoFrame) -> Rotation | None:
    side_data: Mapping[str, Buffer] = cast(Any, frame.side_data)
    if (matrix := side_data.get("DISPLAYMATRIX")) is None:
        return None
    rotation = Rotation(bytes(matrix))
    return rotation if rotation.changes else None
