"""From a face to the network's input: the one transform that training, evaluation and run time share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from smilecam.opencv import cv2
from smilecam.presets import CropGeometry, InputSpec, LandmarkGeometry, Normalization
from smilecam.types import Box, DetectedFace, FloatArray, GreyImage, GreyPixels, Landmarks

STANDARDIZE_EPSILON = 1.0
"""Added to the standard deviation, in grey values, so that a flat image stays flat instead of exploding."""

FaceCrop: TypeAlias = Callable[[DetectedFace], Box]
"""The square of a face that goes to the network, in pixels of the face's image; it may leave the image."""


def square_in_box(box: Box, geometry: CropGeometry) -> Box:
    """The square that ``geometry`` picks inside ``box``, in whole pixels; it may leave the image.

    Args:
        box: a face, in pixels.
        geometry: side and shift as shares of the box.

    Returns:
        A square of at least one pixel, in the coordinates of ``box``.
    """
    centre_x = (box.x1 + box.x2) / 2 + geometry.shift_x * box.width
    centre_y = (box.y1 + box.y2) / 2 + geometry.shift_y * box.height
    return _square(centre_x, centre_y, geometry.side * max(box.width, box.height))


def square_of_landmarks(landmarks: Landmarks, geometry: LandmarkGeometry) -> Box:
    """The square that ``geometry`` puts around five landmarks, in whole pixels; it may leave the image.

    Args:
        landmarks: of a face, in pixels.
        geometry: side and height as multiples of distances between them.

    Returns:
        A square of at least one pixel, in the coordinates of the landmarks.
    """
    left_x, left_y, right_x, right_y, _, _, mouth_x1, mouth_y1, mouth_x2, mouth_y2 = landmarks
    eyes_x, eyes_y = (left_x + right_x) / 2, (left_y + right_y) / 2
    down_x, down_y = (mouth_x1 + mouth_x2) / 2 - eyes_x, (mouth_y1 + mouth_y2) / 2 - eyes_y
    mean_distance = (math.hypot(right_x - left_x, right_y - left_y) + math.hypot(down_x, down_y)) / 2
    centre_x, centre_y = eyes_x + geometry.along * down_x, eyes_y + geometry.along * down_y
    return _square(centre_x, centre_y, geometry.side * mean_distance)


def square_of_face(face: DetectedFace, geometry: CropGeometry | LandmarkGeometry) -> Box:
    """The square of a face that goes to the network, by its box or by its landmarks.

    Args:
        face: in pixels of its image.
        geometry: of boxes or of landmarks, as the detector of the face asks for.

    Raises:
        ValueError: the geometry is of landmarks, and the face has none: it comes from another detector.
    """
    if isinstance(geometry, CropGeometry):
        return square_in_box(face.box, geometry)
    if face.landmarks is None:
        raise ValueError("a face without landmarks cannot be cropped by landmarks: use the crop of its own detector")
    return square_of_landmarks(face.landmarks, geometry)


def face_crop(geometry: CropGeometry | LandmarkGeometry) -> FaceCrop:
    """``square_of_face`` with a fixed geometry."""
    return lambda face: square_of_face(face, geometry)


def _square(centre_x: float, centre_y: float, side: float) -> Box:
    pixels = max(1, round(side))
    x1, y1 = round(centre_x - pixels / 2), round(centre_y - pixels / 2)
    return Box(x1, y1, x1 + pixels, y1 + pixels)


def cut(grey: GreyPixels, square: Box) -> GreyImage:
    """Cut ``square`` out of an image; what lies outside repeats the image's border.

    Args:
        grey: uint8 (height, width), not empty; or with colours, uint8 (height, width, 3).
        square: where to cut, in pixels of ``grey``.

    Returns:
        uint8 (square.height, square.width), with colours where ``grey`` has them.
    """
    height, width = grey.shape[:2]
    if square.x1 >= 0 and square.y1 >= 0 and square.x2 <= width and square.y2 <= height:
        return grey[square.y1 : square.y2, square.x1 : square.x2]
    inside = grey[max(0, square.y1) : max(0, square.y2), max(0, square.x1) : max(0, square.x2)]
    if inside.size:
        margins = (max(0, -square.y1), max(0, square.y2 - height), max(0, -square.x1), max(0, square.x2 - width))
        return np.asarray(cv2.copyMakeBorder(inside, *margins, cv2.BORDER_REPLICATE | cv2.BORDER_ISOLATED), np.uint8)
    rows = np.arange(square.y1, square.y2).clip(0, height - 1)
    columns = np.arange(square.x1, square.x2).clip(0, width - 1)
    return grey[np.ix_(rows, columns)]


def resize(grey: GreyImage, size: int) -> GreyImage:
    """Resize to ``size`` x ``size``: averaging areas when it shrinks, so that fine texture does not alias.

    Args:
        grey: uint8 (height, width); or with colours, uint8 (height, width, 3).
        size: side of the result, in pixels.

    Returns:
        uint8 (size, size), with colours where ``grey`` has them.
    """
    shrinks = grey.shape[0] >= size and grey.shape[1] >= size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (size, size), interpolation=interpolation), dtype=np.uint8)


def normalize(grey: GreyImage | FloatArray, normalization: Normalization) -> FloatArray:
    """Turn grey values (0 to 255) into the network's input values.

    Args:
        grey: (..., height, width), each image in the last two axes.
        normalization: which rule.

    Returns:
        float32 of the same shape.
    """
    values = np.asarray(grey, dtype=np.float32)
    if normalization is Normalization.UNIT:
        return values / np.float32(255)
    mean = values.mean(axis=(-2, -1), keepdims=True)
    deviation = values.std(axis=(-2, -1), keepdims=True)
    return np.asarray((values - mean) / (deviation + np.float32(STANDARDIZE_EPSILON)), dtype=np.float32)


def network_input(grey: GreyPixels, boxes: Sequence[Box], geometry: CropGeometry, spec: InputSpec) -> FloatArray:
    """Cut, resize and normalise every face of an image into one batch.

    Args:
        grey: uint8 (height, width).
        boxes: the faces, in pixels of ``grey``.
        geometry: the square inside each box.
        spec: size and normalisation of the network's input.

    Returns:
        float32 (faces, 1, size, size); the first axis is 0 when there are no boxes.
    """
    return squares_input(grey, [square_in_box(box, geometry) for box in boxes], spec)


def squares_input(grey: GreyPixels, squares: Sequence[Box], spec: InputSpec) -> FloatArray:
    """Cut given squares out of an image, resize and normalise them into one batch.

    Args:
        grey: uint8 (height, width).
        squares: in pixels of ``grey``; they may leave it.
        spec: size and normalisation of the network's input.

    Returns:
        float32 (squares, 1, size, size); the first axis is 0 when there are none.
    """
    batch = np.empty((len(squares), spec.size, spec.size), dtype=np.uint8)
    for row, square in enumerate(squares):
        batch[row] = resize(cut(grey, square), spec.size)
    return normalize(batch, spec.normalization)[:, np.newaxis]
