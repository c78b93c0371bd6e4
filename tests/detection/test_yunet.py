"""The YuNet detector with its real network, on real pictures."""

import threading
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from smilecam.classification.crop import square_in_box, square_of_face
from smilecam.detection.detector_settings import YUNET_FOR_IMAGES, YUNET_FOR_STREAMS
from smilecam.detection.haar import HaarDetector
from smilecam.detection.yunet import LARGE_FACE, STRIDES, YuNetDetector, decode
from smilecam.errors import ModelFileError
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.presets import HAAR_TO_SMILES, YUNET_TO_SMILES
from smilecam.types import Box


@pytest.fixture(scope="module")
def find(yunet_model):
    return YuNetDetector(yunet_model)


def grey_of(picture):
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def frame_of(clip, number):
    video = cv2.VideoCapture(str(clip))
    for _ in range(number + 1):
        read, picture = video.read()
        assert read
    return grey_of(picture)


@pytest.fixture(scope="module")
def crowd(videos):
    return frame_of(videos / "facenetpt_video.mp4", 30)


def truths(faces):
    for listing in sorted(faces.glob("*.xml")):
        for image in ET.parse(listing).getroot().iter("image"):
            boxes = []
            for box in image.iter("box"):
                left, top, width, height = (int(box.attrib[key]) for key in ("left", "top", "width", "height"))
                boxes.append(Box(left, top, left + width, top + height))
            yield cv2.imread(str(faces / image.attrib["file"]), cv2.IMREAD_GRAYSCALE), boxes


def test_finds_what_is_boxed_by_hand(yunet_model, material):
    find = YuNetDetector(yunet_model, YUNET_FOR_IMAGES)
    found, wanted, surplus = 0, 0, 0
    for grey, boxes in truths(material / "faces"):
        faces = find(grey)
        wanted += len(boxes)
        found += sum(any(iou(face.box, box) > 0.3 for face in faces) for box in boxes)
        surplus += sum(all(iou(face.box, box) <= 0.1 for box in boxes) for face in faces)
    assert wanted == 43
    assert found >= 0.95 * wanted
    assert surplus <= 3


@pytest.mark.parametrize("size", [320, 480, 640])
def test_agrees_with_the_detector_of_opencv(yunet_model, material, size):
    """OpenCV runs the same file, slower; pictures whose sides are no multiples of 32 included."""
    reference = cv2.FaceDetectorYN.create(
        "onnx",
        np.frombuffer(yunet_model.read_bytes(), np.uint8),
        np.empty(0, np.uint8),
        (size, size),
        YUNET_FOR_STREAMS.min_confidence,
        YUNET_FOR_STREAMS.iou_threshold,
    )
    # As it is, without the second look at large faces: these pictures have none.
    find = YuNetDetector(yunet_model, replace(YUNET_FOR_STREAMS, detection_size=size))
    compared = 0
    for grey, _ in truths(material / "faces"):
        factor = size / max(grey.shape)
        small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        reference.setInputSize(small.shape[::-1])
        rows = reference.detect(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR))[1]
        faces = find(small)
        expected = sorted(rows.tolist())
        assert len(faces) == len(expected)
        for face, row in zip(faces, sorted(expected, key=lambda row: round(max(0, row[0]))), strict=True):
            assert abs(face.confidence - row[14]) < 2e-3
            assert np.allclose(face.landmarks, row[4:14], atol=0.1)
            corners = np.array([row[0], row[1], row[0] + row[2], row[1] + row[3]])
            assert np.allclose(face.box, corners.clip(0, [*small.shape[::-1]] * 2), atol=0.6)
            compared += 1
    assert compared > 35


def decoded_cell_by_cell(outputs, width, min_confidence):
    """One input's faces before suppression, with the arithmetic of the network's authors."""
    for level, stride in enumerate(STRIDES):
        classes, objects, boxes, points = (outputs[kind * len(STRIDES) + level] for kind in range(4))
        for cell in range(len(classes)):
            score = (float(classes[cell, 0]) * float(objects[cell, 0])) ** 0.5
            if score >= min_confidence:
                column, line = cell % (width // stride), cell // (width // stride)
                wide, high = (float(np.exp(size)) * stride for size in boxes[cell, 2:])
                x, y = (column + boxes[cell, 0]) * stride - wide / 2, (line + boxes[cell, 1]) * stride - high / 2
                landmarks = [(value + (column, line)[odd % 2]) * stride for odd, value in enumerate(points[cell])]
                yield [x, y, wide, high, *landmarks, score]


def test_decodes_a_batch_as_cell_by_cell():
    random = np.random.default_rng(5)
    height, width, count = 64, 96, 4
    cells = [(height // stride) * (width // stride) for stride in STRIDES]
    outputs = [random.random((count, n, 1), np.float32) for _ in range(2) for n in cells]
    outputs += [random.normal(0, 0.5, (count, n, values)).astype(np.float32) for values in (4, 10) for n in cells]
    for objects in outputs[3:6]:
        objects[1] = 0  # an input without a face between others
    found = decode(outputs, width, 0.8, 1.0)  # no box is dropped for its IoU
    assert len(found) == count
    assert found[1] == []
    for number, rows in enumerate(found):
        expected = sorted(decoded_cell_by_cell([output[number] for output in outputs], width, 0.8))
        assert np.allclose(np.reshape(sorted(rows), (-1, 15)), np.reshape(expected, (-1, 15)), atol=1e-3)
    assert sum(map(len, found)) > 20
    for all_rows, rows in zip(found, decode(outputs, width, 0.8, 0.3), strict=True):
        boxes = [Box(x, y, x + wide, y + high) for x, y, wide, high, *_ in all_rows]
        kept = [Box(x, y, x + wide, y + high) for x, y, wide, high, *_ in rows]
        assert all(iou(a, b) <= 0.3 for number, a in enumerate(kept) for b in kept[:number])
        assert all(any(iou(box, other) > 0.3 for other in kept) or box in kept for box in boxes)


def test_landmarks_come_in_order_and_lie_in_the_face(find, astronaut):
    [face] = find(grey_of(astronaut))
    points = np.reshape(face.landmarks, (5, 2))
    (left_eye, right_eye, nose, left_mouth, right_mouth), box = points, face.box
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert np.all((points >= box[:2]) & (points <= box[2:]))
    assert 0.8 < face.confidence <= 1


def test_crop_is_about_that_of_the_other_detector(find, astronaut, hopper):
    for picture in (astronaut, hopper):
        grey = grey_of(picture)
        [by_points], by_box = find(grey), max(HaarDetector()(grey), key=lambda face: face.confidence)
        one = square_of_face(by_points, YUNET_TO_SMILES)
        assert iou(one, square_in_box(by_box.box, HAAR_TO_SMILES)) > 0.65


def test_faces_of_a_crowd_in_order_and_inside(find, crowd):
    faces = find(crowd)
    assert len(faces) >= 3
    assert [face.box for face in faces] == sorted(face.box for face in faces)
    height, width = crowd.shape
    for box, *_ in faces:
        assert 0 <= box.x1 < box.x2 <= width
        assert 0 <= box.y1 < box.y2 <= height


def test_face_cut_by_the_border_is_clipped(find, astronaut):
    grey = grey_of(astronaut)
    [whole] = find(grey)
    cut_off = np.ascontiguousarray(grey[:, (whole.box.x1 + whole.box.x2) // 2 - 20 :])
    [half] = find(cut_off)
    assert half.box.x1 == 0


def test_smaller_search_finds_no_more_of_a_crowd(yunet_model, find, crowd):
    coarse = YuNetDetector(yunet_model, replace(YUNET_FOR_STREAMS, detection_size=240))
    assert len(coarse(crowd)) < len(find(crowd))


@pytest.mark.parametrize("side", [1.0, 1.5, 2.0])
def test_face_that_fills_the_picture(find, astronaut, side):
    grey = grey_of(astronaut)
    [face] = find(grey)
    box, reach = face.box, round(side * face.box.height / 2)
    x, y = (box.x1 + box.x2) // 2, (box.y1 + box.y2) // 2
    left, top = max(0, x - reach), max(0, y - reach)
    redetect = cv2.resize(grey[top : y + reach, left : x + reach], (960, 960), interpolation=cv2.INTER_CUBIC)
    [large] = find(redetect)
    scale = 960 / np.array([x + reach - left, y + reach - top])
    wanted = (np.reshape(face.landmarks, (5, 2)) - (left, top)) * scale
    assert max(large.box.width, large.box.height) > LARGE_FACE
    error = np.abs(np.reshape(large.landmarks, (5, 2)) - wanted).max()
    assert error < 0.1 * large.box.height


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (2, 700), (64, 64), (2000, 40)])
def test_pictures_without_a_face(find, shape):
    assert find(np.full(shape, 90, np.uint8)) == []


def test_noise_and_empty_scenes(find, noise, videos):
    assert find(grey_of(noise)) == []
    for number in (0, 40, 90):
        assert find(frame_of(videos / "pyfeat_no_face.mp4", number)) == []


def test_near_follows_a_crowd(yunet_model, find, videos):
    clip = videos / "facenetpt_video.mp4"
    before, after = frame_of(clip, 30), frame_of(clip, 32)
    known = find(before)
    now = find.redetect(after, known)
    assert len(now) == len(known)
    searched = YuNetDetector(yunet_model, replace(YUNET_FOR_IMAGES, min_confidence=0.5))(after)
    assert sum(face is not None for face in now) >= len(known) - 1
    # A known face is believed at less than a new one needs; what is sure must be what a finer search finds.
    sure = [face for face in now if face and face.confidence >= YUNET_FOR_STREAMS.min_confidence]
    assert len(sure) >= 3
    for face in sure:
        best = max(searched, key=lambda other: iou(other.box, face.box))
        assert iou(best.box, face.box) > 0.5
        assert np.abs(np.subtract(best.landmarks, face.landmarks)).max() < 0.15 * best.box.height


def test_near_finds_a_face_that_moved_and_grew(find, astronaut):
    grey = grey_of(astronaut)
    [known] = find(grey)
    step = round(0.2 * known.box.width)
    translated = np.roll(grey, step, axis=1)
    [now] = find.redetect(translated, [known])
    assert abs((now.box.x1 + now.box.x2) - (known.box.x1 + known.box.x2) - 2 * step) < 0.2 * known.box.width
    [same] = find.redetect(grey, [known])
    assert iou(same.box, known.box) > 0.8


def test_near_follows_more_faces_than_one_batch(find, astronaut):
    grey = grey_of(astronaut)
    tiles = np.tile(cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA), (6, 6))
    known = find(tiles)
    assert len(known) == 36
    now = find.redetect(tiles, known)
    assert all(face and iou(face.box, before.box) > 0.6 for face, before in zip(now, known, strict=True))


def test_near_says_when_a_face_is_gone(find, astronaut):
    grey = grey_of(astronaut)
    [known] = find(grey)
    assert find.redetect(np.full_like(grey, 90), [known]) == [None]
    assert find.redetect(grey, []) == []


def test_near_gives_one_face_to_one_of_two(find, astronaut):
    """The other's place holds nothing but the face of the first."""
    grey = grey_of(astronaut)
    [known] = find(grey)
    shift = round(0.3 * known.box.width)
    beside = known._replace(box=Box(known.box.x1 + shift, known.box.y1, known.box.x2 + shift, known.box.y2))
    first, second = find.redetect(grey, [known, beside])
    assert first
    assert second is None
    first, second = find.redetect(grey, [beside, known])
    assert first is None
    assert second
    # The very same one twice: one of them.
    assert sum(face is not None for face in find.redetect(grey, [known, known])) == 1


def test_serves_several_threads(find, astronaut, hopper):
    pictures = [grey_of(astronaut), grey_of(hopper)] * 2
    alone = [find(picture) for picture in pictures]
    together = [[] for _ in pictures]

    def work(row):
        for _ in range(5):
            together[row] = find(pictures[row])

    threads = [threading.Thread(target=work, args=(row,)) for row in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_another_file_is_refused(yunet_model, tmp_path):
    content = bytearray(yunet_model.read_bytes())
    content[1000] ^= 1
    other = tmp_path / "other.onnx"
    other.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"other\.onnx is not the YuNet file"):
        YuNetDetector(other)
    with pytest.raises(ModelFileError, match="is not the YuNet file"):
        YuNetDetector(bytes(content))
    with pytest.raises(ModelFileError, match="cannot read"):
        YuNetDetector(tmp_path / "none.onnx")
    assert YuNetDetector(yunet_model.read_bytes()).name == "yunet"
