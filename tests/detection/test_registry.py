"""Which face detector "auto" stands for."""

import os
import sys

import pytest

import smilecam
from smilecam.detection.detector_settings import HAAR_FOR_IMAGES, YUNET_FOR_IMAGES, DetectorSettings
from smilecam.detection.registry import AUTO, DEFAULT_DETECTOR, DETECTORS, Use, detector_spec, resolve_detector
from smilecam.errors import ModelFileError, UsageProblem
from smilecam.server.stream_settings import Settings


def test_auto_is_the_default_and_no_detector():
    assert DEFAULT_DETECTOR == AUTO
    assert AUTO not in DETECTORS
    with pytest.raises(UsageProblem, match="choose auto, haar, yunet"):
        detector_spec("owl")


def test_without_the_file_it_is_haar():
    found = resolve_detector()
    assert found.spec is DETECTORS["haar"]
    assert found.fallback == (
        "faces by the Haar cascade; smilecam models fetch yunet adds small, turned and tilted ones"
    )


def test_with_the_file_it_is_yunet(fetched_yunet):
    found = resolve_detector("auto")
    assert (found.spec, found.fallback) == (DETECTORS["yunet"], "")


def test_with_a_damaged_file_it_is_haar_and_the_damage_is_named(damaged_yunet):
    found = resolve_detector("auto")
    assert found.spec is DETECTORS["haar"]
    assert found.fallback.startswith(f"{damaged_yunet} is not the YuNet file")
    assert found.fallback.endswith("smilecam models fetch yunet replaces the file")


@pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX permissions")
def test_a_data_folder_that_may_not_be_entered_holds_no_file(damaged_yunet, monkeypatch):
    folder = damaged_yunet.parent
    if os.geteuid() == 0:  # root may enter every folder

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("pathlib.Path.is_file", refuse)
    folder.chmod(0)
    try:
        assert resolve_detector().fallback.startswith("faces by the Haar cascade; ")
        with pytest.raises(ModelFileError, match="needs its file"):
            detector_spec("yunet").check_file()
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_name_stands_for_itself(name, damaged_yunet):
    found = resolve_detector(name)
    assert (found.spec, found.fallback) == (DETECTORS[name], "")


def test_settings_choose_their_detector(fetched_yunet):
    assert resolve_detector("auto", HAAR_FOR_IMAGES).spec is DETECTORS["haar"]
    assert resolve_detector("auto", YUNET_FOR_IMAGES).spec is DETECTORS["yunet"]
    with smilecam.SmileDetector(haar=HAAR_FOR_IMAGES) as detector:
        assert detector.components.detector == "haar"
    with pytest.raises(UsageProblem, match="takes YuNetSettings, not HaarSettings"):
        smilecam.SmileDetector(haar=HAAR_FOR_IMAGES, detector="yunet")
    with pytest.raises(UsageProblem, match="not DetectorSettings"):
        smilecam.SmileDetector(haar=DetectorSettings(100))


@pytest.mark.parametrize(
    ("state", "name"), [("empty_data_folder", "haar"), ("fetched_yunet", "yunet"), ("damaged_yunet", "haar")]
)
def test_a_program_can_ask_which_it_became(request, state, name, astronaut, capfd):
    request.getfixturevalue(state)
    with smilecam.SmileDetector() as detector:
        assert detector.components.detector == name
        assert f"detector={name!r}" in repr(detector)
        assert detector(astronaut).smiling
        # The default of the size follows, for single images as for streams.
        for use, made in ((Use.IMAGE, detector.components.image_detector()), (Use.STREAM, stream_detector(detector))):
            assert made.settings == DETECTORS[name].settings[use]
    assert Settings("smilenet").detector == name
    assert capfd.readouterr() == ("", "")


def stream_detector(detector):
    return detector.components.stream_detector()


@pytest.mark.parametrize("state", ["empty_data_folder", "damaged_yunet"])
def test_yunet_that_is_asked_for_is_not_replaced(request, state):
    request.getfixturevalue(state)
    with pytest.raises(ModelFileError, match="run smilecam models fetch yunet"):
        smilecam.SmileDetector(detector="yunet")
