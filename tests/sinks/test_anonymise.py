import numpy as np
import pytest

from smilecam.opencv import cv2
from smilecam.pipeline.detector import SmileDetector
from smilecam.sinks.anonymise import HOLD_SECONDS, FaceAnonymiser, blur_faces
from smilecam.types import Box, Face

BOX = Box(100, 80, 200, 180)


def face(box, track=None):
    return Face(box, 0.9, 0.9, smiling=True, track=track)


def noise():
    return np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)


def covered(before, after):
    return np.any(before != after, axis=2)


def test_the_whole_box_is_covered_and_the_original_left_alone():
    image = noise()
    before = image.copy()
    changed = covered(image, blur_faces(image, [BOX]))
    assert np.array_equal(image, before)
    inside = changed[BOX.y1 : BOX.y2, BOX.x1 : BOX.x2]
    assert inside.mean() > 0.99  # noise may hit an average by chance
    assert not changed[:40].any()
    assert not changed[:, :60].any()


def test_nothing_fine_is_left():
    image = noise()
    for sign in (1, -1):  # the same coarse colours, other details
        image[80:180:2, 100:200] = np.clip(image[80:180:2, 100:200].astype(int) + sign * 60, 0, 255)
    stripes = np.zeros((300, 300, 3), np.uint8)
    stripes[:, ::2] = 255
    result = blur_faces(stripes, [BOX])[BOX.y1 : BOX.y2, BOX.x1 : BOX.x2]
    assert float(result.std()) < 4
    assert float(stripes[BOX.y1 : BOX.y2, BOX.x1 : BOX.x2].std()) > 100


def test_no_face_is_found_any_more(astronaut, hopper):
    detector = SmileDetector()
    for image in (astronaut, hopper):
        faces = detector(image).faces
        assert faces
        boxes = [Box(*map(int, found.box)) for found in faces]
        left = detector(blur_faces(image, boxes)).faces
        overlapping = [
            one
            for one in left
            for other in boxes
            if min(one.box.x2, other.x2) > max(one.box.x1, other.x1)
            and min(one.box.y2, other.y2) > max(one.box.y1, other.y1)
        ]
        assert overlapping == []


@pytest.mark.parametrize(
    "box", [Box(-50, -50, 30, 30), Box(290, 290, 400, 400), Box(400, 400, 500, 500), Box(5, 5, 6, 6)]
)
def test_boxes_at_and_beyond_the_border(box):
    assert blur_faces(noise(), [box]).shape == (300, 300, 3)
    assert blur_faces(noise()[:, :, 0].copy(), [box]).shape == (300, 300)
    assert blur_faces(np.zeros((1, 1, 3), np.uint8), [Box(0, 0, 1, 1)]).shape == (1, 1, 3)


def centre_is_covered(anonymise, faces, at, box=BOX):
    image = noise()
    changed = covered(image, anonymise.anonymise(image, faces, at))
    x, y = (box.x1 + box.x2) // 2, (box.y1 + box.y2) // 2
    return bool(changed[y - 20 : y + 20, x - 20 : x + 20].mean() > 0.9)


@pytest.mark.parametrize("track", [None, 7])
def test_a_lost_face_stays_covered_for_a_while(track):
    anonymise = FaceAnonymiser()
    assert centre_is_covered(anonymise, [face(BOX, track)], 5.0)
    for at in (5.1, 5.5, 5.0 + HOLD_SECONDS):
        assert centre_is_covered(anonymise, [], at)
    assert not centre_is_covered(anonymise, [], 5.05 + HOLD_SECONDS)


@pytest.mark.parametrize("track", [None, 7])
def test_a_face_that_moves_leaves_no_trail(track):
    anonymise = FaceAnonymiser()
    for step in range(20):
        translated = Box(20 + 8 * step, 100, 60 + 8 * step, 140)
        assert centre_is_covered(anonymise, [face(translated, track)], step / 25, translated)
        assert len(anonymise.boxes()) == 1


def test_another_face_does_not_uncover_a_lost_one():
    anonymise = FaceAnonymiser()
    other = Box(10, 200, 60, 250)
    assert centre_is_covered(anonymise, [face(BOX, 1), face(other, 2)], 0.0)
    assert centre_is_covered(anonymise, [face(other, 2)], 0.2)
    assert len(anonymise.boxes(without=2)) == 1


def test_pictures_have_no_memory():
    anonymise = FaceAnonymiser()
    assert centre_is_covered(anonymise, [face(BOX)], None)
    assert not centre_is_covered(anonymise, [], None)


def test_a_grey_picture_stays_grey(hopper):
    grey = cv2.cvtColor(hopper, cv2.COLOR_BGR2GRAY)
    assert blur_faces(grey, [BOX]).shape == grey.shape
