"""What was seen in a frame: a result that a program reads, draws and shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smilecam.drawing import annotate, encode_png
from smilecam.types import Event, Face, Image

SHOWN_PIXELS = 1024
"""The longer side of the images that notebooks show, and keep in their files."""


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What was seen in one frame.

    Attributes:
        source: name of the image, video or camera, as it was given.
        frame: the frame's number, counted from 0; 0 for an image.
        time: seconds since the first moment of the stream by its own timestamps; None for an image.
        faces: the faces, from left to right.
        events: what this frame made certain, in a stream.
        image: the image that a program gave, to show the result with; None in streams, whose items hold their frame.
    """

    source: str
    frame: int
    time: float | None
    faces: tuple[Face, ...]
    events: tuple[Event, ...] = ()
    image: Image | None = field(default=None, repr=False, compare=False)

    @property
    def smiling(self) -> bool:
        """Whether at least one face smiles."""
        return any(face.smiling for face in self.faces)

    def annotate(self, image: Image, *, numbers: bool = False) -> Image:
        """Draw a box for every face, and the label "Smiling" where it smiles.

        Args:
            image: that the result is about, uint8 (height, width, 3), blue-green-red, or (height, width) grey; left as
                it is.
            numbers: label every face, with its number in a stream and its probability.

        Returns:
            A new image, uint8 (height, width, 3), blue-green-red.
        """
        return annotate(image, self.faces, numbers=numbers)

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows: the annotated image, where the result knows it."""
        return None if self.image is None else self.shown_png(self.image)

    def shown_png(self, image: Image) -> bytes:
        """What a notebook shows: an image with the result drawn in, reduced to ``SHOWN_PIXELS``, as a PNG file.

        Args:
            image: as for ``annotate``.
        """
        return encode_png(self.annotate(image), SHOWN_PIXELS)

    def as_dict(self) -> dict[str, Any]:
        """The frame as plain values, in the form of one line of ``--jsonl``; events have lines of their own."""
        return {
            "type": "frame",
            "source": self.source,
            "frame": self.frame,
            "time": None if self.time is None else round(self.time, 4),
            "faces": [face.as_dict() for face in self.faces],
        }
