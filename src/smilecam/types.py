"""The values that every part of smilecam speaks of. Numpy and the standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
"""A picture: uint8, (height, width, 3) in blue-green-red order, or (height, width) grey."""

GreyPicture: TypeAlias = npt.NDArray[np.uint8]
"""A grey picture: uint8, (height, width)."""

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


class Box(NamedTuple):
    """A rectangle in pixels, half-open: it holds x1 <= x < x2 and y1 <= y < y2, y growing downward."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def width(self) -> int:
        """Pixels from the left edge to the right one."""
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        """Pixels from the upper edge to the lower one."""
        return self.y2 - self.y1


class FoundFace(NamedTuple):
    """A face as a detector reports it: where it is, and how sure the detector is (0 to 1)."""

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face and what the network read in it.

    Attributes:
        box: where the face is, in pixels of the original picture.
        confidence: how sure the face detector is that this is a face, 0 to 1.
        smile: the network's probability of a visible smile, 0 to 1.
        smiling: whether ``smile`` reaches the model's threshold.
    """

    box: Box
    confidence: float
    smile: float
    smiling: bool


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What was seen in one frame.

    Attributes:
        source: the name of the picture, video or camera, as it was given.
        frame: the frame's number, counted from 0; 0 for a picture.
        time: seconds since the first moment of the stream by its own timestamps; None for a picture.
        faces: the faces, in the detector's order.
    """

    source: str
    frame: int
    time: float | None
    faces: tuple[Face, ...]

    @property
    def smiling(self) -> bool:
        """Whether at least one face smiles."""
        return any(face.smiling for face in self.faces)

    def as_dict(self) -> dict[str, Any]:
        """The frame as plain values, in the form of one line of ``--jsonl``."""
        return {
            "type": "frame",
            "source": self.source,
            "frame": self.frame,
            "time": None if self.time is None else round(self.time, 4),
            "faces": [
                {
                    "box": list(face.box),
                    "confidence": round(face.confidence, 4),
                    "smile": round(face.smile, 4),
                    "smiling": face.smiling,
                }
                for face in self.faces
            ],
        }
