import math

import pytest

from smilecam.geometry import iou, similarity
from smilecam.tracking.association import interpolate, match
from smilecam.tracking.tracker import Tracker
from smilecam.types import Box, DetectedFace


def box(x, y=0, side=100):
    return Box(round(x), round(y), round(x + side), round(y + side))


def test_overlap():
    assert iou(box(0), box(0)) == 1
    assert iou(box(0), box(50)) == pytest.approx(1 / 3)
    assert iou(box(0), box(100)) == 0
    assert iou(Box(0, 0, 0, 0), Box(0, 0, 0, 0)) == 0


def test_one_face_seen_larger_and_smaller():
    assert similarity(box(0, 0, 100), box(20, 20, 60)) == pytest.approx(0.6)
    assert similarity(box(0, 0, 100), box(20, 20, 40)) == pytest.approx(0.16)
    assert similarity(box(0), box(50)) == pytest.approx(1 / 3)
    assert similarity(box(0), Box(5, 5, 5, 5)) == 0


def test_the_best_pairs_come_first():
    assert match([box(0), box(60)], [box(50), box(5)], 0.1) == [(0, 1), (1, 0)]
    assert match([box(0)], [box(99)], 0.1) == []
    assert match([], [box(0)], 0.1) == []
    assert match([box(0)], [box(500)], 0.0) == []


def test_half_way_between_two_faces():
    points = tuple(float(number) for number in range(10))
    a, b = DetectedFace(box(0), 0.6, points), DetectedFace(box(10, 20), 0.8, tuple(p + 2 for p in points))
    face = interpolate(a, b, 0.5)
    assert face.box == box(5, 10)
    assert face.confidence == pytest.approx(0.7)
    assert face.landmarks == tuple(p + 1 for p in points)
    assert interpolate(a, DetectedFace(box(10), 0.5), 0.5).landmarks is None


def test_a_person_keeps_the_number():
    tracker = Tracker()
    for frame in range(60):
        numbers, gone = tracker.update([box(4 * frame)], frame / 30)
        assert (numbers, gone) == ([1], [])


def test_two_people_who_cross_keep_their_numbers():
    tracker = Tracker()
    for frame in range(90):
        left, right = box(6 * frame), box(534 - 6 * frame, 20)
        order = [left, right] if left.x1 <= right.x1 else [right, left]
        numbers, _ = tracker.update(order, frame / 30)
        expected = [1, 2] if left.x1 <= right.x1 else [2, 1]
        assert numbers == expected, frame


def test_one_hidden_while_they_cross():
    tracker = Tracker()
    for frame in range(90):
        left, right = box(6 * frame), box(534 - 6 * frame, 10)
        hidden = iou(left, right) > 0.3  # the one behind is not found
        numbers, _ = tracker.update([left] if hidden else [left, right], frame / 30)
        assert numbers == ([1] if hidden else [1, 2]), frame


def test_a_gap_is_bridged():
    tracker = Tracker(max_age=1.0)
    tracker.update([box(0)], 0.0)
    assert tracker.update([], 0.5) == ([], [])
    assert tracker.update([box(5)], 0.9) == ([1], [])
    assert tracker.update([], 2.0) == ([], [1])
    assert tracker.update([box(5)], 2.1) == ([2], [])


def test_people_who_come_back_together_are_not_mixed_up():
    tracker = Tracker()
    tracker.update([box(0), box(300)], 0.0)
    assert tracker.update([box(310), box(10)], 0.5)[0] == [2, 1]


def test_a_face_of_another_size_is_another_person():
    tracker = Tracker()
    tracker.update([box(100, 100, 40)], 0.0)
    assert tracker.update([box(70, 70, 200)], 0.1)[0] == [2]


def test_trembling_boxes_do_not_run_away():
    tracker = Tracker()
    for frame in range(300):
        tremble = 6 * math.sin(frame * 2.4)
        numbers, _ = tracker.update([box(100 + tremble), box(230 - tremble)], frame / 30)
        assert numbers == [1, 2]
