"""What every face detector promises, held against each entry of the registry with its real file."""

import shutil
import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest

from smilecam.classification.batch import FaceClassifier
from smilecam.classification.classifier import SmileClassifier
from smilecam.detection import registry
from smilecam.detection.detector_settings import DetectorSettings
from smilecam.detection.registry import (
    BUNDLED_DETECTOR,
    DEFAULT_DETECTOR,
    DETECTORS,
    Use,
    available_detectors,
    detection_size_help,
    detector_help,
    detector_names,
    detector_spec,
)
from smilecam.errors import ModelFileError, UsageProblem
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.sources.frame import GreyRegions
from smilecam.types import Box, DetectedFace

EYES_AND_MOUTH = ((209, 106), (244, 104), (228, 146))
"""About where the astronaut's eyes and mouth are, in pixels."""


@pytest.fixture(params=DETECTORS.values(), ids=DETECTORS)
def spec(request, monkeypatch, tmp_path):
    """A detector whose file, if it needs one, is in its place."""
    if request.param.file is not None:
        material = request.getfixturevalue("material")
        good = material.parent / "models" / request.param.file.name
        if not good.is_file():
            request.getfixturevalue("yunet_model")  # skips, or fails where the material is obligatory
        monkeypatch.setenv("SMILECAM_DATA", str(tmp_path))
        request.param.file.path.parent.mkdir(parents=True)
        shutil.copyfile(good, request.param.file.path)
    return request.param


@pytest.fixture(params=Use)
def detector(spec, request):
    return spec.make(request.param)


@pytest.fixture(scope="module")
def grey(astronaut):
    return cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)


@pytest.fixture(scope="module")
def group(grey):
    """Three faces side by side: the astronaut, mirrored in the middle."""
    face = grey[:256, 100:356]
    return np.ascontiguousarray(np.hstack([face, face[:, ::-1], face]))


def thirds_of(faces):
    """Which third of the group's image each face lies in."""
    return [(face.box.x1 + face.box.x2) // 2 // 256 for face in faces]


def test_boxes_lie_inside_from_left_to_right(detector, group):
    faces = detector(group)
    height, width = group.shape
    assert thirds_of(faces) == [0, 1, 2]
    assert [face.box for face in faces] == sorted(face.box for face in faces)
    for box, confidence, *_ in faces:
        assert 0 <= box.x1 < box.x2 <= width
        assert 0 <= box.y1 < box.y2 <= height
        assert 0 < confidence <= 1


def test_a_face_at_the_border_is_clipped_or_not_found(detector, grey):
    for box, *_ in detector(np.ascontiguousarray(grey[100:, 200:])):
        assert 0 <= box.x1 < box.x2 <= grey.shape[1] - 200
        assert 0 <= box.y1 < box.y2 <= grey.shape[0] - 100


def test_portraits_have_one_face_and_noise_has_none(detector, astronaut, hopper, noise):
    for image in (astronaut, hopper):
        assert len(detector(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))) == 1
    assert detector(cv2.cvtColor(noise, cv2.COLOR_BGR2GRAY)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (24, 24), (10, 500)])
def test_images_of_any_shape_are_accepted(detector, shape):
    assert detector(np.zeros(shape, np.uint8)) == []


def test_a_region_gives_the_faces_inside_it_in_pixels_of_the_image(detector, group):
    whole = detector(group)
    (middle,) = detector(group, Box(236, 0, 532, 256))
    assert iou(middle.box, whole[1].box) > 0.6
    assert detector(group, Box(0, 226, 768, 256)) == []


def test_grey_may_be_made_where_it_is_taken(detector, group):
    """As frames give it whose luma plane has a range of its own."""
    luma, made = (16 + 0.85 * group).astype(np.uint8), []

    def brighter(region):
        made.append(region.size)
        return region + 10

    on_demand, whole = GreyRegions(luma, brighter), luma + 10
    faces = detector(whole)
    assert detector(on_demand) == faces
    region = Box(0, 0, luma.shape[1] // 3 + 40, luma.shape[0])
    assert detector(on_demand, region) == detector(whole, region)
    made.clear()
    assert detector.redetect(on_demand, faces[:1]) == detector.redetect(whole, faces[:1])
    assert 0 < max(made) < luma.size


def test_known_faces_are_detected_again_where_they_moved(detector, group):
    known = detector(group)
    step = round(0.1 * known[0].box.width)
    now = detector.redetect(np.roll(group, (step, step), axis=(0, 1)), known)
    assert len(now) == len(known)
    for before, after in zip(known, now, strict=True):
        assert iou(after.box, before.box.translated(step, step)) > 0.6
        assert 0 <= after.confidence <= 1


def test_lost_faces_are_none(detector, group):
    known = detector(group)
    noise = np.random.default_rng(0).integers(0, 256, group.shape, dtype=np.uint8)
    assert detector.redetect(noise, known) == [None, None, None]
    assert detector.redetect(group, []) == []
    beside = group.copy()
    beside[:, 256:512] = 90
    first, second, third = detector.redetect(beside, known)
    assert first
    assert second is None
    assert third


def test_detection_size_is_honoured(spec, grey):
    wide = cv2.copyMakeBorder(grey, 0, 0, 0, 2500, cv2.BORDER_REPLICATE)
    assert spec.make(Use.STREAM, detection_size=100)(wide) == []
    assert len(spec.make(Use.STREAM, detection_size=3012)(wide)) == 1


def test_settings_are_honoured_and_those_of_another_detector_refused(spec, grey):
    own = spec.settings[Use.STREAM]
    strict = replace(own, min_confidence=1.0)
    for make in (spec.make, lambda *given: spec.factory(*given)(), lambda *given: spec.per_thread(*given)()):
        assert make(Use.STREAM).settings == own
        assert make(Use.IMAGE).settings == spec.settings[Use.IMAGE]
        assert make(Use.IMAGE, 333).settings.detection_size == 333
        assert make(Use.IMAGE, None, strict)(grey) == []
        assert make(Use.IMAGE, 333, strict).settings == replace(strict, detection_size=333)
        with pytest.raises(UsageProblem, match=f"{spec.name} takes {type(own).__name__}, not DetectorSettings"):
            make(Use.STREAM, None, DetectorSettings(480))
    spec.check_settings(None)


def test_threads_may_use_what_they_are_given(spec, grey, group):
    images, results = [grey, group] * 2, [[] for _ in range(4)]
    alone = [spec.make(Use.STREAM)(image) for image in images]
    of_thread, used = spec.per_thread(Use.STREAM), []

    def work(row):
        detector = of_thread()
        used.append(detector)
        for _ in range(5):
            results[row].append(detector(images[row]))
            detector.redetect(images[row], results[row][-1])

    threads = [threading.Thread(target=work, args=(row,)) for row in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[faces] * 5 for faces in alone]
    assert len(set(map(id, used))) == (1 if spec.thread_safe else len(images))
    assert of_thread() is of_thread()


def test_streams_share_a_detector_only_where_threads_may(spec):
    make = spec.factory(Use.STREAM)
    assert (make() is make()) == spec.thread_safe


def test_a_missing_or_damaged_file_names_the_command_that_brings_it(spec):
    spec.check_file()
    assert spec.is_available()
    assert spec.name in available_detectors()
    if spec.file is None:
        assert spec.state()
        return
    path, command = spec.file.path, f"smilecam models fetch {spec.name}"
    assert spec.state() == str(path)
    content = path.read_bytes()
    for damaged in (content[:-1] + b"?", content[:-1], content + b"?", b""):
        path.write_bytes(damaged)
        assert spec.name not in available_detectors()
        assert spec.state().endswith(f"(its SHA-256 differs): {command}")
        for fail in (spec.check_file, lambda: spec.make(Use.IMAGE), lambda: spec.factory(Use.STREAM)):
            with pytest.raises(ModelFileError, match=f"its SHA-256 differs.*: run {command}$"):
                fail()
    path.unlink()
    assert not spec.is_available()
    assert spec.state() == f"not fetched: {command}"
    for fail in (spec.check_file, lambda: spec.make(Use.IMAGE), lambda: spec.per_thread(Use.IMAGE)):
        with pytest.raises(ModelFileError, match=f"needs its file .*: run {command}$"):
            fail()


@pytest.mark.parametrize("model", ["smilenet", "lenet"])
def test_the_crop_is_a_square_that_holds_eyes_and_mouth(spec, detector, grey, model):
    crop = spec.crop(SmileClassifier(model).info)
    (face,) = detector(grey)
    square = crop(face)
    assert square.width == square.height
    assert 0.5 < square.width / face.box.width < 1.1
    for x, y in EYES_AND_MOUTH:
        assert square.x1 < x < square.x2
        assert square.y1 < y < square.y2
    assert EYES_AND_MOUTH[2][1] > (square.y1 + square.y2) / 2  # the mouth lies in the lower half


def test_the_crops_of_all_detectors_give_the_astronaut_a_smile(spec, detector, grey):
    classifier = SmileClassifier()
    faces = detector(grey)
    ((smile,),) = FaceClassifier(classifier, spec.crop(classifier.info))([(grey, faces)])
    assert smile > 0.5


def test_a_detector_that_the_model_does_not_know_is_refused():
    stranger = replace(DETECTORS[BUNDLED_DETECTOR], name="stranger")
    with pytest.raises(ModelFileError, match="model smilenet has no crop for stranger boxes"):
        stranger.crop(SmileClassifier().info)


def test_faces_of_another_detector_are_not_cropped_without_a_word(grey):
    by_landmarks = [spec for spec in DETECTORS.values() if spec.landmark_crop is not None]
    (face,) = DETECTORS[BUNDLED_DETECTOR].make(Use.IMAGE)(grey)
    for spec in by_landmarks:
        with pytest.raises(ValueError, match="crop of its own detector"):
            spec.crop(SmileClassifier().info)(face)


def test_a_model_file_may_give_another_crop():
    info = SmileClassifier().info
    spec = DETECTORS[BUNDLED_DETECTOR]
    wider = replace(info, crops={spec.name: replace(info.crops[spec.name], side=1.0, shift_y=0.0)})
    face = DetectedFace(Box(10, 20, 110, 120), 1.0)
    assert spec.crop(wider)(face) == face.box
    assert spec.crop(info)(face) != face.box


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(UsageProblem, match=f"no face detector 'owl': choose {', '.join(detector_names())}"):
        detector_spec("owl")


def test_every_detector_has_a_place_in_the_help():
    assert detector_names()[0] == DEFAULT_DETECTOR
    for spec in DETECTORS.values():
        assert f"{spec.name}, {spec.help}" in detector_help()
        for settings in spec.settings.values():
            assert str(settings.detection_size) in detection_size_help()
        assert (spec.file is None) or spec.file.fetch_command in detector_help()


def test_a_third_detector_is_one_entry(monkeypatch, grey):
    """It is offered, checked and made like the others."""

    @dataclass(frozen=True)
    class Settings(DetectorSettings):
        detection_size: int = 64

    class Whole:
        def __init__(self, settings):
            self.settings = settings

    third = registry.DetectorSpec(
        name="whole",
        help="the whole image",
        settings=dict.fromkeys(Use, Settings()),
        build=Whole,
        landmark_crop=None,
        thread_safe=True,
    )
    monkeypatch.setattr(registry, "DETECTORS", DETECTORS | {"whole": third})
    assert "whole" in available_detectors()
    assert detector_spec("whole").make(Use.STREAM, 99).settings == Settings(99)
    assert "whole, the whole image" in detector_help()
    assert "whole 64 for images" in detection_size_help()
    with pytest.raises(UsageProblem):
        third.make(Use.STREAM, settings=DETECTORS[BUNDLED_DETECTOR].settings[Use.STREAM])
