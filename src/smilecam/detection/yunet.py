"""Face detection with YuNet, a small network that also locates five landmarks of each face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from smilecam.classification.crop import cut, resize
from smilecam.detection.detector_settings import YUNET_FOR_STREAMS, YuNetSettings
from smilecam.detection.files import YUNET_FILE
from smilecam.geometry import iou
from smilecam.onnx_runtime import load_network
from smilecam.opencv import cv2
from smilecam.types import Box, DetectedFace, FloatArray, GreyImage, GreyPixels, IntArray, Landmarks

STRIDES = (8, 16, 32)
"""The network predicts on three grids, with one cell every so many pixels."""

ROI_SCALE = 2.4
"""Side of the region of interest (ROI) in which a known face is detected again, in longer sides of its box."""

ROI_SIZE = 96
"""The region is resized to this many pixels: the face is then about 48 pixels high, which the network detects well.
128 takes twice the time and finds no more (benchmarks/agreement.py)."""

ROI_BATCH = 16
"""Regions in one call of the network: more take memory and gain nothing."""

REDETECT_CONFIDENCE = 0.5
"""Minimum confidence of a known face, as a share of that of a new one."""

LARGE_FACE = 256
"""Faces of more pixels than this in the reduced image are detected again in a region: the network was trained on
smaller ones, and puts boxes and landmarks of larger ones up to a third of a face off."""

OVERVIEW_SIZE = 224
"""Where nothing is found, the image is tried again at this size, at which a face that fills it is found."""

SAME_FACE_IOU = 0.3
"""IoU from which a box in the region is the known face."""

# The file is made for one image of 640 x 640 with three colours, but nothing in the network depends on the sizes, and
# of a grey image all three are the same. So the same number of bytes in the description of its input leaves batch,
# height and width open and asks for one colour, for which the first layer has the sums of its weights; a comment fills
# up what it no longer needs.
_FIXED_INPUT = bytes.fromhex("0a020801 0a020803 0a03088005 0a03088005")
_OPEN_INPUT = bytes.fromhex("0a021200 0a020801 0a03120168 0a03120177")
_COLOUR_WEIGHTS = bytes.fromhex("0810 0803 0803 0803 1001 4203 343539 4ac00d")
_GREY_WEIGHTS = bytes.fromhex("0810 0801 0803 0803 1001 4203 343539 4ac004")
_COMMENT = bytes.fromhex("62fd08")
_FILTERS, _COLOURS, _WEIGHTS = 16, 3, 9

_Placement: TypeAlias = tuple[float, float, float, float]
"""Where the network's input lies in the image: x and y of its corner, image pixels per input pixel across and down."""


class YuNetDetector:
    """Detects faces from the front and from the side, as boxes from forehead to chin, with landmarks.

    Threads may share one.
    """

    name = YUNET_FILE.detector

    def __init__(self, model: Path | bytes, settings: YuNetSettings | None = None) -> None:
        """Load the network, once for all detectors of the process.

        Args:
            model: the file ``yunet_n_640_640.onnx``, or its content.
            settings: by default ``YUNET_FOR_STREAMS``.

        Raises:
            ModelFileError: the file cannot be read, or is not the one that this was made for.
        """
        self.settings = settings or YUNET_FOR_STREAMS
        content = YUNET_FILE.read(model) if isinstance(model, Path) else YUNET_FILE.verify(model, "the content")
        self._network = load_network(_for_grey_images(content))

    def __call__(self, grey: GreyPixels, region: Box | None = None) -> list[DetectedFace]:
        """Detect faces, as ``FaceDetector.__call__`` does; landmarks may lie outside the image."""
        factor = max(1.0, max(grey.shape) / self.settings.detection_size)
        if region is not None:
            return sorted(self._detect(grey, factor, region))
        whole = Box(0, 0, grey.shape[1], grey.shape[0])
        return sorted(
            self._detect(grey, factor, whole) or self._detect(grey, max(1.0, max(grey.shape) / OVERVIEW_SIZE), whole)
        )

    def redetect(self, grey: GreyPixels, faces: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Detect known faces again, as ``FaceDetector.redetect`` does.

        None also stands for a face in whose place only another one of ``faces`` is found.
        """
        best = []
        for at in range(0, len(faces), ROI_BATCH):
            batch = faces[at : at + ROI_BATCH]
            found = self._detect_in_rois(grey, batch)
            best += [_best_match(face.box, in_roi) for face, in_roi in zip(batch, found, strict=True)]
        return [None if _is_duplicate(row, best, faces) else face for row, face in enumerate(best)]

    def _detect_in_rois(self, grey: GreyPixels, faces: Sequence[DetectedFace]) -> list[list[DetectedFace]]:
        """All faces in the region around each of several known ones."""
        squares = [_roi(face.box) for face in faces]
        inputs = np.stack([resize(cut(grey, square), ROI_SIZE) for square in squares])
        placements = [(float(x1), float(y1), (x2 - x1) / ROI_SIZE, (y2 - y1) / ROI_SIZE) for x1, y1, x2, y2 in squares]
        return self._run(inputs, placements, grey.shape, REDETECT_CONFIDENCE * self.settings.min_confidence)

    def _detect(self, grey: GreyPixels, factor: float, region: Box) -> list[DetectedFace]:
        """Detect in a region of an image, reduced by ``factor``."""
        size = (max(1, round(region.width / factor)), max(1, round(region.height / factor)))
        inside = grey[region.y1 : region.y2, region.x1 : region.x2]
        small = inside if factor == 1 else cv2.resize(inside, size, interpolation=cv2.INTER_AREA)
        placement = (float(region.x1), float(region.y1), region.width / size[0], region.height / size[1])
        inputs = np.asarray(small, np.uint8)[np.newaxis]
        found = self._run(inputs, [placement], grey.shape, self.settings.min_confidence)[0]
        large = [face for face in found if max(face.box.width, face.box.height) > LARGE_FACE * factor]
        better = dict(zip(large, self.redetect(grey, large), strict=True))
        return [better.get(face) or face for face in found]

    def _run(
        self, inputs: GreyImage, placements: list[_Placement], shape: tuple[int, ...], min_confidence: float
    ) -> list[list[DetectedFace]]:
        """Run the network on a batch.

        Args:
            inputs: uint8 (n, height, width).
            placements: where each lies in the image.
            shape: (height, width) of the image.
            min_confidence: of the faces to keep.

        Returns:
            The faces in each input, in pixels of the image.
        """
        height, width = inputs.shape[1:]
        padded = np.zeros((len(inputs), 1, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
        padded[:, 0, :height, :width] = inputs
        run = self._network.run(None, {"input": padded})
        outputs = [np.reshape(output, (len(inputs), -1, output.shape[2])) for output in map(np.asarray, run)]
        by_input = decode(outputs, padded.shape[3], min_confidence, self.settings.iou_threshold)
        return [
            [face for values in rows if (face := _to_face(values, placement, shape))]
            for rows, placement in zip(by_input, placements, strict=True)
        ]


def _for_grey_images(content: bytes) -> bytes:
    """The network of the file, for any number of images of one colour and any size."""
    before, _, after = content.partition(_COLOUR_WEIGHTS)
    shape = (_FILTERS, _COLOURS, _WEIGHTS)
    weights = np.frombuffer(after, "<f4", _FILTERS * _COLOURS * _WEIGHTS).reshape(shape)
    sums: bytes = weights.sum(axis=1, dtype=np.float64).astype("<f4").tobytes()
    filling = b" " * (weights.nbytes - len(sums) - len(_COMMENT))
    adapted = before + _GREY_WEIGHTS + sums + _COMMENT + filling + after[weights.nbytes :]
    return adapted.replace(_FIXED_INPUT, _OPEN_INPUT)


def decode(
    outputs: Sequence[FloatArray], width: int, min_confidence: float, iou_threshold: float
) -> list[list[list[float]]]:
    """Decode the network's outputs.

    Args:
        outputs: float32 (n, cells, values): classes for each stride, then objects, boxes and landmarks likewise.
        width: of the network's input, in pixels.
        min_confidence: of the faces to keep.
        iou_threshold: of two boxes with a larger IoU, the less confident is dropped.

    Returns:
        For each of the n inputs its faces: x, y, width, height, x and y of the landmarks, confidence; in pixels of the
        input.
    """
    # Of all inputs and grids at once: a call of numpy takes longer than what it computes here.
    kinds = [outputs[first : first + len(STRIDES)] for first in range(0, len(outputs), len(STRIDES))]
    classes, objects, boxes, points = (np.concatenate(kind, axis=1) for kind in kinds)
    scores = np.sqrt(classes[..., 0].clip(0, 1) * objects[..., 0].clip(0, 1))
    inputs, cells = np.nonzero(scores >= min_confidence)
    if not cells.size:
        return [[] for _ in scores]
    corners, strides = _places(cells, [level.shape[1] for level in kinds[0]], width)
    sizes = np.exp(boxes[inputs, cells, 2:]) * strides.astype(np.float32)
    upper_left = (corners + boxes[inputs, cells, :2]) * strides - sizes / 2
    landmarks = (np.tile(corners, 5) + points[inputs, cells]) * strides
    rows = np.concatenate([upper_left, sizes, landmarks, scores[inputs, cells, np.newaxis]], axis=1)
    by_input = np.split(rows.astype(np.float32), np.searchsorted(inputs, np.arange(1, len(scores))))
    return [_suppressed(of_input.tolist(), iou_threshold) for of_input in by_input]


def _places(cells: IntArray, counts: Sequence[int], width: int) -> tuple[IntArray, IntArray]:
    """Where cells are in their grids.

    Args:
        cells: int64 (cells,), numbered through all grids, one after the other.
        counts: of cells in each grid.
        width: of the network's input, in pixels.

    Returns:
        int64 (cells, 2) with column and line, and (cells, 1) with the stride of its grid.
    """
    ends = np.cumsum(counts)
    grids = np.searchsorted(ends, cells, "right")
    strides = np.asarray(STRIDES)[grids]
    lines, columns = np.divmod(cells - (ends - counts)[grids], width // strides)
    return np.stack([columns, lines], axis=1), strides[:, np.newaxis]


def _suppressed(rows: list[list[float]], iou_threshold: float) -> list[list[float]]:
    """Non-maximum suppression: neighbouring cells detect the same face."""
    if len(rows) < 2:
        return rows
    kept = cv2.dnn.NMSBoxes([row[:4] for row in rows], [row[14] for row in rows], 0, iou_threshold)
    return [rows[index] for index in np.ravel(kept).tolist()]


def _to_face(values: list[float], placement: _Placement, shape: tuple[int, ...]) -> DetectedFace | None:
    """A row of ``decode`` as a face of the image; None where none of it lies inside."""
    left, top, across, down = placement
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


def _roi(box: Box) -> Box:
    """The square region of interest around a known face; it may leave the image."""
    side = max(2, round(ROI_SCALE * max(box.width, box.height)))
    x1, y1 = (box.x1 + box.x2 - side) // 2, (box.y1 + box.y2 - side) // 2
    return Box(x1, y1, x1 + side, y1 + side)


def _best_match(box: Box, found: list[DetectedFace]) -> DetectedFace | None:
    """Of the faces in the region around a box, the one with the highest IoU."""
    best = max(found, key=lambda face: iou(face.box, box), default=None)
    return best if best and iou(best.box, box) >= SAME_FACE_IOU else None


def _is_duplicate(row: int, found: Sequence[DetectedFace | None], faces: Sequence[DetectedFace]) -> bool:
    """Whether what was found for a face is a face that another one of them matches better."""
    mine = found[row]
    if mine is None:
        return False
    claim = (iou(mine.box, faces[row].box), -row)
    return any(
        other is not None
        and number != row
        and iou(other.box, mine.box) > SAME_FACE_IOU
        and (iou(other.box, faces[number].box), -number) > claim
        for number, other in enumerate(found)
    )
