"""The default face detector of ``detect`` and ``demo``, with YuNet's file in its place, without it, and damaged."""

import json

import pytest

from smilecam.opencv import cv2

OFFER = "faces by the Haar cascade; smilecam models fetch yunet adds small, turned and tilted ones"
BLUR = (
    "smilecam: --blur anonymises only faces that are found, and the Haar cascade misses small, turned and tilted ones: "
    "yunet finds more of them\n"
)


@pytest.fixture
def photos(tmp_path, astronaut, hopper):
    """Two photos, and the astronaut tilted, whom the cascade misses."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, image in {"a": astronaut, "b": hopper, "tilted": tilted(astronaut)}.items():
        cv2.imwrite(str(folder / f"{name}.png"), image)
    return folder


def tilted(image):
    height, width = image.shape[:2]
    rotation = cv2.getRotationMatrix2D((width / 2, height / 2), -40, 1)
    return cv2.warpAffine(image, rotation, (width, height))


def faces_of(out):
    return [len(json.loads(line)["faces"]) for line in out.splitlines()]


def test_without_the_file_haar_is_used_and_the_other_offered_once(command, photos, clip):
    code, out, err = command("detect", photos, clip)
    assert (code, err) == (0, f"smilecam: {OFFER}\n")
    assert "tilted.png: no face" in out


def test_json_lines_on_standard_output_are_free_of_the_offer(command, photos):
    code, out, err = command("detect", photos, "--jsonl", "-")
    assert code == 0
    assert faces_of(out) == [1, 1, 0]
    assert err.count(OFFER) == 1


def test_with_the_file_yunet_is_used_and_nothing_said(command, photos, fetched_yunet):
    code, out, err = command("detect", photos, "--blur", "--save", "blurred")
    assert (code, err) == (0, "")
    assert "tilted.png: 1 face" in out


def test_a_damaged_file_is_reported_and_haar_used(command, photos, damaged_yunet):
    code, out, err = command("detect", photos)
    assert code == 0
    assert err.startswith(f"smilecam: {damaged_yunet} is not the YuNet file")
    assert err.endswith(": faces by the Haar cascade; smilecam models fetch yunet replaces the file\n")
    assert err.count("\n") == 1
    assert "tilted.png: no face" in out


@pytest.mark.parametrize("state", ["fetched_yunet", "damaged_yunet", "empty_data_folder"])
def test_haar_that_is_asked_for_is_not_commented_on(command, photos, request, state):
    request.getfixturevalue(state)
    code, out, err = command("detect", photos, "--detector", "haar")
    assert (code, err) == (0, "")
    assert "tilted.png: no face" in out


@pytest.mark.parametrize("state", ["damaged_yunet", "empty_data_folder"])
def test_yunet_that_is_asked_for_is_not_replaced(command, photos, request, state):
    request.getfixturevalue(state)
    code, out, err = command("detect", photos, "--detector", "yunet")
    assert (code, out, err.count("\n")) == (4, "", 1)
    assert "run smilecam models fetch yunet" in err


def test_blur_on_haar_is_warned_of(command, photos):
    code, _, err = command("detect", photos, "--detector", "haar", "--save", "blurred", "--blur")
    assert (code, err) == (0, BLUR)
    code, _, err = command("detect", photos, "--save", "blurred", "--blur")
    assert (code, err) == (0, f"smilecam: {OFFER}\n{BLUR}")


def test_a_run_without_a_frame_has_no_offer(command):
    code, _, err = command("detect", "missing.png")
    assert (code, err.count("\n")) == (3, 1)
    assert "fetch" not in err


def test_the_demo_offers_the_other(command):
    code, out, err = command("demo")
    assert (code, err) == (0, "")
    assert out.splitlines()[-2:] == [OFFER, "demo correct"]


def test_the_demo_is_correct_with_yunet(command, fetched_yunet):
    code, out, err = command("demo")
    assert (code, err) == (0, "")
    assert "fetch" not in out
    assert out.splitlines()[-1] == "demo correct"


@pytest.mark.parametrize(("state", "name"), [("fetched_yunet", "yunet"), ("damaged_yunet", "haar")])
def test_the_list_of_models_names_the_default(command, request, state, name):
    request.getfixturevalue(state)
    assert f"auto   the default; now {name}\n" in command("models", "list")[1]
