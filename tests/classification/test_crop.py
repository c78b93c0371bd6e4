import numpy as np
import pytest

from smilecam.classification.crop import (
    cut,
    network_input,
    normalize,
    resize,
    square_in_box,
    square_of_face,
    square_of_landmarks,
    squares_input,
)
from smilecam.presets import (
    HAAR_TO_SMILES,
    WHOLE_BOX,
    YUNET_TO_SMILES,
    CropGeometry,
    InputSpec,
    LandmarkGeometry,
    Normalization,
)
from smilecam.types import Box, DetectedFace

SMILES_POINTS = (170.0, 140.0, 470.0, 140.0, 320.0, 300.0, 220.0, 490.0, 420.0, 490.0)
"""About where eyes, nose and mouth lie in the mean SMILES picture, enlarged to 640 x 640."""


def test_haar_crop_has_the_published_geometry():
    square = square_in_box(Box(1000, 2000, 2000, 3000), HAAR_TO_SMILES)
    assert square.width == square.height == 740
    assert (square.x1 + square.x2) / 2 == 1500
    assert (square.y1 + square.y2) / 2 == 2575
    # A SMILES picture lies from 13.0 % to 87.0 % across and from 21.0 % to 94.9 % down a Haar box.
    assert abs(square.x1 - 1130) <= 1
    assert abs(square.y1 - 2210) <= 10
    assert abs(square.y2 - 2949) <= 10


def test_whole_box_is_the_box():
    assert square_in_box(Box(3, 5, 13, 15), WHOLE_BOX) == Box(3, 5, 13, 15)


def test_longer_side_decides_for_boxes_that_are_no_squares():
    square = square_in_box(Box(0, 0, 100, 200), CropGeometry(side=0.5))
    assert (square.width, square.height) == (100, 100)
    assert square == Box(0, 50, 100, 150)


def test_tiny_box_still_gives_a_pixel():
    square = square_in_box(Box(0, 0, 1, 1), CropGeometry(side=0.1))
    assert square.width == square.height == 1


def test_cut_inside_is_a_plain_slice():
    grey = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert np.array_equal(cut(grey, Box(2, 3, 6, 8)), grey[3:8, 2:6])


@pytest.mark.parametrize("square", [Box(-3, -4, 5, 4), Box(6, 7, 14, 15), Box(-2, -2, 12, 12), Box(20, 20, 24, 24)])
def test_cut_outside_repeats_the_border(square):
    grey = np.arange(100, dtype=np.uint8).reshape(10, 10)
    padded = np.pad(grey, 20, mode="edge")
    expected = padded[square.y1 + 20 : square.y2 + 20, square.x1 + 20 : square.x2 + 20]
    assert np.array_equal(cut(grey, square), expected)


def test_shrinking_averages_areas():
    stripes = np.tile(np.array([[0, 255]], np.uint8), (56, 28))
    small = resize(stripes, 28)
    assert small.shape == (28, 28)
    assert np.all(np.abs(small.astype(int) - 127.5) <= 1)


def test_enlarging_interpolates():
    large = resize(np.array([[0, 200], [0, 200]], np.uint8), 8)
    assert large.shape == (8, 8)
    assert len(np.unique(large)) > 2


def test_unit_normalisation():
    values = normalize(np.array([[0, 255]], np.uint8), Normalization.UNIT)
    assert values.dtype == np.float32
    assert values.tolist() == [[0.0, 1.0]]


def test_standardising_is_per_picture_and_removes_light():
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 100, (28, 28)).astype(np.uint8)
    batch = np.stack([picture, picture + 100])
    values = normalize(batch, Normalization.STANDARDIZE)
    assert np.allclose(values[0], values[1], atol=1e-5)
    assert abs(float(values[0].mean())) < 1e-5
    assert 0.9 < float(values[0].std()) <= 1


def test_flat_picture_stays_finite():
    assert np.all(normalize(np.full((4, 4), 7, np.uint8), Normalization.STANDARDIZE) == 0)


def test_network_input_shapes():
    grey = np.zeros((50, 60), np.uint8)
    spec = InputSpec(28, Normalization.UNIT)
    assert network_input(grey, [], HAAR_TO_SMILES, spec).shape == (0, 1, 28, 28)
    batch = network_input(grey, [Box(0, 0, 20, 20), Box(30, 20, 60, 50)], HAAR_TO_SMILES, spec)
    assert batch.shape == (2, 1, 28, 28)
    assert batch.dtype == np.float32


def test_points_of_the_mean_smiles_face_give_the_smiles_picture():
    square = square_of_landmarks(SMILES_POINTS, YUNET_TO_SMILES)
    assert np.allclose(square, (0, 0, 640, 640), atol=0.04 * 640)


def test_square_of_points_follows_its_definition():
    points = (0.0, 0.0, 30.0, 0.0, 15.0, 20.0, 5.0, 50.0, 25.0, 50.0)  # eyes 30 apart, mouth 50 below
    assert square_of_landmarks(points, LandmarkGeometry(side=2, along=0.5)) == Box(-25, -15, 55, 65)
    assert square_of_landmarks(points, LandmarkGeometry(side=1, along=0)) == Box(-5, -20, 35, 20)


def test_square_of_points_moves_and_grows_with_the_face():
    before = square_of_landmarks(SMILES_POINTS, YUNET_TO_SMILES)
    farther = square_of_landmarks(tuple(100 + value for value in SMILES_POINTS), YUNET_TO_SMILES)
    assert farther == Box(*(100 + value for value in before))
    twice = square_of_landmarks(tuple(2 * value for value in SMILES_POINTS), YUNET_TO_SMILES)
    assert abs(twice.width - 2 * before.width) <= 1


def test_points_that_fall_together_still_give_a_pixel():
    assert square_of_landmarks((5.0,) * 10, YUNET_TO_SMILES).width == 1


def test_square_of_a_face_by_its_box_or_by_its_landmarks():
    box = Box(0, 0, 640, 640)
    by_box = square_of_face(DetectedFace(box, 1.0), HAAR_TO_SMILES)
    assert by_box == square_in_box(box, HAAR_TO_SMILES)
    by_points = square_of_face(DetectedFace(box, 1.0, SMILES_POINTS), YUNET_TO_SMILES)
    assert by_points == square_of_landmarks(SMILES_POINTS, YUNET_TO_SMILES) != by_box


def test_squares_and_boxes_give_the_same_input():
    grey = np.random.default_rng(0).integers(0, 256, (50, 60), dtype=np.uint8)
    boxes, spec = [Box(0, 0, 20, 20), Box(30, 20, 60, 50)], InputSpec(28, Normalization.STANDARDIZE)
    squares = [square_in_box(box, HAAR_TO_SMILES) for box in boxes]
    assert np.array_equal(squares_input(grey, squares, spec), network_input(grey, boxes, HAAR_TO_SMILES, spec))
