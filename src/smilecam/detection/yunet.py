"""Finding faces with YuNet, a small network that also gives five points of each face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from smilecam.classification.crop import cut, resize
from smilecam.detection.yunet_file import check_yunet, read_yunet
from smilecam.geometry import iou
from smilecam.onnx_runtime import open_session
from smilecam.opencv import cv2
from smilecam.types import Box, DetectedFace, FloatArray, GreyImage, Landmarks

STRIDES = (8, 16, 32)
"""The network looks at three grids, of one cell every so many pixels."""

NEAR_WINDOW = 2.4
"""Side of the window in which a known face is looked for again, in longer sides of its box."""

NEAR_SIZE = 96
"""That window is resized to this many pixels: the face is then about 48 pixels high, which the network sees well. With
128 it takes twice the time and finds no more (benchmarks/agreement.py)."""

NEAR_BATCH = 16
"""Windows in one call of the network: more take memory and gain nothing."""

NEAR_CONFIDENCE = 0.5
"""What a known face keeps being believed at, as a share of what a new one needs."""

LARGE_FACE = 256
"""Faces of more pixels than this in the searched picture are looked at again in a window: the network was taught with
smaller ones, and puts boxes and points of larger ones up to a third of a face off."""

OVERVIEW_SIZE = 224
"""Where nothing is found, the picture is searched again at this size: a face that fills it is seen then."""

SAME_FACE = 0.3
"""Overlap (intersection over union) from which a box in that window is the known face, moved."""

# The file is made for one picture of 640 x 640, but nothing in the network depends on that: the same number of bytes
# in the description of its input leaves batch, height and width open.
_FIXED_INPUT = bytes.fromhex("0a020801 0a020803 0a03088005 0a03088005")
_OPEN_INPUT = bytes.fromhex("0a021200 0a020803 0a03120168 0a03120177")

_Region: TypeAlias = tuple[float, float, float, float]
"""Where a picture that was searched lies in the whole one: x and y of its corner, pixels across and down per pixel."""


@dataclass(frozen=True, slots=True)
class YuNetSettings:
    """How to search.

    Attributes:
        detection_size: the longer side of the picture is reduced to this many pixels before the search. Time grows
            with its square; faces are found from about 10 pixels of the reduced picture. Of 185 faces of 40
            pixels and more in 1080p that a search at 1600 finds surely, 640 finds 96.8 %, 800 98.9 %, 960 all.
        min_confidence: a face is kept when its ``confidence`` reaches this.
        max_overlap: of two boxes that overlap by more than this (intersection over union), the less sure is dropped.
    """

    detection_size: int = 960
    min_confidence: float = 0.6
    max_overlap: float = 0.3


VIDEO_DETECTION = YuNetSettings()
"""For videos and cameras."""

IMAGE_DETECTION = YuNetSettings(detection_size=1600)
"""For single pictures, where faces of a group can be small and nobody waits for the next frame."""


class YuNetDetector:
    """Faces from the front and from the side, as boxes from forehead to chin, with landmarks.

    One detector may serve several threads.
    """

    name = "yunet"

    def __init__(self, model: Path | bytes, settings: YuNetSettings | None = None) -> None:
        """Load the network.

        Args:
            model: the file ``yunet_n_640_640.onnx``, or its content.
            settings: how to search; by default ``VIDEO_DETECTION``.

        Raises:
            ModelFileError: the file cannot be read, or is not the one that this was made for.
        """
        self.settings = settings or VIDEO_DETECTION
        content = read_yunet(model) if isinstance(model, Path) else check_yunet(model, "the content")
        self._session = open_session(content.replace(_FIXED_INPUT, _OPEN_INPUT))

    def __call__(self, grey: GreyImage, region: Box | None = None) -> list[DetectedFace]:
        """Find faces.

        Args:
            grey: uint8 (height, width).
            region: as ``FaceDetector`` says.

        Returns:
            Faces from the left to the right, boxes in pixels of ``grey`` and inside it; points may lie outside.
        """
        factor = max(1.0, max(grey.shape) / self.settings.detection_size)
        if region is not None:
            return sorted(self._search(grey, factor, region))
        whole = Box(0, 0, grey.shape[1], grey.shape[0])
        return sorted(
            self._search(grey, factor, whole) or self._search(grey, max(1.0, max(grey.shape) / OVERVIEW_SIZE), whole)
        )

    def redetect(self, grey: GreyImage, faces: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Look for known faces where they last were: cheaper than a search of the whole picture for a few faces.

        Args:
            grey: uint8 (height, width).
            faces: where each was in a picture shortly before or after.

        Returns:
            For each of them where it is now; None where nothing is, or only another one of them.
        """
        best = []
        for at in range(0, len(faces), NEAR_BATCH):
            some = faces[at : at + NEAR_BATCH]
            best += [_moved(face.box, seen) for face, seen in zip(some, self._look(grey, some), strict=True)]
        return [None if _is_another(row, best, faces) else face for row, face in enumerate(best)]

    def _look(self, grey: GreyImage, faces: Sequence[DetectedFace]) -> list[list[DetectedFace]]:
        """The faces in the window around each of several known ones."""
        squares = [_window(face.box) for face in faces]
        windows = np.stack([resize(cut(grey, square), NEAR_SIZE) for square in squares])
        regions = [(float(x1), float(y1), (x2 - x1) / NEAR_SIZE, (y2 - y1) / NEAR_SIZE) for x1, y1, x2, y2 in squares]
        return self._find(windows, regions, grey.shape, NEAR_CONFIDENCE * self.settings.min_confidence)

    def _search(self, grey: GreyImage, factor: float, part: Box) -> list[DetectedFace]:
        """Search a part of a picture, reduced by ``factor``."""
        size = (max(1, round(part.width / factor)), max(1, round(part.height / factor)))
        inside = grey[part.y1 : part.y2, part.x1 : part.x2]
        small = inside if factor == 1 else cv2.resize(inside, size, interpolation=cv2.INTER_AREA)
        region = (float(part.x1), float(part.y1), part.width / size[0], part.height / size[1])
        least = self.settings.min_confidence
        found = self._find(np.asarray(small, np.uint8)[np.newaxis], [region], grey.shape, least)[0]
        large = [face for face in found if max(face.box.width, face.box.height) > LARGE_FACE * factor]
        better = dict(zip(large, self.redetect(grey, large), strict=True))
        return [better.get(face) or face for face in found]

    def _find(
        self, greys: GreyImage, regions: list[_Region], shape: tuple[int, ...], least: float
    ) -> list[list[DetectedFace]]:
        """The faces in each of several pictures of one size, in pixels of the whole picture of ``shape``."""
        height, width = greys.shape[1:]
        padded = np.zeros((len(greys), 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
        padded[:, :, :height, :width] = greys[:, np.newaxis]
        outputs = [np.asarray(output) for output in self._session.run(None, {"input": padded})]
        by_picture = [np.reshape(output, (len(greys), -1, output.shape[2])) for output in outputs]
        found = []
        for row, region in enumerate(regions):
            rows = decode([output[row] for output in by_picture], padded.shape[3], least, self.settings.max_overlap)
            found.append([face for values in rows.tolist() if (face := _placed(values, region, shape))])
        return found


def decode(outputs: list[FloatArray], width: int, min_confidence: float, max_overlap: float) -> FloatArray:
    """Read the faces of one picture out of the network's outputs.

    Args:
        outputs: float32 (cells, values): classes for each stride, then objects, boxes and points likewise.
        width: of the network's input, in pixels.
        min_confidence: of the faces to keep.
        max_overlap: of two boxes that overlap by more than this, the less sure is dropped.

    Returns:
        float32 (faces, 15): x, y, width, height, x and y of the points, confidence; in pixels of the input.
    """
    found = []
    for level, stride in enumerate(STRIDES):
        classes, objects, boxes, points = outputs[level :: len(STRIDES)]
        scores = np.sqrt(classes[:, 0].clip(0, 1) * objects[:, 0].clip(0, 1))
        cells = np.flatnonzero(scores >= min_confidence)
        corners = np.stack([cells % (width // stride), cells // (width // stride)], axis=1)
        sizes = np.exp(boxes[cells, 2:]) * stride
        upper_left = (corners + boxes[cells, :2]) * stride - sizes / 2
        landmarks = (np.tile(corners, 5) + points[cells]) * stride
        found.append(np.concatenate([upper_left, sizes, landmarks, scores[cells, np.newaxis]], axis=1))
    rows = np.concatenate(found).astype(np.float32)
    if len(rows) < 2:
        return rows
    # Neighbouring cells see the same face.
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0, max_overlap)
    return np.asarray(rows[np.ravel(kept).astype(int)])


def _placed(values: list[float], region: _Region, shape: tuple[int, ...]) -> DetectedFace | None:
    """A row of ``decode`` as a face of the whole picture; None where none of it lies inside."""
    left, top, across, down = region
    x, y, width, height = values[:4]
    box = Box(
        max(0, round(left + x * across)),
        max(0, round(top + y * down)),
        min(shape[1], round(left + (x + width) * across)),
        min(shape[0], round(top + (y + height) * down)),
    )
    if box.width < 1 or box.height < 1:
        return None
    points = [(top + value * down) if odd % 2 else (left + value * across) for odd, value in enumerate(values[4:14])]
    return DetectedFace(box, values[14], cast("Landmarks", tuple(points)))


def _window(box: Box) -> Box:
    side = max(2, round(NEAR_WINDOW * max(box.width, box.height)))
    x1, y1 = (box.x1 + box.x2 - side) // 2, (box.y1 + box.y2 - side) // 2
    return Box(x1, y1, x1 + side, y1 + side)


def _moved(box: Box, found: list[DetectedFace]) -> DetectedFace | None:
    """Of the faces in the window around a box, the one that overlaps it most."""
    best = max(found, key=lambda face: iou(face.box, box), default=None)
    return best if best and iou(best.box, box) >= SAME_FACE else None


def _is_another(row: int, found: Sequence[DetectedFace | None], faces: Sequence[DetectedFace]) -> bool:
    """Whether what was found for a face is a face that another one of them is nearer to."""
    mine = found[row]
    if mine is None:
        return False
    claim = (iou(mine.box, faces[row].box), -row)
    return any(
        other is not None
        and number != row
        and iou(other.box, mine.box) > SAME_FACE
        and (iou(other.box, faces[number].box), -number) > claim
        for number, other in enumerate(found)
    )
