import math

import numpy as np
import pytest

from smilecam.tracking.faces import FaceTracks
from smilecam.tracking.smile_state import LIMIT, DecisionSettings, Sample, SmileState, log_odds
from smilecam.types import Box, DetectedFace, EventKind


def changes(state, readings, rate=30.0, start=0):
    """(frame, change) for each change."""
    found = []
    for number, reading in enumerate(readings, start):
        change = state.update(reading, number / rate)
        if change:
            found.append((number, change))
    return found


def test_log_odds_are_held():
    assert log_odds(0.5) == 0
    assert log_odds(1.0) == pytest.approx(LIMIT)
    assert log_odds(0.0) == pytest.approx(-LIMIT)


def test_a_smile_begins_and_ends_once():
    state = SmileState(0.5, DecisionSettings())
    found = changes(state, [0.05] * 30 + [0.97] * 45 + [0.05] * 30)
    assert [change.smiling for _, change in found] == [True, False]
    (start, began), (end, ended) = found
    assert 30 < start <= 30 + 0.4 * 30
    assert 75 < end <= 75 + 0.5 * 30
    assert 29 / 30 < began.since < start / 30
    assert ended.peak > 0.94
    assert not state.smiling


@pytest.mark.parametrize("length", [1, 2])
def test_blips_are_no_smiles(length):
    state = SmileState(0.5, DecisionSettings())
    assert changes(state, ([0.03] * 20 + [0.95] * length) * 5) == []


def test_a_short_look_away_does_not_end_a_smile():
    state = SmileState(0.5, DecisionSettings())
    found = changes(state, [0.95] * 30 + ([0.1] * 3 + [0.95] * 20) * 4)
    assert [change.smiling for _, change in found] == [True]


def test_wavering_about_the_threshold_changes_nothing():
    noise = np.random.default_rng(0).normal(0, 0.6, 3000)
    readings = 1 / (1 + np.exp(-noise))
    calm = changes(SmileState(0.5, DecisionSettings()), readings)
    raw = np.count_nonzero(np.diff(readings >= 0.5))
    assert raw > 1000
    assert len(calm) <= 4


@pytest.mark.parametrize("rate", [5.0, 15.0, 30.0, 120.0])
def test_the_pace_does_not_depend_on_the_frame_rate(rate):
    state = SmileState(0.5, DecisionSettings())
    readings = [0.05 if number < rate else 0.97 for number in range(int(3 * rate))]
    ((frame, _),) = changes(state, readings, rate)
    assert frame / rate - 1 <= 0.25 + 1 / rate


@pytest.mark.parametrize("hysteresis", [0.0, 0.9, 1.5, 3.0, 5.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.12, 1.0, 7.0, 60.0])
def test_a_clear_smile_is_found_with_all_settings(hysteresis, smoothing):
    state = SmileState(0.5, DecisionSettings(smoothing=smoothing, hysteresis=hysteresis))
    found = changes(state, [0.001] * 60 + [0.999] * round(30 * (5 + 6 * smoothing)))
    assert [change.smiling for _, change in found] == [True]


@pytest.mark.parametrize("smoothing", [0.12, 1.0, 3.0, 10.0])
def test_a_usual_smile_is_found_with_much_smoothing(smoothing):
    state = SmileState(0.5, DecisionSettings(smoothing=smoothing))
    found = changes(state, [0.05] * 60 + [0.9] * round(30 * (5 + 6 * smoothing)))
    assert [change.smiling for _, change in found] == [True]


def test_a_change_is_dated_back_no_more_than_a_second():
    state = SmileState(0.5, DecisionSettings())
    found = changes(state, [0.05] * 60 + [0.57] * 300 + [0.97] * 60)
    ((frame, change),) = found
    assert 360 <= frame < 366
    assert frame / 30 - change.since == pytest.approx(1.0)


def test_without_smoothing_every_reading_counts():
    state = SmileState(0.5, DecisionSettings(smoothing=0, hysteresis=0, min_smile=0, min_pause=0))
    found = changes(state, [0.1, 0.9, 0.1, 0.9])
    assert [frame for frame, _ in found] == [1, 2, 3]


def test_without_smoothing_hysteresis_is_the_distance_that_changes_the_state():
    state = SmileState(0.5, DecisionSettings(smoothing=0, hysteresis=1.0))
    found = changes(state, [0.1, 0.7, 0.74, 0.6, 0.3, 0.26])
    assert [(frame, change.smiling) for frame, change in found] == [(2, True), (5, False)]


def test_intensity_grows_with_the_smile():
    values = []
    for reading in (0.02, 0.2, 0.5, 0.8, 0.98):
        state = SmileState(0.5, DecisionSettings())
        state.update(reading, 0.0)
        values.append(state.intensity)
    assert values == sorted(values)
    assert values[0] == 0
    assert values[2] == pytest.approx(0.5)
    assert values[-1] == 1


def test_relative_intensity_is_zero_at_the_neutral_face():
    # Somebody whose neutral face reads as .3.
    absolute = SmileState(0.6, DecisionSettings())
    relative = SmileState(0.6, DecisionSettings(relative=True))
    for number in range(30 * 120):
        for state in (absolute, relative):
            state.update(0.3, number / 30)
    assert absolute.intensity > 0.3
    assert relative.intensity < 0.05
    for number in range(30 * 120, 30 * 121):
        relative.update(0.99, number / 30)
    assert relative.intensity == 1


def tracks(threshold=0.5):
    return FaceTracks("clip", threshold, DecisionSettings())


def update(crowd, number, time, faces, smiles):
    return crowd.update(number, crowd.associate(time, faces), faces, [Sample(smile) for smile in smiles])


FACE = DetectedFace(Box(0, 0, 100, 100), 0.9)


def test_events_carry_track_time_and_peak():
    crowd = tracks()
    events = [
        event
        for number in range(90)
        for event in update(crowd, number, number / 30, [FACE], [0.95 if 30 <= number < 60 else 0.05]).events
    ]
    start, end = events
    assert (start.kind, end.kind) == (EventKind.SMILE_START, EventKind.SMILE_END)
    assert start.track == end.track == 1
    assert start.since < start.time < end.since < end.time
    assert start.time == start.frame / 30
    line = end.as_dict()
    assert line["type"] == "event"
    assert line["event"] == "smile_end"
    assert 0.9 < line["peak"] <= 1
    assert math.isclose(line["time"], end.time, abs_tol=1e-4)


def test_somebody_who_leaves_smiling_stops_smiling_when_last_seen():
    crowd = tracks()
    for number in range(30):
        update(crowd, number, number / 30, [FACE], [0.95])
    events = [event for number in range(30, 90) for event in update(crowd, number, number / 30, [], []).events]
    (end,) = events
    assert end.kind is EventKind.SMILE_END
    assert end.since == pytest.approx(29 / 30)
    assert end.time > end.since + 1


def test_the_end_of_a_stream_ends_its_smiles():
    crowd = tracks()
    for number in range(30):
        result = update(crowd, number, number / 30, [FACE], [0.95])
    assert result.faces[0].smiling
    (end,) = crowd.end()
    assert end.kind is EventKind.SMILE_END
    assert crowd.end() == ()


def test_two_people_are_judged_by_themselves():
    crowd = tracks()
    other = DetectedFace(Box(200, 0, 300, 100), 0.9)
    for number in range(30):
        result = update(crowd, number, number / 30, [FACE, other], [0.95, 0.05])
    assert [(face.track, face.smiling) for face in result.faces] == [(1, True), (2, False)]
    assert result.faces[0].smile == 0.95  # the raw probability stays


def test_time_that_jumps_back_does_not_hurt():
    crowd = tracks()
    update(crowd, 0, 5.0, [FACE], [0.95])
    assert update(crowd, 1, 1.0, [FACE], [0.95]).time == 5.0
