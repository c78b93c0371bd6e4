"""One image of a stream, converted to colours or grey when someone asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from smilecam.opencv import cv2
from smilecam.types import GreyImage, GreyPixels, Image


class LazyImage(Protocol):
    """An image in a codec's own pixel format.

    Attributes:
        shape: height and width in pixels.
        held_pixels: pixels that are in memory meanwhile.
        has_luma: whether ``luma`` gives anything.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """As above; nothing is converted to find out."""

    @property
    def held_pixels(self) -> int:
        """As above."""

    @property
    def has_luma(self) -> bool:
        """As above."""

    def colour(self) -> Image:
        """uint8 (height, width, 3), blue-green-red."""

    def grey(self) -> GreyImage:
        """uint8 (height, width), 0 to 255."""

    def luma(self) -> GreyImage | None:
        """``grey`` in the codec's own linear range, such as 16 to 235, without a copy; None where there is none."""

    def full_range(self, luma: GreyImage) -> GreyImage:
        """Some of ``luma``, as it is in ``grey``."""

    def sampled_luma(self, step: int) -> GreyImage | None:
        """Every so many-th pixel of ``luma``, across and down; None where there is none."""


class GreyRegions:
    """The grey image of a frame, of which only the regions that are taken are made."""

    def __init__(self, luma: GreyImage, full_range: Callable[[GreyImage], GreyImage]) -> None:
        """Keep the luma plane, and what makes grey pixels of it."""
        self._luma, self._full_range, self.shape = luma, full_range, luma.shape

    def __getitem__(self, region: Any, /) -> GreyImage:  # noqa: ANN401 - what numpy takes
        """The pixels of a region: uint8 (rows, columns)."""
        return self._full_range(self._luma[region])


class Frame:
    """One image of a stream.

    Most frames are needed in grey only, and converting one to colours costs as much as decoding it.

    Attributes:
        number: counted from 0 over the frames that the source received; numbers of dropped frames are missing.
        time: seconds since the first moment of the stream by its own timestamps, or a camera's clock; None for an
            image file.
        capture_time: seconds on the monotonic clock when a live source received it, for latency; None for files.
    """

    __slots__ = ("_grey", "_image", "_lazy", "_luma", "_shape", "capture_time", "number", "time")

    def __init__(
        self,
        number: int,
        time: float | None,
        image: Image | None = None,
        *,
        lazy: LazyImage | None = None,
        capture_time: float | None = None,
    ) -> None:
        """Keep an image, or what can give one.

        Args:
            number: as above.
            time: as above.
            image: uint8 (height, width, 3) blue-green-red, or (height, width) grey.
            lazy: in place of ``image``.
            capture_time: as above.
        """
        self.number, self.time, self.capture_time = number, time, capture_time
        self._image, self._lazy = image, lazy
        self._grey: GreyImage | None = None
        self._luma: GreyImage | None = None
        self._shape: tuple[int, int] | None = None

    def release(self, *, keep_image: bool = False) -> None:
        """Let go of the pixels, while the frame waits for a decision; ``shape`` stays.

        Args:
            keep_image: whether somebody will look at the image: only what can be made from it again is let go then.
        """
        self._shape = self.shape
        self._grey = self._luma = None
        if not keep_image:
            self._image = self._lazy = None

    def release_grey(self) -> None:
        """Let go of ``grey`` where the luma plane is kept, of which regions can be made again (``grey_pixels``)."""
        if self._lazy is not None and self._lazy.has_luma:
            self._grey = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        if self._shape is None:
            height, width = self.image.shape[:2] if self._lazy is None else self._lazy.shape
            self._shape = height, width
        return self._shape

    @property
    def held_pixels(self) -> int:
        """Pixels that this frame keeps in memory; nothing is converted to find out."""
        if self._lazy is not None:
            return self._lazy.held_pixels
        return 0 if self._image is None else self._image.shape[0] * self._image.shape[1]

    @property
    def image(self) -> Image:
        """uint8 (height, width, 3), blue-green-red; the same array each time. Grey where grey was given."""
        if self._image is None:
            if self._lazy is None:
                raise ValueError("the frame has no image, or has been released")
            self._image = self._lazy.colour()
        return self._image

    @property
    def grey(self) -> GreyImage:
        """uint8 (height, width); the same array each time until it is released."""
        if self._grey is None:
            if self._lazy is not None:
                self._grey = self._lazy.grey()
            elif self.image.ndim == 2:
                self._grey = self.image
            else:
                self._grey = np.asarray(cv2.cvtColor(self.image, cv2.COLOR_BGR2GRAY), np.uint8)
        return self._grey

    @property
    def luma(self) -> GreyImage:
        """uint8 (height, width): the grey image in the codec's own range of brightness, which costs nothing to make.

        For what compares frames of one video with each other; all of its frames have the same range.
        """
        if self._luma is None:
            luma = None if self._lazy is None else self._lazy.luma()
            self._luma = self.grey if luma is None else luma
        return self._luma

    @property
    def grey_pixels(self) -> GreyPixels:
        """``grey`` for who takes few regions of it: only these are converted, unless all of it has been."""
        if self._grey is None and self._lazy is not None and self._lazy.has_luma:
            return GreyRegions(self.luma, self._lazy.full_range)
        return self.grey

    def sampled_luma(self, side: int) -> GreyImage:
        """``luma``, of which every so many-th pixel is taken.

        Args:
            side: the longer side of the result is at least this, and less than twice as much, or that of ``luma``.
        """
        step = max(1, max(self.shape) // side)
        sampled = None if self._lazy is None else self._lazy.sampled_luma(step)
        return self.grey[::step, ::step] if sampled is None else sampled

    def full_range(self, luma: GreyImage) -> GreyImage:
        """Some of ``luma``, as it is in ``grey``."""
        return self._lazy.full_range(luma) if self._lazy is not None and self._lazy.has_luma else luma
