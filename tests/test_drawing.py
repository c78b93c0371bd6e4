from dataclasses import replace

import numpy as np
import pytest

from smilecam.drawing import NO_SMILE_COLOUR, SMILE_COLOUR, annotate, label_text, placed_labels
from smilecam.label_layout import Rectangle, Size, place_labels
from smilecam.types import Box, Face

SMILE = Face(Box(50, 60, 150, 160), 0.9, 0.93, smiling=True)
NO_SMILE = Face(Box(50, 60, 150, 160), 0.9, 0.07, smiling=False)


def test_label_says_it_in_words():
    assert label_text(SMILE) == "Smiling"
    assert label_text(NO_SMILE) == ""
    assert label_text(SMILE, numbers=True) == "Smiling 93%"
    assert label_text(NO_SMILE, numbers=True) == "Not smiling 7%"
    assert label_text(replace(SMILE, track=12, smoothed=0.8), numbers=True) == "#12 Smiling 80%"


def test_original_is_left_alone():
    image = np.full((300, 300, 3), 128, np.uint8)
    drawn = annotate(image, (SMILE,))
    assert np.all(image == 128)
    assert drawn.shape == image.shape
    assert np.any(drawn != 128)


def test_without_colour_the_two_still_differ():
    """By the label and by the frame's thickness, for faces of any size."""
    for side in (20, 100):
        image = np.full((300, 300, 3), 128, np.uint8)
        faces = [replace(face, box=Box(50, 60, 50 + side, 60 + side)) for face in (SMILE, NO_SMILE)]
        changed = [np.any(annotate(image, (face,)) != 128, axis=2) for face in faces]
        frames = [mask[62 : 60 + side, 40:60].any(axis=0).sum() for mask in changed]
        assert frames[0] > frames[1] > 0
        assert changed[0][:56].any()
        assert not changed[1][:56].any()


def test_grey_pictures_become_colour():
    assert annotate(np.zeros((200, 200), np.uint8), (SMILE,)).shape == (200, 200, 3)


@pytest.mark.parametrize("box", [Box(0, 0, 30, 30), Box(170, 170, 200, 200), Box(190, 0, 200, 10), Box(0, 0, 200, 170)])
def test_labels_stay_inside_and_off_the_face(box):
    face = Face(box, 0.5, 0.5, smiling=True)
    (label,) = placed_labels([face], (200, 200))
    assert label is not None
    assert not label.rectangle.meets(Rectangle(*box))
    drawn = annotate(np.full((200, 200, 3), 255, np.uint8), (face,))
    assert np.all(drawn < 80, axis=2).sum() > 20


def test_a_face_that_fills_the_picture_has_a_frame_and_no_label():
    face = Face(Box(0, 0, 200, 200), 0.5, 0.5, smiling=True)
    assert placed_labels([face], (200, 200)) == [None]
    drawn = annotate(np.full((200, 200, 3), 255, np.uint8), (face,))
    assert np.all(drawn[8:-8, 8:-8] == 255)
    assert np.all(drawn[0, :] == SMILE_COLOUR)


def test_tiny_picture():
    assert annotate(np.zeros((1, 1, 3), np.uint8), (Face(Box(0, 0, 1, 1), 1, 1, smiling=True),)).shape == (1, 1, 3)


def crowd(width, count, side, seed=1):
    """So many faces without overlap in a square picture, every third of them not smiling."""
    random = np.random.default_rng(seed)
    faces, boxes = [], []
    while len(faces) < count:
        x, y = (int(at) for at in random.integers(0, width - side, 2))
        box = Box(x, y, x + side, y + side)
        if not any(Rectangle(*box).meets(Rectangle(*other)) for other in boxes):
            boxes.append(box)
            faces.append(Face(box, 0.9, 0.9, smiling=len(faces) % 3 > 0, track=len(faces) + 1))
    return faces


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_labels_in_a_crowd_cover_no_face_and_no_label(seed, numbers):
    """16 faces in 320 pixels: their insides stay as they were."""
    faces = crowd(320, 16, 34, seed)
    labels = [label.rectangle for label in placed_labels(faces, (320, 320), numbers=numbers) if label is not None]
    assert len(labels) >= 8
    for at, label in enumerate(labels):
        assert label.x1 >= 0
        assert label.y1 >= 0
        assert label.x2 <= 320
        assert label.y2 <= 320
        assert not any(label.meets(Rectangle(*face.box)) for face in faces)
        assert not any(label.meets(other) for other in labels[:at])
    drawn = annotate(np.full((320, 320, 3), 128, np.uint8), tuple(faces), numbers=numbers)
    for face in faces:
        x1, y1, x2, y2 = face.box
        assert np.all(drawn[y1 + 3 : y2 - 3, x1 + 3 : x2 - 3] == 128)


def test_a_label_shrinks_before_it_is_left_out():
    wide, narrow = Size(100, 20), Size(40, 20)
    box = Box(30, 30, 70, 70)
    assert place_labels([box], [[wide, narrow]], Size(200, 100), 0)[0].choice == 0
    assert place_labels([box], [[wide, narrow]], Size(90, 100), 0)[0].choice == 1
    assert place_labels([box], [[wide, narrow]], Size(90, 100), 0, [Rectangle(0, 0, 90, 100)]) == [None]


def test_faces_that_do_not_smile_are_quiet():
    drawn = annotate(np.full((300, 300, 3), 128, np.uint8), (NO_SMILE,))
    changed = np.any(drawn != 128, axis=2)
    assert np.all(drawn[changed] == NO_SMILE_COLOUR)


def test_status_line():
    image = np.full((300, 400, 3), 128, np.uint8)
    drawn = annotate(image, (), "30.0 frames/s")
    assert np.any(drawn[:20, :100] > 200)
    assert np.all(drawn[60:] == 128)
    assert np.all(annotate(image, (), None) == 128)
    below = annotate(image, (replace(NO_SMILE, box=Box(0, 0, 400, 60)),), "30.0 frames/s")
    assert np.all(below[5:55, 5:-5] == 128)
    assert np.any(below[280:, :100] > 200)
