import numpy as np
import pytest

import smilecam
from smilecam.detection.haar import HaarSettings
from smilecam.errors import InvalidImage, ModelFileError, SourceEmpty, UsageProblem
from smilecam.opencv import cv2
from smilecam.types import EventKind


@pytest.fixture(scope="module")
def detector():
    return smilecam.SmileDetector()


def test_astronaut_smiles(detector, astronaut):
    result = detector(astronaut)
    assert result.time is None
    (face,) = result.faces
    assert face.smiling
    assert face.smile > 0.7
    assert result.smiling


def test_grace_hopper_does_not(detector, hopper):
    (face,) = detector(hopper).faces
    assert not face.smiling
    assert face.smile < 0.5


def test_no_face_no_smile(detector, noise):
    result = detector(noise)
    assert result.faces == ()
    assert not result.smiling


def test_grey_pictures_give_the_same(detector, astronaut):
    grey = detector(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY))
    assert grey == detector(astronaut)


def test_many_faces_in_one_call_are_read_like_one(detector, astronaut, hopper):
    heads = [astronaut[:256, 100:356], hopper[60:400, 90:430]]
    result = detector(np.hstack([cv2.resize(head, (256, 256)) for head in heads]))
    assert [face.smiling for face in result.faces] == [True, False]


@pytest.mark.parametrize(
    "image",
    [
        None,
        "photo.jpg",
        [[0]],
        np.zeros((10, 10), np.float32),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 1), np.uint8),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros(10, np.uint8),
    ],
)
def test_what_is_no_picture(detector, image):
    with pytest.raises(InvalidImage) as caught:
        detector(image)
    assert isinstance(caught.value, ValueError)


def test_stream(detector, clip):
    results = list(detector.stream(clip))
    assert [result.frame for result in results] == list(range(20))
    assert results[0].source == str(clip)
    assert all(result.faces[0].smile >= detector.threshold for result in results[:10])
    assert all(result.smiling for result in results[2:10])  # a smile is one once it has lasted
    assert not any(result.smiling for result in results[13:])
    kinds = [event.kind for result in results for event in result.events]
    assert kinds == [EventKind.SMILE_START, EventKind.SMILE_END]


def test_stream_of_a_folder_is_refused(detector, tmp_path):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((30, 30, 3), np.uint8))
    with pytest.raises(SourceEmpty):
        next(detector.stream(tmp_path))


def test_threshold_decides(astronaut):
    assert not smilecam.SmileDetector(threshold=1.0)(astronaut).smiling
    assert smilecam.SmileDetector(threshold=0.0)(astronaut).smiling
    with pytest.raises(UsageProblem):
        smilecam.SmileDetector(threshold=1.5)


def test_unknown_model():
    with pytest.raises(ModelFileError):
        smilecam.SmileDetector(model="nothing")


def test_smaller_faces_are_found_in_pictures_than_in_videos(detector, astronaut, tmp_path):
    wide = cv2.copyMakeBorder(cv2.resize(astronaut, (256, 256)), 0, 0, 0, 1000, cv2.BORDER_REPLICATE)
    assert len(detector(wide).faces) == 1
    assert smilecam.SmileDetector(haar=HaarSettings(detection_size=480))(wide).faces == ()


def test_json_form(detector, astronaut):
    line = detector(astronaut).as_dict()
    assert list(line) == ["type", "source", "frame", "time", "faces"]
    (face,) = line["faces"]
    assert list(face) == ["box", "confidence", "smile", "smiling"]
    assert all(isinstance(edge, int) for edge in face["box"])
    x1, y1, x2, y2 = face["box"]
    assert 0 <= x1 < x2 <= 512
    assert 0 <= y1 < y2 <= 512


def read(videos, name, detector):
    return {result.frame: result for result in detector.stream(videos / name)}


def test_single_face_clip(detector, videos):
    results = read(videos, "pyfeat_single_face.mp4", detector)
    before = [results[number].smiling for number in range(16)]
    after = [results[number].smiling for number in range(21, 69)]
    assert sum(before) <= 0.2 * len(before)
    assert sum(after) >= 0.8 * len(after)


def test_clip_without_a_face(detector, videos):
    results = read(videos, "pyfeat_no_face.mp4", detector)
    assert len(results) == 95
    assert sum(result.smiling for result in results.values()) <= 0.02 * len(results)
