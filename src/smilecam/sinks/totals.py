"""The images of a run, counted together."""

from __future__ import annotations

import time
from collections.abc import Callable

from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sources.base import Kind, Source
from smilecam.sources.frame import Frame

Log = Callable[[str], None]
"""Takes a line of text."""


class ImageTotals(Sink):
    """Logs one line at the end of a run of several images: how many faces, how many smile, and the rate."""

    uses_images = False

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the clock.

        Args:
            log: takes the line.
            clock: in seconds.
        """
        self._log, self._clock = log, clock
        self._started = self._last = clock()
        self._is_image = self._has_video = False
        self._images = self._with_smile = self._faces = self._smiling = 0

    def begin(self, source: Source) -> None:
        """Note whether it is an image."""
        self._is_image = source.ref.kind is Kind.IMAGE
        self._has_video = self._has_video or not self._is_image

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Count an image."""
        if not self._is_image:
            return
        self._last = self._clock()
        self._images += 1
        self._with_smile += result.smiling
        self._faces += len(result.faces)
        self._smiling += sum(face.smiling for face in result.faces)

    def close(self) -> None:
        """Log the line; the rate only where nothing but images took the time."""
        if self._images < 2:
            return
        images, self._images = self._images, 0
        faces = f"{self._faces} face{'' if self._faces == 1 else 's'}"
        smiling = f"{self._smiling} smile{'s' if self._smiling == 1 else ''}"
        line = f"{images} images: {faces}, {smiling}; a smile in {self._with_smile}"
        seconds = self._last - self._started
        self._log(line if self._has_video or seconds <= 0 else f"{line}; {images / seconds:.1f} images a second")
