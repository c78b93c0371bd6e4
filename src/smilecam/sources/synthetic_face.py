"""Video of a drawn face that smiles at known times: for tests without a camera, a file or anybody's image."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Literal

import numpy as np

from smilecam.errors import UsageProblem
from smilecam.opencv import cv2, max_pixels
from smilecam.sources import face_drawing
from smilecam.types import Box, FloatArray, Image

NEUTRAL_SECONDS, SMILE_SECONDS = 1.0, 2.0
"""A smile is between two neutral faces of this length each; then it all begins again."""

RAMP_SECONDS = 0.3
"""What a smile takes to appear and to vanish; it begins and ends in the middle of that."""

SMALLEST_FACE = 24
LARGEST_SCALE = 80.0
"""Pixels a unit of the drawing: larger faces are enlarged from that."""

Smile = Literal["alternate", "always", "never"]


@dataclass(frozen=True, slots=True)
class SyntheticFace:
    """Video of drawn faces, the same in each run.

    >>> face = SyntheticFace(seconds=4)
    >>> detector(face.image(smile=1.0)).smiling
    True
    >>> face.smile_intervals()
    [(1.0, 3.0)]
    >>> for result in detector.stream(face.name): ...

    The faces drift and breathe a little. Each repeats a second of a neutral face, two of a smile, and a neutral second.

    Attributes:
        width: in pixels.
        height: in pixels.
        fps: frames a second, at most 1000, to three decimals.
        seconds: length, to three decimals.
        faces: how many, side by side; they do the same at the same time.
        size: side of a face's box in pixels; by default what suits the frame.
        smile: "alternate" between neutral faces and smiles, or smile "always" or "never".

    Raises:
        UsageProblem: on construction, where a value is out of bounds or the faces do not fit into the frame.
    """

    width: int = 640
    height: int = 480
    fps: float | Fraction = 30
    seconds: float | Fraction = 8
    faces: int = 1
    size: int | None = None
    smile: Smile = "alternate"

    def __post_init__(self) -> None:
        if self.smile not in ("alternate", "always", "never"):
            raise UsageProblem(f"a synthetic face smiles alternate, always or never, not {self.smile!r}")
        if self.width < 1 or self.height < 1 or self.width * self.height > max_pixels():
            raise UsageProblem(f"a synthetic face cannot have frames of {self.width}x{self.height} pixels")
        if not (0 < self.fps <= 1000 and 0 < self.seconds < 1e7 and self.frame_count > 0):
            raise UsageProblem(f"a synthetic face cannot have {self.fps} frames a second for {self.seconds} seconds")
        fits = self.faces * 1.25 * self.face_size <= self.width and 1.25 * self.face_size <= self.height
        if self.faces < 1 or self.face_size < SMALLEST_FACE or not fits:
            faces = f"{self.faces} synthetic faces of {self.face_size} pixels"
            raise UsageProblem(f"{faces} do not fit into {self.width}x{self.height}: the least size is {SMALLEST_FACE}")

    @property
    def name(self) -> str:
        """What ``SmileDetector.stream`` and the command line take, such as ``synthetic:face:640x480@30?seconds=8``."""
        options = {"seconds": _decimal(self.seconds)}
        if self.faces != 1:
            options["faces"] = str(self.faces)
        if self.size is not None:
            options["size"] = str(self.size)
        if self.smile != "alternate":
            options["smile"] = self.smile
        query = "&".join(f"{key}={value}" for key, value in options.items())
        return f"synthetic:face:{self.width}x{self.height}@{_decimal(self.fps)}?{query}"

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return int(_rounded(self.fps) * _rounded(self.seconds))

    @property
    def face_size(self) -> int:
        """Side of a face's box, in pixels."""
        if self.size is not None:
            return self.size
        return max(SMALLEST_FACE, int(min(0.42 * self.height, 0.7 * self.width / max(1, self.faces))))

    def smile_intervals(self) -> list[tuple[float, float]]:
        """The ground truth: when each smile begins and ends, in seconds of the stream.

        The detector's events follow: ``since`` of a ``smile_start`` or ``smile_end`` lies within .3 s, and ``time``,
        when it is declared, up to a quarter of a second later.
        """
        seconds = float(self.seconds)
        if self.smile != "alternate":
            return [(0.0, seconds)] if self.smile == "always" else []
        period = 2 * NEUTRAL_SECONDS + SMILE_SECONDS
        begins = [number * period + NEUTRAL_SECONDS for number in range(math.ceil(seconds / period))]
        return [(begin, min(begin + SMILE_SECONDS, seconds)) for begin in begins if begin < seconds]

    def smile_at(self, time: float) -> float:
        """How broad the smile is at a time (in seconds): from 0, a neutral face, to 1."""
        if self.smile != "alternate":
            return float(self.smile == "always")
        period = 2 * NEUTRAL_SECONDS + SMILE_SECONDS
        from_middle = abs(time % period - period / 2)
        share = min(1.0, max(0.0, 0.5 + (SMILE_SECONDS / 2 - from_middle) / RAMP_SECONDS))
        return share * share * (3 - 2 * share)

    def boxes(self, time: float = 0.0) -> list[Box]:
        """Where the faces are at a time (in seconds), from left to right, about as the frontal-face cascade sees them.

        Returns:
            Boxes in pixels of the frame.
        """
        half = self.face_size / 2
        return [Box(round(x - half), round(y - half), round(x + half), round(y + half)) for x, y in self._centres(time)]

    def image(self, smile: float = 0.0, time: float = 0.0) -> Image:
        """One image.

        Args:
            smile: from 0 (a neutral face) to 1 (a broad smile), drawn in steps of 1/20.
            time: in seconds of the stream: where the faces are then.

        Returns:
            uint8 (height, width, 3), blue-green-red.

        Raises:
            UsageProblem: the smile is not from 0 to 1.
        """
        return self._draw(self._background(), smile, time)

    def images(self) -> Iterator[Image]:
        """All frames of the stream, one after the other: uint8 (height, width, 3), blue-green-red."""
        return map(self.renderer(), range(self.frame_count))

    def renderer(self) -> Callable[[int], Image]:
        """What draws a frame by its number, from 0: uint8 (height, width, 3), blue-green-red."""
        return partial(self._draw_frame, self._background())

    def _draw_frame(self, background: Image, number: int) -> Image:
        time = float(number / self.fps)
        return self._draw(background, self.smile_at(time), time)

    def _background(self) -> Image:
        light = np.linspace(1.0, 0.75, self.height, dtype=np.float32)[:, None, None] * np.array([174, 163, 146])
        return np.repeat(np.rint(light).astype(np.uint8), self.width, axis=1)

    def _centres(self, time: float) -> list[tuple[float, float]]:
        """Of the boxes: each face drifts about its place, not in step with the others."""
        centres = []
        for number in range(self.faces):
            across = 0.06 * math.sin(2 * math.pi * (time / 5 + number / 3))
            down = 0.025 * math.sin(2 * math.pi * (time / 3 + number / 4))
            x = self.width * (number + 0.5) / self.faces
            centres.append((x + across * self.face_size, self.height * 0.47 + down * self.face_size))
        return centres

    def _draw(self, background: Image, smile: float, time: float) -> Image:
        if not 0 <= smile <= 1:
            raise UsageProblem(f"a synthetic smile is from 0 to 1, not {smile}")
        breath = 1 + 0.008 * math.sin(2 * math.pi * time / 4)
        wanted = self.face_size / face_drawing.BOX_SIDE
        scale = min(wanted, LARGEST_SCALE)
        bust = face_drawing.draw_bust(scale, round(smile * face_drawing.STEPS))
        image = background.copy()
        for centre in self._centres(time):
            _place(image, bust, centre, scale, wanted * breath)
        return image


def _place(image: Image, bust: Image, centre: tuple[float, float], scale: float, wanted: float) -> None:
    """Draw a bust of ``scale`` pixels a unit into an image at ``wanted`` pixels a unit."""
    height, width = image.shape[:2]
    left, top = centre[0] + face_drawing.LEFT * wanted, centre[1] + face_drawing.TOP * wanted
    right = left + (face_drawing.RIGHT - face_drawing.LEFT) * wanted
    x1, x2, y1 = max(0, math.floor(left)), min(width, math.ceil(right)), max(0, math.floor(top))
    zoom = wanted / scale
    # Pixels have their middles at whole numbers here, and at halves in the drawing.
    shift_x, shift_y = left + zoom / 2 - 0.5 - x1, top + zoom / 2 - 0.5 - y1
    matrix: FloatArray = np.array([[zoom, 0, shift_x], [0, zoom, shift_y]], np.float32)
    # The border is repeated: transparent at the top and sides, and below the shirt goes on.
    layers = cv2.warpAffine(bust, matrix, (x2 - x1, height - y1), borderMode=cv2.BORDER_REPLICATE)
    behind = image[y1:, x1:x2]
    through = cv2.multiply(behind, cv2.merge([255 - layers[..., 3]] * 3), scale=1 / 255)
    image[y1:, x1:x2] = cv2.add(through, layers[..., :3])


def _rounded(value: float | Fraction) -> Fraction:
    return Fraction(round(value * 1000), 1000)


def _decimal(value: float | Fraction) -> str:
    return f"{float(value):.3f}".rstrip("0").rstrip(".")
