from dataclasses import replace

import numpy as np
import pytest

from smilecam.detection.cascade import SIDE, STAGES, detect_windows, make_cascade
from smilecam.detection.coarse_to_fine import CoarseToFine
from smilecam.detection.detector_settings import HAAR_FOR_IMAGES
from smilecam.detection.haar import HaarDetector
from smilecam.geometry import iou
from smilecam.opencv import cv2

SMALL = replace(HAAR_FOR_IMAGES, detection_size=480)


@pytest.fixture(scope="module")
def in_two_passes():
    return HaarDetector(SMALL)


@pytest.fixture(scope="module")
def in_one_pass():
    return HaarDetector(replace(SMALL, two_passes_to=0))


@pytest.fixture(scope="module")
def grey(astronaut):
    return cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)


@pytest.mark.parametrize("side", [26, 40, 60, 90, 140, 220, 330])
def test_faces_of_any_size_are_found_where_one_pass_finds_them(grey, in_one_pass, in_two_passes, side):
    face = cv2.resize(grey[40:190, 150:300], None, fx=side / 96, fy=side / 96, interpolation=cv2.INTER_AREA)
    image = np.full((720, 960), 90, np.uint8)
    image[100 : 100 + face.shape[0], 200 : 200 + face.shape[1]] = face
    expected, found = in_one_pass(image), in_two_passes(image)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert iou(one.box, other.box) > 0.6


def test_nothing_in_noise(in_two_passes, noise):
    assert in_two_passes(cv2.cvtColor(noise, cv2.COLOR_BGR2GRAY)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (23, 23), (24, 24), (25, 1000), (10, 500)])
def test_images_of_any_shape_are_taken(in_two_passes, shape):
    assert in_two_passes(np.zeros(shape, np.uint8)) == []


def test_the_default_size_takes_one_pass(grey):
    large = cv2.resize(grey, None, fx=2, fy=2)
    assert HaarDetector(HAAR_FOR_IMAGES)(large) == HaarDetector(replace(HAAR_FOR_IMAGES, two_passes_to=0))(large)


def test_with_fewer_stages_more_windows_pass(grey):
    whole, fewer = (
        {tuple(box) for box, _ in detect_windows(make_cascade(stages), grey, 1.2, 0)} for stages in (STAGES, 18)
    )
    assert whole < fewer


def test_windows_lie_in_the_image_and_have_scores_of_the_whole_cascade(grey):
    cascade = make_cascade()
    windows = CoarseToFine(cascade)(grey, 1.15, 1)
    assert windows
    limits = [score for _, score in detect_windows(cascade, grey, 1.05, 0)]
    for (x, y, width, height), score in windows:
        assert 0 <= x <= x + width <= grey.shape[1]
        assert 0 <= y <= y + height <= grey.shape[0]
        assert width >= SIDE
        assert min(limits) - 1 < score < max(limits) + 3


def test_as_many_faces_of_a_small_set_are_found_as_in_one_pass(material, in_one_pass, in_two_passes):
    images = [cv2.imread(str(path), 0) for path in sorted((material / "faces").glob("*.jpg"))]
    one, two = (sum(len(detector(image)) for image in images) for detector in (in_one_pass, in_two_passes))
    assert two >= one - 1
