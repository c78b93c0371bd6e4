"""Doubtful faces are read again, moved and mirrored, and the readings are averaged."""

import numpy as np
import pytest

from smilecam.classification.augmented import DOUBTFUL, translated
from smilecam.classification.calibration import apply_calibration, calibrated_log_odds, logistic
from smilecam.classification.classifier import SmileClassifier, model_names
from smilecam.types import FloatArray


def test_faces_are_moved_both_ways_and_the_second_is_mirrored() -> None:
    """A single bright pixel shows where each version puts what was in the middle; the border is repeated."""
    faces = np.zeros((2, 1, 8, 8), np.float32)
    faces[0, 0, 4, 3] = 1
    faces[1, 0, 7, 0] = 1
    up_right, mirrored = np.split(translated(faces), 2)
    assert np.argwhere(up_right[0, 0]).tolist() == [[3, 4]]
    assert np.argwhere(mirrored[0, 0]).tolist() == [[5, 7 - 2]]
    assert np.argwhere(up_right[1, 0]).tolist() == [[6, 0], [6, 1], [7, 0], [7, 1]]
    assert not mirrored[1].any()


@pytest.mark.parametrize("size", [28, 32, 64])
def test_versions_have_the_shape_of_the_faces(size: int) -> None:
    """Two versions of each, float32, in the network's size."""
    versions = translated(np.random.default_rng(0).normal(size=(3, 1, size, size)).astype(np.float32))
    assert versions.shape == (6, 1, size, size)
    assert versions.dtype == np.float32


def some_faces(classifier: SmileClassifier) -> FloatArray:
    """Random smooth images, some of which the network doubts."""
    generator, size = np.random.default_rng(1), classifier.info.input.size
    coarse = generator.normal(size=(64, 1, 7, 7)).astype(np.float32)
    return np.kron(coarse, np.ones((1, 1, -(-size // 7), -(-size // 7)), np.float32))[..., :size, :size]


@pytest.mark.parametrize("model", model_names())
def test_only_doubtful_faces_are_read_again(model: str) -> None:
    """Sure ones keep their probability; doubtful ones get that of the mean of three outputs."""
    classifier = SmileClassifier(model)
    faces, calibration = some_faces(classifier), classifier.policy.calibration
    outputs, given = classifier.outputs(faces), classifier(faces)
    doubtful = np.abs(calibrated_log_odds(calibration, outputs)) < DOUBTFUL
    assert doubtful.any()
    assert not doubtful.all()
    np.testing.assert_allclose(given[~doubtful], apply_calibration(calibration, outputs[~doubtful]), atol=1e-6)
    first, second = (classifier.outputs(version) for version in np.split(translated(faces[doubtful]), 2))
    wanted = apply_calibration(calibration, (outputs[doubtful] + first + second) / 3)
    np.testing.assert_allclose(given[doubtful], wanted, atol=1e-5)
    assert np.abs(given[doubtful] - apply_calibration(calibration, outputs[doubtful])).max() > 0.01


def test_a_face_has_one_probability_in_any_batch() -> None:
    """What is read again does not depend on the other faces."""
    classifier = SmileClassifier("smilenet")
    faces = some_faces(classifier)
    one_by_one = np.concatenate([classifier(face[np.newaxis]) for face in faces])
    np.testing.assert_allclose(classifier(faces), one_by_one, atol=1e-5)


def test_thresholds_of_packaged_models_lie_where_faces_are_read_again() -> None:
    """A face at any operating point's threshold is decided by three readings."""
    for model in model_names():
        for policy in SmileClassifier(model).info.policies.values():
            for point, threshold in policy.thresholds.items():
                if policy.name == "broad":
                    assert abs(2 * np.arctanh(2 * threshold - 1)) < DOUBTFUL, (model, point)
                    assert logistic(np.array([DOUBTFUL]))[0] > threshold
