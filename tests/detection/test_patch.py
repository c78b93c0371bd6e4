"""Faces followed by their pixels."""

import numpy as np
import pytest

from smilecam.detection.patch import FacePatch
from smilecam.opencv import cv2
from smilecam.types import Box, DetectedFace

LANDMARKS = (220.0, 100.0, 250.0, 100.0, 235.0, 120.0, 225.0, 135.0, 245.0, 135.0)


@pytest.fixture(scope="module")
def grey(astronaut):
    return cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)


def shifted(grey, across, down):
    return cv2.warpAffine(grey, np.float32([[1, 0, across], [0, 1, down]]), grey.shape[::-1], borderMode=1)


@pytest.mark.parametrize(("across", "down"), [(0, 0), (7, -5), (-14, 10), (1, 1), (40, -35), (-50, 20)])
def test_a_face_is_found_to_a_pixel_or_two(grey, across, down):
    face = DetectedFace(Box(180, 70, 270, 160), 0.9, LANDMARKS)
    found = FacePatch.cut(grey, face).find(shifted(grey, across, down), face)
    assert abs(found.box.x1 - 180 - across) <= 2
    assert abs(found.box.y1 - 70 - down) <= 2
    assert (found.box.width, found.box.height) == (90, 90)
    assert abs(found.landmarks[0] - 220 - across) <= 2
    assert abs(found.landmarks[1] - 100 - down) <= 2


def test_brightness_and_contrast_do_not_matter(grey):
    face = DetectedFace(Box(180, 70, 270, 160), 0.9)
    darker = (16 + 0.5 * grey).astype(np.uint8)
    assert FacePatch.cut(grey, face).find(darker, face).box == face.box


def test_another_face_a_flat_image_and_one_that_left_are_not_found(grey):
    face = DetectedFace(Box(180, 70, 270, 160), 0.9)
    patch = FacePatch.cut(grey, face)
    assert patch.find(np.ascontiguousarray(grey[:, ::-1]), face) is None
    assert patch.find(np.full_like(grey, 90), face) is None
    assert patch.find(shifted(grey, 60, 0), face) is None
    gone = DetectedFace(Box(480, 70, 512, 160), 0.9)
    assert patch.find(grey, gone) is None


def test_a_face_of_which_too_little_is_in_the_image_has_no_patch(grey):
    assert FacePatch.cut(grey, DetectedFace(Box(505, 70, 595, 160), 0.9)) is None


def test_a_face_at_the_border_is_followed(grey):
    close = np.ascontiguousarray(grey[60:, 170:])
    face = DetectedFace(Box(0, 0, 100, 100), 0.9)
    found = FacePatch.cut(close, face).find(shifted(close, 6, 4), face)
    assert abs(found.box.x1 - 6) <= 2
    assert abs(found.box.y1 - 4) <= 2
