"""Reading the smiles of recorded video where they can change."""

import numpy as np
import pytest

from smilecam.pipeline.sampling import FoundFrame, LiveSampler, SmileSampler
from smilecam.sources.frame import Frame
from smilecam.tracking.smile_state import log_odds
from smilecam.types import Box, DetectedFace

FPS = 30
FACE = DetectedFace(Box(0, 0, 8, 8), 0.9)


class Script:
    """Gives scripted probabilities by the frame's first pixel, and counts the faces that it read."""

    def __init__(self, probabilities):
        self.probabilities, self.read, self.compared = probabilities, [], 0

    def inputs(self, images):
        self.compared += sum(len(faces) for _, faces in images)
        rows = [grey[np.newaxis].astype(np.float32) for grey, faces in images for _ in faces]
        return np.stack(rows) if rows else np.empty((0, 1, 8, 8), np.float32)

    def classify(self, inputs):
        numbers = [round(float(one[0, 0, 0])) for one in inputs]
        self.read += numbers
        return [self.probabilities[number] for number in numbers]

    def __call__(self, images):
        smiles = iter(self.classify(self.inputs(images)))
        return [[next(smiles) for _ in faces] for _, faces in images]


def found(number, noise=0, blend=0.0):
    """A frame whose face is the same as in all, one of noise alone, or both by a share of noise."""
    grey = np.tile(np.arange(8, dtype=np.uint8) * 20, (8, 1))
    if noise or blend:
        random = np.random.default_rng(number).integers(0, 255, (8, 8), np.uint8)
        grey = random if noise else ((1 - blend) * grey + blend * random).astype(np.uint8)
    grey[0, 0] = number
    return FoundFrame(Frame(number, number / FPS, grey), number / FPS, [FACE], [1])


def sampled(probabilities, noise=0, blend=0.0, **settings):
    script = Script(probabilities)
    sample = SmileSampler(script, 0.5, **settings)
    frames = [found(number, noise, blend) for number in range(len(probabilities))]
    samples = [one for at in range(0, len(frames), 15) for (one,) in sample(frames[at : at + 15])]
    assert [not one.interpolated for one in samples] == [n in set(script.read) for n in range(len(samples))]
    assert len(script.read) == len(set(script.read))  # nothing twice
    return samples, script


def test_a_face_that_stays_the_same_is_read_once_in_a_window():
    samples, script = sampled([0.02] * 90)
    assert sorted(script.read) == [0, 14, 29, 44, 59, 74, 89]
    assert [one.smile for one in samples] == pytest.approx([0.02] * 90)


def test_sure_probabilities_stay_what_they_are():
    assert [one.smile for one in sampled([0.99999] * 30)[0]] == pytest.approx([0.99999] * 30, abs=1e-7)
    assert [one.smile for one in live([0.99999] * 30)[0]] == pytest.approx([0.99999] * 30, abs=1e-7)


def test_every_frame_around_a_change_is_read():
    truth = [0.02] * 40 + [0.3, 0.6, 0.9] + [0.98] * 47
    samples, script = sampled(truth)
    assert set(range(39, 43)) <= set(script.read)
    assert len(script.read) < 25
    assert [one.smile > 0.5 for one in samples] == [smile > 0.5 for smile in truth]


def test_between_two_readings_log_odds_are_interpolated():
    samples, script = sampled([0.02] + [0.5] * 13 + [0.05])
    assert script.read == [0, 14]
    middle = log_odds(samples[7].smile)
    assert middle == pytest.approx((log_odds(0.02) + log_odds(0.05)) / 2)


@pytest.mark.parametrize(
    ("probabilities", "settings"),
    [
        ([0.4] * 60, {"noise": 1}),
        ([0.02] * 60, {"noise": 1}),
        ([0.02] * 60, {"every_frame": True}),
    ],
)
def test_doubtful_and_changing_faces_are_read_in_every_frame(probabilities, settings):
    _, script = sampled(probabilities, **settings)
    assert sorted(script.read) == list(range(60))


def test_a_doubtful_face_that_does_not_move_is_read_every_fifth_frame_at_least():
    samples, script = sampled([0.4] * 30 + [0.44] * 30)
    assert max(np.diff(sorted(script.read))) <= 5
    assert len(script.read) < 20
    assert all(0.4 - 1e-9 <= one.smile <= 0.44 + 1e-9 for one in samples)


def test_where_a_doubtful_face_crosses_the_threshold_both_frames_are_read():
    for at in range(3, 27):
        _, script = sampled([0.48] * at + [0.52] * (30 - at))
        assert {at - 1, at} <= set(script.read)


def test_a_face_that_moves_and_is_sure_is_read_every_ninth_frame_at_least():
    samples, script = sampled([0.02] * 90, blend=0.3)
    assert 5 <= max(np.diff(sorted(script.read))) <= 9
    assert [one.smile for one in samples] == pytest.approx([0.02] * 90)
    _, doubtful = sampled([0.4] * 90, blend=0.3)
    assert len(doubtful.read) == 90


def test_a_face_that_comes_back_later_is_not_interpolated_from_before():
    script = Script([0.02] * 60)
    sample = SmileSampler(script, 0.5)
    sample([found(number) for number in range(15)])
    sample([found(number) for number in range(50, 60)])
    assert sorted(script.read) == [0, 14, 50, 59]


def live(probabilities, noise=0, blend=0.0, **settings):
    script, sample = Script(probabilities), LiveSampler()
    frames = [found(number, noise, blend) for number in range(len(probabilities))]
    return [one for frame in frames for one in sample(frame, script, 0.5, **settings)], script


def test_a_live_face_that_stays_the_same_is_read_every_fourth_frame():
    samples, script = live([0.02] * 30)
    assert script.read == list(range(0, 30, 4))
    assert [one.smile for one in samples] == pytest.approx([0.02] * 30)
    assert [one.interpolated for one in samples] == [number % 4 > 0 for number in range(30)]


@pytest.mark.parametrize(
    ("probabilities", "settings"),
    [([0.4] * 30, {}), ([0.02] * 30, {"noise": 1}), ([0.02] * 30, {"every_frame": True})],
)
def test_live_faces_that_are_doubtful_or_change_are_read_at_once(probabilities, settings):
    _, script = live(probabilities, **settings)
    assert script.read == list(range(30))


def test_a_live_face_that_moves_is_read_every_third_frame_where_it_is_very_sure():
    assert live([0.02] * 30, blend=0.13)[1].read == list(range(0, 30, 3))
    assert live([0.1] * 30, blend=0.13)[1].read == list(range(30))
    assert live([0.02] * 30, blend=0.4)[1].read == list(range(30))


def test_where_there_is_a_strain_live_faces_are_read_and_compared_more_rarely():
    calm = live([0.02] * 60)[1]
    samples, strained = live([0.02] * 60, strain=4.0)
    assert calm.compared == 60
    assert strained.read == list(range(0, 60, 15))
    assert strained.compared <= 12
    assert [one.smile for one in samples] == pytest.approx([0.02] * 60)


def test_where_there_is_a_strain_a_change_is_seen_within_a_fifth_of_a_second():
    script, sample = Script([0.02] * 30 + [0.98] * 30), LiveSampler()
    frames = [found(number, noise=number >= 30) for number in range(60)]
    smiles = [one.smile for frame in frames for one in sample(frame, script, 0.5, strain=4.0)]
    assert 30 <= next(at for at, smile in enumerate(smiles) if smile > 0.5) <= 36


def live_crowd(faces, frames, probability, **settings):
    """How many faces are read in each frame, and how many frames lie between two readings of a face at most."""
    script, sample = Script([probability] * 256), LiveSampler()
    counts, last, longest = [], dict.fromkeys(range(faces), 0), 0
    for number in range(frames):
        one = found(number)
        crowd = one._replace(faces=[FACE] * faces, tracks=list(range(faces)))
        samples = sample(crowd, script, 0.5, **settings)
        counts.append(sum(not each.interpolated for each in samples))
        for track, each in enumerate(samples):
            longest = max(longest, number - last[track])
            last[track] = last[track] if each.interpolated else number
    return counts, longest


def test_of_a_doubtful_crowd_four_faces_are_read_in_a_live_frame_in_turns():
    counts, longest = live_crowd(10, 30, 0.4)
    assert counts == [10] + [4] * 29
    assert longest <= 3


def test_all_of_a_large_crowd_is_read_within_a_third_of_a_second_or_half_where_there_is_a_strain():
    counts, longest = live_crowd(80, 60, 0.4)
    assert counts[0] == 80
    assert longest <= 10
    assert live_crowd(80, 60, 0.4, strain=4.0)[1] <= 15
