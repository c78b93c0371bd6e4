"""Hard cuts: another scene, not another light, motion or noise."""

import numpy as np
import pytest

import smilecam
from smilecam.detection.motion import CutDetector
from smilecam.opencv import cv2
from smilecam.sinks.video_writer import VideoRecorder
from smilecam.sources.base import SourceOptions


def grey(image, size=(320, 240)):
    return cv2.cvtColor(cv2.resize(image, size), cv2.COLOR_BGR2GRAY)


def cuts(frames):
    is_cut = CutDetector()
    return [number for number, frame in enumerate(frames) if is_cut(frame)]


def test_another_scene_is_a_cut(astronaut, hopper, noise):
    assert cuts([grey(astronaut)] * 3 + [grey(hopper)] * 3 + [grey(noise)] * 2) == [3, 6]


def test_light_motion_and_noise_are_none(astronaut):
    frame = grey(astronaut).astype(int)
    chance = np.random.default_rng(0)
    lit = [np.clip(frame + shift, 0, 255).astype(np.uint8) for shift in (0, 60, -40, 90, 0)]
    noisy = [np.clip(frame + chance.normal(0, 25, frame.shape), 0, 255).astype(np.uint8) for _ in range(4)]
    moving = [np.roll(frame, 4 * step, axis=1).astype(np.uint8) for step in range(6)]
    assert cuts([*lit, *noisy, frame.astype(np.uint8), *moving]) == []


def test_another_size_is_a_cut(astronaut):
    assert cuts([grey(astronaut), grey(astronaut, (160, 120))]) == [1]


@pytest.mark.parametrize("options", [SourceOptions(), SourceOptions(realtime=True)])
def test_a_track_number_never_moves_to_another_person(tmp_path, astronaut, hopper, options):
    """Two portraits, cut so that the faces lie on each other."""
    portraits = [cv2.resize(astronaut[30:260, 110:340], (320, 320)), cv2.resize(hopper[40:460, 60:480], (320, 320))]
    path = tmp_path / "cut.mp4"
    with VideoRecorder(path, 20) as recorder:
        for number in range(80):
            recorder.write(portraits[number // 40], None)
    with smilecam.SmileDetector() as detector:
        items = [item for item in detector.stream(path, options) if item.faces]
    before = {face.track for item in items if item.frame < 40 for face in item.faces}
    after = {face.track for item in items if item.frame >= 40 for face in item.faces}
    assert before
    assert after
    assert not before & after
