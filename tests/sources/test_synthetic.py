"""Synthetic sources: a counting pattern, and a drawn face on which the real detectors and networks work."""

import numpy as np
import pytest

from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import squares_input
from smilecam.detection.haar import HaarDetector
from smilecam.detection.registry import detector_spec
from smilecam.errors import SourceNotFound, UsageProblem
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.pipeline.detector import SmileDetector
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.sources.synthetic import SyntheticPattern, parse
from smilecam.sources.synthetic_face import SyntheticFace
from smilecam.types import EventKind

SIZES = (60, 80, 120, 200, 300, 380)
TIMES = (0.0, 0.9, 1.7, 2.6)


def grey_of(image):
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def frames_of(name):
    (ref,) = find_sources(name)
    with open_source(ref) as source:
        return list(source)


# the pattern


@pytest.mark.parametrize("name", ["synthetic:10x10", "synthetic:640x480@0", "synthetic:99999x99999", "synthetic:x"])
def test_patterns_of_no_use(name):
    with pytest.raises(SourceNotFound, match="is no synthetic source"):
        find_sources(name)


def test_pattern_counts_and_moves():
    with open_source(find_sources("synthetic:320x240@10?seconds=30")[0]) as source:
        frames = list(source)
    assert len(frames) == source.expected == 300
    strip = frames[299].image[5, 10::20, 0] > 127
    assert int("".join("1" if bit else "0" for bit in strip), 2) == 299
    assert not np.array_equal(frames[0].image[100:], frames[5].image[100:])
    again = frames_of("synthetic:320x240@10?seconds=30")[0]
    assert np.array_equal(again.image, frames[0].image)


# names


@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("synthetic:", SyntheticPattern()),
        ("synthetic:320x240@10?seconds=30", SyntheticPattern(320, 240, 10, 30)),
        ("synthetic:face", SyntheticFace()),
        ("synthetic:face?seconds=3", SyntheticFace(seconds=3)),
        ("synthetic:face:@25", SyntheticFace(fps=25)),
        ("synthetic:face:320x240@12.5?size=90&smile=never", SyntheticFace(320, 240, 12.5, size=90, smile="never")),
        ("synthetic:face:?faces=3&seconds=2.5", SyntheticFace(faces=3, seconds=2.5)),
    ],
)
def test_names_mean_videos(name, video):
    assert parse(name) == video
    if isinstance(video, SyntheticFace):
        assert parse(video.name) == video


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("synthetic:face:64", "write it like synthetic:640x480"),
        ("synthetic:face640x480", "write it like"),
        ("synthetic:face?sec=3", "write it like"),
        ("synthetic:face?seconds=3&seconds=4", "write it like"),
        ("synthetic:face?seconds=3&", "write it like"),
        ("synthetic:640x480?faces=2", "write it like"),
        ("synthetic:face?smile=often", "alternate, always or never, not 'often'"),
        ("synthetic:face?size=12", "do not fit into 640x480: the least size is 24"),
        ("synthetic:face?size=400", "do not fit"),
        ("synthetic:face?faces=40", "do not fit"),
        ("synthetic:face?faces=0", "do not fit"),
        ("synthetic:face:99999x99999", "cannot have frames of 99999x99999 pixels"),
        ("synthetic:face:0x480", "cannot have frames of 0x480 pixels"),
        ("synthetic:face:@0", "cannot have 0 frames a second"),
        ("synthetic:face?seconds=0.01", "for 1/100 seconds"),
    ],
)
def test_errors_are_one_line(name, reason):
    with pytest.raises(SourceNotFound) as caught:
        find_sources(name)
    message = str(caught.value)
    assert message.startswith(f"{name} is no synthetic source: ")
    assert reason in message
    assert "\n" not in message


# the face


def test_face_needs_sensible_values():
    for values in ({"fps": float("nan")}, {"seconds": float("inf")}, {"width": -1}, {"smile": "sometimes"}):
        with pytest.raises(UsageProblem, match="synthetic face"):
            SyntheticFace(**values)
    with pytest.raises(UsageProblem, match=r"from 0 to 1, not 1\.5"):
        SyntheticFace().image(smile=1.5)


def test_images_of_a_face():
    face = SyntheticFace(320, 240, fps=10, seconds=4)
    images = list(face.images())
    assert (len(images), images[0].shape, images[0].dtype) == (40, (240, 320, 3), np.uint8)
    frames = frames_of(face.name)
    assert [frame.time for frame in frames] == [n / 10 for n in range(40)]
    for image, frame in zip(images, frames, strict=True):  # the same bytes by both ways
        assert np.array_equal(image, frame.image)
        assert np.array_equal(grey_of(image), frame.grey)
    assert np.array_equal(face.image(smile=1.0, time=2.0), images[20])
    assert not np.array_equal(images[3], images[5])  # it breathes
    images[0][:] = 0  # belongs to the caller
    assert np.array_equal(next(face.images()), frames[0].image)


def detected(detector, smile):
    """All faces drawn in the sizes and at the times above, each with its image, where it is, and what is found."""
    for size in SIZES:
        face = SyntheticFace(size=size)
        for time in TIMES:
            grey = grey_of(face.image(smile, time))
            yield grey, face.boxes(time)[0], detector(grey)


def probabilities(classifier, detector, seen):
    crop = detector_spec(detector.name).crop(classifier.info)
    squares = [(grey, crop(found[0])) for grey, _, found in seen]
    return classifier(
        np.concatenate([squares_input(grey, [square], classifier.info.input) for grey, square in squares])
    )


@pytest.fixture(params=["haar", "yunet"])
def detector(request):
    if request.param == "haar":
        return HaarDetector()
    from smilecam.detection.yunet import YuNetDetector

    return YuNetDetector(request.getfixturevalue("yunet_model"))


def test_detectors_find_the_face_and_networks_read_it(detector):
    for smile in (0.0, 1.0):
        seen = list(detected(detector, smile))
        assert all(len(found) == 1 for _, _, found in seen)  # no false ones either
        if detector.name == "haar":
            assert min(iou(found[0].box, box) for _, box, found in seen) > 0.65
        for model in ("smilenet", "lenet"):
            read = probabilities(SmileClassifier(model), detector, seen)
            assert read.min() > 0.95 if smile else read.max() < 0.05


def test_no_face_is_where_none_is_drawn():
    empty = SyntheticFace()._background()
    assert HaarDetector()(grey_of(empty)) == []


def test_smile_intervals():
    assert SyntheticFace(seconds=4).smile_intervals() == [(1.0, 3.0)]
    assert SyntheticFace(seconds=10).smile_intervals() == [(1.0, 3.0), (5.0, 7.0), (9.0, 10.0)]
    assert SyntheticFace(seconds=1).smile_intervals() == []
    assert SyntheticFace(seconds=5, smile="always").smile_intervals() == [(0.0, 5.0)]
    assert SyntheticFace(smile="never").smile_intervals() == []
    face = SyntheticFace()
    assert [face.smile_at(time) for time in (0, 0.8, 1.0, 1.2, 3.0, 4.0, 6.0)] == [0, 0, 0.5, 1, 0.5, 0, 1]


@pytest.fixture(scope="module")
def smiles():
    return SmileDetector()


def results_of(detector, face):
    results = list(detector.stream(face.name))
    return results, [event for result in results for event in result.events]


def test_events_come_when_the_smile_does(smiles):
    face = SyntheticFace(fps=15, seconds=8)
    results, events = results_of(smiles, face)
    assert len(results) == face.frame_count == 120
    assert all(len(result.faces) == 1 for result in results)
    assert [event.kind for event in events] == [EventKind.SMILE_START, EventKind.SMILE_END] * 2
    assert {event.track for event in events} == {1}
    truth = [time for interval in face.smile_intervals() for time in interval]
    for event, time in zip(events, truth, strict=True):
        assert event.since == pytest.approx(time, abs=0.3)
        assert time - 0.1 <= event.time <= time + 0.55


def test_three_faces_that_smile_or_not(smiles):
    for smile, expected in (("always", 1), ("never", 0)):
        results, events = results_of(smiles, SyntheticFace(fps=10, seconds=1, faces=3, smile=smile))
        assert all(len(result.faces) == 3 for result in results)
        starts = [event.track for event in events if event.kind is EventKind.SMILE_START]
        assert sorted(starts) == [1, 2, 3] * expected
