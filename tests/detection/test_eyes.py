"""Open eyes: found in portraits, and not once they are painted over."""

import numpy as np
import pytest

from smilecam.detection.eyes import MIN_FACE, EyeDetector
from smilecam.detection.registry import Use, resolve_detector
from smilecam.opencv import cv2
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Box


@pytest.fixture(scope="module")
def portrait(astronaut):
    """The grey portrait, and the box of its face."""
    grey = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    faces = resolve_detector("haar").spec.make(Use.IMAGE)(grey)
    return grey, max(faces, key=lambda face: face.confidence).box


def with_closed_lid(grey, box, side):
    """The portrait with skin, and the line of a closed lid, over one eye: side 0 is the left one in the image."""
    painted = grey.copy()
    middle = box.x1 + round((0.31, 0.69)[side] * box.width)
    x1, x2 = middle - round(0.15 * box.width), middle + round(0.15 * box.width)
    y1, y2 = box.y1 + round(0.30 * box.height), box.y1 + round(0.47 * box.height)
    painted[y1:y2, x1:x2] = np.linspace(grey[y1 - 2, x1:x2], grey[y2 + 1, x1:x2], y2 - y1).astype(np.uint8)
    cv2.line(painted, (x1 + 4, (y1 + y2) // 2), (x2 - 4, (y1 + y2) // 2), 60, 2)
    return painted


def test_open_eyes_are_seen(portrait):
    assert EyeDetector()(*portrait) is True


@pytest.mark.parametrize("sides", [(0,), (1,), (0, 1)])
def test_eyes_that_are_painted_over_are_not(portrait, sides):
    grey, box = portrait
    for side in sides:
        grey = with_closed_lid(grey, box, side)
    assert EyeDetector()(grey, box) is False


@pytest.mark.parametrize("scale", [0.6, 3.0])
def test_the_size_of_the_face_does_not_matter(portrait, scale):
    grey, box = portrait
    scaled = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert EyeDetector()(scaled, Box(*(round(edge * scale) for edge in box))) is True


def test_real_blinks(videos):
    """Frames of a clip, sorted by hand."""
    closed, opened = {12, 36, 56, 80}, {4, 20, 48, 76, 104, 144, 168, 196}
    detect, eyes, seen = resolve_detector("haar").spec.make(Use.STREAM), EyeDetector(), {}
    with open_source(find_sources(videos / "sadtalker_aoc.mp4")[0]) as source:
        for frame in source:
            if frame.number in closed | opened:
                face = max(detect(frame.grey), key=lambda face: face.box.width)
                seen[frame.number] = eyes(frame.grey, face.box)
    assert {number for number in closed if seen[number]} == set()
    assert {number for number in opened if not seen[number]} == set()


def test_faces_that_are_too_small_or_outside(portrait):
    grey, box = portrait
    detector = EyeDetector()
    assert detector(grey, Box(0, 0, MIN_FACE - 1, MIN_FACE - 1)) is None
    assert detector(grey, Box(-200, -200, -100, -100)) is None
    assert detector(grey, Box(grey.shape[1] - 2, 0, grey.shape[1] + 98, 100)) is None
    assert detector(grey, Box(box.x1, box.y1, grey.shape[1] + 300, box.y2)) in (True, False)
