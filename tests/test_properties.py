"""What holds for any input: crops, tracks, states, hidden secrets, whole lines."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smilecam.classification.crop import square_in_box, squares_input
from smilecam.presets import CropGeometry, InputSpec, Normalization
from smilecam.sinks.text_file import TextFile
from smilecam.sources.urls import HIDDEN, redacted
from smilecam.tracking.smile_path import SmilePath
from smilecam.tracking.smile_state import DecisionSettings, SmileState
from smilecam.tracking.tracker import Tracker
from smilecam.types import Box

quick = settings(max_examples=60, deadline=None, derandomize=True)

coordinates = st.integers(-5_000, 5_000)
sides = st.integers(1, 900)
boxes = st.builds(lambda x, y, width, height: Box(x, y, x + width, y + height), coordinates, coordinates, sides, sides)
geometries = st.builds(CropGeometry, st.floats(0.1, 4), st.floats(-1, 1), st.floats(-1, 1))
probabilities = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.5]))
decisions = st.builds(
    DecisionSettings, st.floats(0, 60), st.floats(0, 6), st.floats(0, 3), st.floats(0, 3), st.booleans()
)


@quick
@given(st.integers(1, 60), st.integers(1, 60), boxes, geometries, st.sampled_from(Normalization))
def test_a_crop_of_any_box_is_a_finite_square(height, width, box, geometry, normalization):
    square = square_in_box(box, geometry)
    assert square.width == square.height >= 1
    grey = np.arange(height * width, dtype=np.int64).reshape(height, width).astype(np.uint8)
    faces = squares_input(grey, [square], InputSpec(28, normalization))
    assert faces.shape == (1, 1, 28, 28)
    assert faces.dtype == np.float32
    assert np.isfinite(faces).all()


@quick
@given(st.lists(st.tuples(st.lists(boxes, max_size=6), st.floats(0, 3), st.booleans()), max_size=20))
def test_a_track_number_belongs_to_one_face_and_never_comes_back(frames):
    tracker, now, known, gone = Tracker(), 0.0, set(), set()
    for found, passed, cut in frames:
        now += passed
        if cut:
            tracker.forget()
        numbers, ended = tracker.update(found, now)
        assert len(numbers) == len(set(numbers)) == len(found)
        assert set(ended) <= known
        gone |= set(ended)
        assert not gone & set(numbers)
        assert not cut or not known & set(numbers)
        new = set(numbers) - known
        assert new == set(range(len(known) + 1, len(known) + len(new) + 1))
        known |= new


@quick
@given(st.lists(st.tuples(probabilities, st.floats(0, 2)), max_size=60), st.floats(0.01, 0.99), decisions)
def test_states_alternate_and_agree_with_what_is_shown(frames, threshold, decision):
    state, now, before = SmileState(threshold, decision), 0.0, False
    for probability, passed in frames:
        now += passed
        change = state.update(probability, now)
        assert (change is not None) == (state.smiling != before)
        if change is not None:
            assert change.smiling is state.smiling
            assert -1e-9 <= change.since <= now + 1e-9
            assert 0 <= change.peak <= 1
        assert 0 <= state.smoothed <= 1
        assert 0 <= state.intensity <= 1
        assert math.isfinite(state.since)
        before = state.smiling


@quick
@given(
    st.lists(st.tuples(probabilities, st.floats(0.001, 0.5)), max_size=40),
    st.floats(0.01, 0.99),
    decisions,
    st.sets(st.integers(0, 40), max_size=5),
)
def test_every_frame_of_a_recorded_track_is_settled_once(frames, threshold, decision, places):
    path, now, states = SmilePath(threshold, decision), 0.0, []
    for number, (probability, passed) in enumerate(frames):
        now += passed
        path.add(probability, now)
        if number in places:
            states += path.settle()
    states += path.settle(ended=True)
    assert len(states) == len(frames)
    assert all(0 <= state.smoothed <= 1 and 0 <= state.intensity <= 1 for state in states)


words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=20).map(lambda text: f"S3CR{text}")
schemes = st.sampled_from(["rtsp", "rtsps", "http", "https", "rtmp", "RTSP", "srt"])
odd = st.text("/?#@:&=%.+-_ ", max_size=4)


@quick
@given(schemes, words, odd, odd)
def test_no_password_before_the_host_is_shown(scheme, secret, before, after):
    assert secret not in redacted(f"{scheme}://user:{before}{secret}{after}@camera.example:554/live/main")


@quick
@given(schemes, words, st.sampled_from(["password", "token", "X-Amz-Signature", "api_key", "pwd", "auth", "jwt"]))
def test_no_secret_parameter_is_shown(scheme, secret, name):
    shown = redacted(f"{scheme}://camera.example/live?width=640&{name}={secret}&fps=5")
    assert secret not in shown
    assert HIDDEN in shown


@quick
@given(words, words)
def test_no_stream_key_is_shown(key, parameter):
    assert key not in redacted(f"rtmp://live.example/app/{key}?x={parameter}")
    assert redacted(redacted(f"rtmp://live.example/app/{key}")) == redacted(f"rtmp://live.example/app/{key}")


def test_any_text_is_written_as_it_is(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lines")

    @quick
    @given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n")), min_size=1, max_size=6))
    def check(lines):
        file = TextFile(str(folder / "out.txt"), "header\n")
        for line in lines:
            file.write(f"{line}\n")
        assert file.close()
        assert (folder / "out.txt").read_bytes().decode() == "".join(f"{line}\n" for line in ["header", *lines])

    check()
