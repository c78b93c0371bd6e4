"""Synthetic sources: video that needs no file and no camera, the same in each run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

import numpy as np

from smilecam.errors import SourceNotFound, UsageProblem
from smilecam.opencv import cv2, max_pixels
from smilecam.sources.base import Counts, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.synthetic_face import SyntheticFace
from smilecam.types import GreyImage, Image

EXAMPLE = "synthetic:640x480@30?seconds=10 or synthetic:face:640x480@30?seconds=8&faces=1&smile=alternate"
"""Complete ones; what is left out has these values. A face also takes ``size``, in pixels."""

COUNTER_BITS = 16
"""The strip at the top of a pattern shows the frame's number in binary, the highest bit on the left."""

_NUMBER = r"\d{1,7}(?:\.\d{1,3})?"
_FORM = re.compile(
    r"synthetic:(?P<face>face(?::|(?=\?)|$))?(?:(?P<width>\d{1,5})x(?P<height>\d{1,5}))?"
    r"(?:@(?P<fps>\d{1,4}(?:\.\d{1,3})?))?(?:\?(?P<options>.+))?",
    re.ASCII,
)
_OPTIONS = {"seconds": _NUMBER}
_FACE_OPTIONS = _OPTIONS | {"faces": r"\d{1,3}", "size": r"\d{1,5}", "smile": "[a-z]+"}
_CONVERTERS = {
    "width": int,
    "height": int,
    "faces": int,
    "size": int,
    "fps": Fraction,
    "seconds": Fraction,
    "smile": str,
}
_SMALLEST_SIDE = 32


class SyntheticVideo(Protocol):
    """Video that is drawn."""

    @property
    def width(self) -> int:
        """Of a frame, in pixels."""

    @property
    def height(self) -> int:
        """Of a frame, in pixels."""

    @property
    def fps(self) -> float | Fraction:
        """Frames a second."""

    @property
    def frame_count(self) -> int:
        """Number of frames."""

    def renderer(self) -> Callable[[int], Image]:
        """What draws a frame by its number, from 0: uint8 (height, width, 3), blue-green-red."""


@dataclass(frozen=True, slots=True)
class SyntheticPattern:
    """A moving test pattern without a face.

    Attributes:
        width: in pixels.
        height: in pixels.
        fps: frames a second.
        seconds: length.
    """

    width: int = 640
    height: int = 480
    fps: Fraction = Fraction(30)
    seconds: Fraction = Fraction(10)

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return int(self.fps * self.seconds)

    def background(self) -> Image:
        """The part that does not move: eight colour bars above a grey ramp.

        Returns:
            uint8 (height, width, 3), blue-green-red.
        """
        bars = np.array([[(255 * (n & 1), 255 * (n >> 1 & 1), 255 * (n >> 2 & 1)) for n in range(8)]], np.uint8)
        pattern = np.repeat(bars[:, np.arange(self.width) * 8 // self.width], self.height, axis=0)
        ramp = np.linspace(0, 255, self.width).astype(np.uint8)
        pattern[self.height * 2 // 3 :] = ramp[None, :, None]
        return np.ascontiguousarray(pattern)

    def draw(self, background: Image, number: int) -> Image:
        """One frame: a white square that moves to and fro, and the counter at the top.

        Args:
            background: as ``background()`` gives it; not changed.
            number: of the frame, from 0.

        Returns:
            uint8 (height, width, 3), blue-green-red.
        """
        pattern = background.copy()
        strip, side = self.height // 8, min(self.width, self.height) // 5
        for bit in range(COUNTER_BITS):
            left, right = (self.width * edge // COUNTER_BITS for edge in (bit, bit + 1))
            pattern[:strip, left:right] = 255 * (number >> (COUNTER_BITS - 1 - bit) & 1)
        span = self.width - side
        at = int(2 * span * number / (self.fps * 2)) % (2 * span)  # there and back in two seconds
        left, top = min(at, 2 * span - at), (self.height - side) // 2
        cv2.rectangle(pattern, (left, top), (left + side - 1, top + side - 1), (255, 255, 255), cv2.FILLED)
        return pattern

    def renderer(self) -> Callable[[int], Image]:
        """What draws a frame by its number, from 0: uint8 (height, width, 3), blue-green-red."""
        return partial(self.draw, self.background())


def parse(name: str) -> SyntheticVideo:
    """Read the name of a synthetic source.

    Args:
        name: such as ``EXAMPLE``.

    Raises:
        SourceNotFound: the name is not of this form, or a value is out of bounds.
    """
    match = _FORM.fullmatch(name)
    values = match and _values(match)
    if match is None or values is None:
        raise SourceNotFound(f"{name[:200]} is no synthetic source: write it like {EXAMPLE}")
    if not match["face"]:
        return _checked(SyntheticPattern(**values), name)
    try:
        return SyntheticFace(**values)
    except UsageProblem as error:
        raise SourceNotFound(f"{name[:200]} is no synthetic source: {error}") from error


def _values(match: re.Match[str]) -> dict[str, Any] | None:
    """What a name gives, by the fields it is for; None where an option is unknown, repeated or of another form."""
    given = {field: match[field] for field in ("width", "height", "fps") if match[field] is not None}
    forms = _FACE_OPTIONS if match["face"] else _OPTIONS
    for option in match["options"].split("&") if match["options"] else ():
        key, _, value = option.partition("=")
        if key in given or key not in forms or not re.fullmatch(forms[key], value, re.ASCII):
            return None
        given[key] = value
    return {field: _CONVERTERS[field](value) for field, value in given.items()}


def _checked(pattern: SyntheticPattern, name: str) -> SyntheticPattern:
    small = min(pattern.width, pattern.height) < _SMALLEST_SIDE
    large = pattern.width * pattern.height > max_pixels()
    if small or large or not 0 < pattern.fps <= 1000 or pattern.frame_count < 1:
        raise SourceNotFound(f"{name} is no synthetic source: it is too small, too large, too fast or too short")
    return pattern


class _LazyDrawing:
    """A frame that is drawn when its pixels are first used."""

    __slots__ = ("_number", "_render", "shape")

    def __init__(self, render: Callable[[int], Image], number: int, shape: tuple[int, int]) -> None:
        self._render, self._number, self.shape = render, number, shape

    @property
    def held_pixels(self) -> int:
        return 0

    @property
    def has_luma(self) -> bool:
        return False

    def colour(self) -> Image:
        return self._render(self._number)

    def grey(self) -> GreyImage:
        return np.asarray(cv2.cvtColor(self.colour(), cv2.COLOR_BGR2GRAY), np.uint8)

    def luma(self) -> None:
        return None

    def full_range(self, luma: GreyImage) -> GreyImage:
        return luma

    def sampled_luma(self, step: int) -> None:  # noqa: ARG002 - as of a decoded frame
        return None


class SyntheticSource(Source):
    """Source of the frames of a synthetic video."""

    live = False
    missing = 0

    def __init__(self, ref: SourceRef, video: SyntheticVideo) -> None:
        """Prepare; nothing is drawn yet."""
        self.ref, self.counts, self._video = ref, Counts(), video
        self.fps: float | None = float(video.fps)
        self.expected: int | None = video.frame_count

    def __iter__(self) -> Iterator[Frame]:
        render, shape = self._video.renderer(), (self._video.height, self._video.width)
        for number in range(self._video.frame_count):
            self.counts.received += 1
            yield Frame(number, float(number / self._video.fps), lazy=_LazyDrawing(render, number, shape))

    def close(self) -> None:
        """Do nothing: there is nothing to release."""
