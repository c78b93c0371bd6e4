"""Recorded video: states that know the future, and results that agree in every form."""

from itertools import pairwise

import numpy as np
import pytest

from smilecam.tracking.offline_faces import OfflineFaceTracks
from smilecam.tracking.smile_path import MAX_DELAY_SECONDS, SmilePath, change_cost
from smilecam.tracking.smile_state import DecisionSettings, Sample, log_odds
from smilecam.types import Box, DetectedFace, EventKind

FPS = 30


def settled(probabilities, settings=None, threshold=0.5, every=15):
    """All states of a track, settled bit by bit as a run does it."""
    path = SmilePath(threshold, settings or DecisionSettings())
    states = []
    for number, probability in enumerate(probabilities):
        path.add(probability, number / FPS)
        if number % every == every - 1:
            states += path.settle()
    return states + path.settle(ended=True)


def smiling(probabilities, settings=None, threshold=0.5, every=15):
    return [state.smiling for state in settled(probabilities, settings, threshold, every)]


def best_by_trying_all(probabilities, cost):
    """The states with the largest gain, found among all of them."""
    gains = [log_odds(probability) / FPS for probability in probabilities]
    gains[0] *= 0.04 * FPS
    best = (-np.inf, ())
    for bits in range(2 ** len(gains)):
        states = [bool(bits >> at & 1) for at in range(len(gains))]
        changes = sum(a != b for a, b in pairwise(states))
        gain = sum(each if state else -each for each, state in zip(gains, states, strict=True)) - cost * changes
        best = max(best, (gain, states), key=lambda one: one[0])
    return best[1]


@pytest.mark.parametrize("seed", range(30))
def test_the_best_path_is_found(seed):
    chance = np.random.default_rng(seed)
    probabilities = 1 / (1 + np.exp(-chance.normal(0, 3, 12).cumsum() / 2))
    settings = DecisionSettings()
    assert smiling(probabilities, settings, every=5) == best_by_trying_all(probabilities, change_cost(settings))


@pytest.mark.parametrize("every", [1, 7, 15, 1000])
def test_what_is_settled_early_is_what_the_whole_course_says(every):
    chance = np.random.default_rng(7)
    probabilities = 1 / (1 + np.exp(-np.convolve(chance.normal(0, 4, 3000), np.ones(12) / 4, "same")))
    whole = smiling(probabilities, every=10**9)
    assert smiling(probabilities, every=every) == whole
    assert 50 < sum(a != b for a, b in pairwise(whole)) < 500


def test_changes_lie_where_the_readings_change():
    states = smiling([0.03] * 40 + [0.97] * 50 + [0.03] * 40)
    assert states == [False] * 40 + [True] * 50 + [False] * 40


@pytest.mark.parametrize("length", [1, 2])
def test_blips_change_nothing(length):
    assert not any(smiling(([0.03] * 20 + [0.95] * length) * 5))
    assert all(smiling(([0.97] * 20 + [0.05] * length) * 5))


def test_doubtful_frames_change_nothing_and_a_track_may_begin_with_a_smile():
    assert all(smiling([0.97] * 20 + [0.4] * 25 + [0.97] * 20))
    assert smiling([0.97, 0.97, 0.97]) == [True] * 3


def test_without_costs_each_frame_counts_by_itself():
    probabilities = np.random.default_rng(3).uniform(0, 1, 200)
    settings = DecisionSettings(smoothing=0, hysteresis=0)
    assert smiling(probabilities, settings) == [bool(each) for each in probabilities >= 0.5]


@pytest.mark.parametrize("seconds", [0.5, 1.0, 4.0])
def test_minimum_durations_are_kept(seconds):
    short, long = round(seconds * FPS) - 3, round(seconds * FPS) + 3
    settings = DecisionSettings(min_smile=seconds)
    probabilities = [0.02] * 60 + [0.98] * short + [0.02] * 60 + [0.98] * long + [0.02] * 60
    assert smiling(probabilities, settings) == [False] * (120 + short) + [True] * long + [False] * 60
    settings = DecisionSettings(min_pause=seconds)
    probabilities = [0.98] * 60 + [0.02] * short + [0.98] * 60 + [0.02] * long + [0.98] * 60
    assert smiling(probabilities, settings) == [True] * (120 + short) + [False] * long + [True] * 60


def test_word_and_number_agree_in_every_frame():
    probabilities = 1 / (1 + np.exp(-np.random.default_rng(1).normal(0, 2, 2000).cumsum() / 8))
    for state in settled(probabilities, threshold=0.4772):
        assert state.smiling == (state.smoothed >= 0.4772)


def test_frames_do_not_wait_without_end():
    path = SmilePath(0.5, DecisionSettings())
    for number in range(20 * FPS):
        path.add(0.5 + 0.01 * (number % 2), number / FPS)
        path.settle()
        assert len(path) <= (MAX_DELAY_SECONDS + 0.1) * FPS


FACE = DetectedFace(Box(0, 0, 100, 100), 0.9)


def results_of(probabilities, threshold=0.5):
    tracks = OfflineFaceTracks("clip", threshold, DecisionSettings())
    results = []
    for number, probability in enumerate(probabilities):
        faces = [] if probability is None else [FACE]
        tracks.add(number, tracks.associate(number / FPS, faces), faces, [Sample(probability)] * len(faces))
        if number % 15 == 14:
            results += tracks.settled()
    return results + list(tracks.finish())


@pytest.mark.parametrize(("size", "period"), [(1, 0.5), (1, 0.6), (0.5, 1), (2, 0.3)])
def test_what_is_settled_in_doubt_makes_no_changes(size, period):
    waves = size * np.sin(2 * np.pi * np.arange(30 * FPS) / FPS / period)
    states = smiling(1 / (1 + np.exp(-waves)), every=16)
    assert sum(a != b for a, b in pairwise(states)) <= 1


def test_events_lie_on_the_frames_that_they_are_about():
    results = results_of([0.03] * 40 + [0.97] * 50 + [0.03] * 40)
    assert [result.frame for result in results] == list(range(130))
    events = [event for result in results for event in result.events]
    assert [(event.kind, event.frame) for event in events] == [(EventKind.SMILE_START, 40), (EventKind.SMILE_END, 90)]
    assert all(event.since == event.time == event.frame / FPS for event in events)
    assert [result.smiling for result in results] == [False] * 40 + [True] * 50 + [False] * 40
    assert events[1].peak > 0.9


def test_a_face_that_leaves_ends_its_smile_when_last_seen_and_the_video_ends_the_rest():
    events = [event for result in results_of([0.97] * 30 + [None] * 60) for event in result.events]
    assert events[-1].kind is EventKind.SMILE_END
    assert events[-1].since == pytest.approx(29 / FPS)
    results = results_of([0.97] * 30)
    assert [event.kind for event in results[-1].events] == [EventKind.SMILE_END]


def test_a_cut_ends_tracks():
    tracks = OfflineFaceTracks("clip", 0.5, DecisionSettings())
    for number in range(60):
        if number == 30:
            tracks.cut()
        sample = Sample(0.97 if number < 30 else 0.03)
        tracks.add(number, tracks.associate(number / FPS, [FACE]), [FACE], [sample])
    results = list(tracks.finish())
    assert [result.faces[0].track for result in results] == [1] * 30 + [2] * 30
    events = [event for result in results for event in result.events]
    assert [(event.kind, event.track, event.frame) for event in events] == [
        (EventKind.SMILE_START, 1, 0),
        (EventKind.SMILE_END, 1, 30),
    ]
