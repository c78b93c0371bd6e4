import numpy as np
import pytest

from smilecam.detection.face_filter import face_log_odds
from smilecam.detection.haar import HaarDetector, HaarSettings, confidence, score_confidence
from smilecam.opencv import cv2
from smilecam.types import Box


@pytest.fixture(scope="module")
def detector():
    return HaarDetector()


def grey(picture):
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def test_finds_the_astronaut_once(detector, astronaut):
    (face,) = detector(grey(astronaut))
    # The face lies around (225, 115) and is about 90 pixels wide.
    assert face.box.x1 < 225 < face.box.x2
    assert face.box.y1 < 115 < face.box.y2
    assert 70 < face.box.width < 130
    assert 0.5 < face.confidence <= 1


def test_boxes_are_in_pixels_of_the_original_whatever_its_size(detector, astronaut):
    (small,) = detector(grey(astronaut))
    (large,) = detector(cv2.resize(grey(astronaut), None, fx=3, fy=3))
    assert np.allclose(np.array(large.box) / 3, small.box, atol=12)


def test_nothing_in_noise(detector, noise):
    assert detector(grey(noise)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (23, 23), (24, 24), (10, 500)])
def test_pictures_of_any_shape_are_taken(detector, shape):
    assert detector(np.zeros(shape, np.uint8)) == []


def test_several_faces_come_from_left_to_right(detector, astronaut):
    face = grey(astronaut)[:256, 100:356]
    found = detector(np.hstack([face, face[:, ::-1], face]))
    assert len(found) == 3
    assert [one.box.x1 for one in found] == sorted(one.box.x1 for one in found)


def test_search_size_decides_on_small_faces(astronaut):
    wide = cv2.copyMakeBorder(grey(astronaut), 0, 0, 0, 2500, cv2.BORDER_REPLICATE)
    assert HaarDetector(HaarSettings(detection_size=400))(wide) == []
    assert len(HaarDetector(HaarSettings(detection_size=3012))(wide)) == 1


def test_confidence_grows_with_score_and_log_odds_and_stays_a_share():
    for values in (
        [score_confidence(score) for score in (-1e6, -1, 0.791, 5, 1e6)],
        [confidence(score, 0) for score in (-1e6, -1, 0, 5, 1e6)],
        [confidence(3, log_odds) for log_odds in (-1e6, -1, 0, 5, 1e6)],
    ):
        assert values == sorted(values)
        assert values[0] >= 0
        assert values[-1] == pytest.approx(1)
    assert score_confidence(0.791) == pytest.approx(0.5)


def test_the_filter_tells_the_face_from_what_is_beside_it(astronaut):
    face, helmet, flag = Box(180, 70, 270, 160), Box(190, 190, 280, 280), Box(20, 300, 110, 390)
    odds = face_log_odds(grey(astronaut), [face, helmet, flag])
    assert odds.shape == (3,)
    assert odds[0] > 2
    assert max(odds[1:]) < -2


def test_the_filter_takes_no_boxes_and_boxes_at_the_edge(astronaut):
    assert face_log_odds(grey(astronaut), []).shape == (0,)
    assert np.isfinite(face_log_odds(grey(astronaut), [Box(0, 0, 24, 24), Box(400, 400, 512, 512)])).all()


def test_one_box_a_face_though_single_windows_propose(detector, astronaut):
    proposed = detector.proposals(grey(astronaut))
    assert len(proposed) > len(detector(grey(astronaut)))
    assert all(np.isfinite(one.log_odds) for one in proposed)


def test_most_boxed_faces_of_a_small_set_are_found(material, detector):
    from xml.etree import ElementTree as ET

    found = total = 0
    for listing in ("training.xml", "testing.xml"):
        for image in ET.parse(material / "faces" / listing).getroot().iter("image"):
            boxes = [face.box for face in detector(cv2.imread(str(material / "faces" / image.attrib["file"]), 0))]
            for truth in image.iter("box"):
                x, y, w, h = (int(truth.attrib[key]) for key in ("left", "top", "width", "height"))
                centre = (x + w / 2, y + h / 2)
                found += any(b.x1 < centre[0] < b.x2 and b.y1 < centre[1] < b.y2 for b in boxes)
                total += 1
    assert total == 43
    assert found >= 38
