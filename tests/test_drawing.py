from dataclasses import replace

import numpy as np
import pytest

from smilecam.drawing import SMILE_COLOUR, annotate, label_text
from smilecam.types import Box, Face

SMILE = Face(Box(50, 60, 150, 160), 0.9, 0.93, smiling=True)
NO_SMILE = Face(Box(50, 60, 150, 160), 0.9, 0.07, smiling=False)


def test_label_says_it_in_words():
    assert label_text(SMILE) == "smile 93%"
    assert label_text(NO_SMILE) == "no smile 7%"
    assert label_text(replace(SMILE, track=12)) == "#12 smile 93%"


def test_original_is_left_alone():
    image = np.full((300, 300, 3), 128, np.uint8)
    drawn = annotate(image, (SMILE,))
    assert np.all(image == 128)
    assert drawn.shape == image.shape
    assert np.any(drawn != 128)


def test_without_colour_the_two_still_differ():
    image = np.full((300, 300, 3), 128, np.uint8)
    changed = [np.any(annotate(image, (face,)) != 128, axis=2) for face in (SMILE, NO_SMILE)]
    frames = [mask[100:120, 40:60].any(axis=0).sum() for mask in changed]
    assert frames[0] > frames[1] > 0


def test_grey_pictures_become_colour():
    assert annotate(np.zeros((200, 200), np.uint8), (SMILE,)).shape == (200, 200, 3)


@pytest.mark.parametrize("box", [Box(0, 0, 30, 30), Box(170, 170, 200, 200), Box(0, 0, 200, 200), Box(190, 0, 200, 10)])
def test_labels_stay_inside(box):
    face = Face(box, 0.5, 0.5, smiling=True)
    drawn = annotate(np.full((200, 200, 3), 255, np.uint8), (face,))
    ink = np.all(drawn < 80, axis=2)
    assert ink.sum() > 20


def test_tiny_picture():
    assert annotate(np.zeros((1, 1, 3), np.uint8), (Face(Box(0, 0, 1, 1), 1, 1, smiling=True),)).shape == (1, 1, 3)


def bar_of(share):
    """Columns of the bar below the box that are filled, by the colour of a smile."""
    drawn = annotate(np.full((300, 300, 3), 128, np.uint8), (replace(SMILE, intensity=share),))
    return int(np.all(drawn[168, 50:150] == SMILE_COLOUR, axis=1).sum())


def test_intensity_is_a_bar_below_the_box():
    assert bar_of(0.0) == 0
    assert 45 <= bar_of(0.5) <= 50
    assert 95 <= bar_of(1.0) <= 100
    assert bar_of(1.7) == bar_of(1.0)
    without = annotate(np.full((300, 300, 3), 128, np.uint8), (SMILE,))
    assert np.all(without[168, 50:150] == 128)


def test_the_bar_stays_inside():
    face = Face(Box(10, 10, 190, 200), 0.9, 0.9, smiling=True, intensity=1.0)
    drawn = annotate(np.full((200, 200, 3), 128, np.uint8), (face,))
    assert np.all(drawn[190:196, 100] == SMILE_COLOUR, axis=1).any()


def test_status_line():
    image = np.full((300, 400, 3), 128, np.uint8)
    drawn = annotate(image, (), "30.0 frames/s")
    assert np.any(drawn[:20, :100] > 200)
    assert np.all(drawn[60:] == 128)
    assert np.all(annotate(image, (), None) == 128)
