"""A moving test card: video that needs no file and no camera, the same each time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from smilecam.errors import SourceNotFound
from smilecam.opencv import cv2, max_pixels
from smilecam.sources.base import Counts, SourceRef
from smilecam.sources.frame import Frame
from smilecam.types import GreyImage, Image

PREFIX = "synthetic:"
EXAMPLE = "synthetic:640x480@30?seconds=10"
"""A complete one; what is left out has these values."""

COUNTER_BITS = 16
"""The strip at the top shows the frame's number in binary, the highest bit on the left."""

_FORM = re.compile(
    r"synthetic:(?:(?P<width>\d{1,5})x(?P<height>\d{1,5}))?(?:@(?P<fps>\d{1,4}(?:\.\d{1,3})?))?"
    r"(?:\?seconds=(?P<seconds>\d{1,7}(?:\.\d{1,3})?))?"
)
_SMALLEST_SIDE = 32


@dataclass(frozen=True, slots=True)
class TestCard:
    """A test card.

    Attributes:
        width: in pixels.
        height: in pixels.
        fps: frames a second.
        seconds: length.
    """

    __test__ = False  # no test, whatever its name says to pytest

    width: int = 640
    height: int = 480
    fps: Fraction = Fraction(30)
    seconds: Fraction = Fraction(10)

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return int(self.fps * self.seconds)

    def background(self) -> Image:
        """What does not move: eight colour bars above a grey ramp.

        Returns:
            uint8 (height, width, 3), blue-green-red.
        """
        bars = np.array([[(255 * (n & 1), 255 * (n >> 1 & 1), 255 * (n >> 2 & 1)) for n in range(8)]], np.uint8)
        card = np.repeat(bars[:, np.arange(self.width) * 8 // self.width], self.height, axis=0)
        ramp = np.linspace(0, 255, self.width).astype(np.uint8)
        card[self.height * 2 // 3 :] = ramp[None, :, None]
        return np.ascontiguousarray(card)

    def draw(self, background: Image, number: int) -> Image:
        """One frame: a white square goes to and fro, and the strip at the top counts.

        Args:
            background: as ``background()`` gives it; left as it is.
            number: of the frame.

        Returns:
            uint8 (height, width, 3), blue-green-red.
        """
        card = background.copy()
        strip, side = self.height // 8, min(self.width, self.height) // 5
        for bit in range(COUNTER_BITS):
            left, right = (self.width * edge // COUNTER_BITS for edge in (bit, bit + 1))
            card[:strip, left:right] = 255 * (number >> (COUNTER_BITS - 1 - bit) & 1)
        way = self.width - side
        at = int(2 * way * number / (self.fps * 2)) % (2 * way)  # there and back in two seconds
        left, top = min(at, 2 * way - at), (self.height - side) // 2
        cv2.rectangle(card, (left, top), (left + side - 1, top + side - 1), (255, 255, 255), cv2.FILLED)
        return card


def parse(argument: str) -> TestCard:
    """Read what follows ``synthetic:``.

    Raises:
        SourceNotFound: it is not of this form, or out of bounds.
    """
    match = _FORM.fullmatch(argument)
    if match is None:
        raise SourceNotFound(f"{argument} is no test card: write it like {EXAMPLE}")
    given = {name: value for name, value in match.groupdict().items() if value is not None}
    sizes = {name: int(given[name]) for name in ("width", "height") if name in given}
    rates = {name: Fraction(given[name]) for name in ("fps", "seconds") if name in given}
    card = TestCard(**sizes, **rates)  # type: ignore[arg-type]  # two kinds of values under their own names
    small = min(card.width, card.height) < _SMALLEST_SIDE
    if small or card.width * card.height > max_pixels() or not 0 < card.fps <= 1000 or card.frames < 1:
        raise SourceNotFound(f"{argument} is no test card: it is too small, too large, too fast or too short")
    return card


class _Drawing:
    """A frame of the card that is drawn once somebody looks at it."""

    __slots__ = ("_background", "_card", "_number")

    def __init__(self, card: TestCard, background: Image, number: int) -> None:
        self._card, self._background, self._number = card, background, number

    def colour(self) -> Image:
        return self._card.draw(self._background, self._number)

    def grey(self) -> GreyImage:
        return np.asarray(cv2.cvtColor(self.colour(), cv2.COLOR_BGR2GRAY), np.uint8)


class SyntheticSource:
    """The test card as a video."""

    live = False
    missing = 0

    def __init__(self, ref: SourceRef, card: TestCard) -> None:
        """Keep the card."""
        self.ref, self.counts, self._card = ref, Counts(), card
        self.fps: float | None = float(card.fps)
        self.expected: int | None = card.frames

    def __iter__(self) -> Iterator[Frame]:
        background = self._card.background()
        for number in range(self._card.frames):
            self.counts.received += 1
            yield Frame(number, float(number / self._card.fps), lazy=_Drawing(self._card, background, number))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: there is nothing to release."""
