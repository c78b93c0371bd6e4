"""Reading beside a program's own work, with real threads and a real clip."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

import smilecam
from smilecam.errors import ModelFileError, SourceNotFound, SourceUnreadable
from smilecam.pipeline import background
from smilecam.sinks import callbacks
from smilecam.sources.base import Counts, SourceOptions
from smilecam.sources.frame import Frame
from smilecam.types import EventKind


@pytest.fixture(scope="module")
def detector():
    return smilecam.SmileDetector()


def left_over():
    return [thread.name for thread in threading.enumerate() if thread.name in ("smilecam-stream", "smilecam-callbacks")]


def test_every_event_and_the_newest_frames_arrive(clip, detector):
    frames, events = [], []
    handle = smilecam.start_stream(
        clip, lambda frame, result: frames.append((frame.number, result.frame)), events.append, detector
    )
    assert handle.wait(30)
    assert [event.kind for event in events] == [EventKind.SMILE_START, EventKind.SMILE_END]
    assert frames
    assert all(number == of_result for number, of_result in frames)
    assert [number for number, _ in frames] == sorted({number for number, _ in frames})
    assert left_over() == []


def test_slow_functions_do_not_stall_the_stream(clip, detector):
    taken = []

    def slow(frame, result):
        taken.append(frame.number)
        time.sleep(0.4)

    started = time.monotonic()
    assert smilecam.start_stream(clip, slow, detector=detector).wait(30)
    assert time.monotonic() - started < 4  # twenty frames would have taken eight seconds
    assert len(taken) < 20
    assert taken[-1] == 19  # the newest is never left out


class SlowEvents:
    """Takes each event after a while; for two of them a stopped stream would not wait."""

    def __init__(self, error=None):
        self.taken, self.error = [], error

    def __call__(self, event):
        time.sleep(callbacks.DRAIN_SECONDS * 0.75)
        self.taken.append(event.kind)
        if self.error is not None and event.kind is EventKind.SMILE_END:
            raise self.error


def test_a_slow_function_gets_all_events_of_a_file(clip, detector):
    slow = SlowEvents()
    assert smilecam.start_stream(clip, on_event=slow, detector=detector).wait(30)
    assert slow.taken == [EventKind.SMILE_START, EventKind.SMILE_END]
    assert left_over() == []


def test_what_a_slow_function_raises_at_the_end_is_raised(clip, detector):
    handle = smilecam.start_stream(clip, on_event=SlowEvents(ZeroDivisionError("late")), detector=detector)
    with pytest.raises(ZeroDivisionError, match="late"):
        handle.wait(30)


def test_a_stop_cuts_the_wait_for_a_function_short(clip, detector, monkeypatch):
    monkeypatch.setattr(callbacks, "DRAIN_SECONDS", 0.1)
    going_on = threading.Event()
    handle = smilecam.start_stream(clip, on_event=lambda event: going_on.wait(30), detector=detector)
    while not handle._callbacks._closing:
        assert not handle.wait(0.05)
    assert not handle.wait(0.3)
    handle.stop()
    assert handle.wait(5)
    going_on.set()


def test_what_a_function_raises_after_a_stop_is_raised(clip, detector, monkeypatch):
    monkeypatch.setattr(callbacks, "DRAIN_SECONDS", 0.1)
    raising, begun = threading.Event(), threading.Event()

    def broken(event):
        begun.set()
        raising.wait(30)
        raise ZeroDivisionError("late")

    handle = smilecam.start_stream(clip, on_event=broken, detector=detector)
    assert begun.wait(30)
    handle.stop()
    assert handle.wait(30)
    raising.set()
    while left_over():
        time.sleep(0.01)
    with pytest.raises(ZeroDivisionError, match="late"):
        handle.wait(0)


@pytest.mark.parametrize("name", ["on_frame", "on_event"])
def test_what_a_function_raises_ends_the_stream_and_is_raised(clip, detector, name):
    def broken(*_):
        raise ZeroDivisionError("of the caller")

    handle = smilecam.start_stream(clip, detector=detector, **{name: broken})
    with pytest.raises(ZeroDivisionError, match="of the caller"):
        handle.wait(30)
    assert left_over() == []


def test_leaving_the_block_stops_a_stream_without_end(detector):
    started = time.monotonic()
    with smilecam.start_stream(
        "synthetic:320x240@30", detector=detector, options=SourceOptions(realtime=True)
    ) as handle:
        assert not handle.wait(0.5)
    assert time.monotonic() - started < 4
    assert left_over() == []


def test_sources_that_fail(tmp_path, detector):
    with pytest.raises(SourceNotFound):
        smilecam.start_stream(tmp_path / "none.mp4", detector=detector).wait(30)
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(SourceUnreadable):
        smilecam.start_stream(tmp_path / "bad.mp4", detector=detector).wait(30)
    assert left_over() == []


def fail_to_load():
    raise ModelFileError("damaged")


def test_a_detector_that_cannot_be_loaded_leaves_no_thread(clip, monkeypatch):
    monkeypatch.setattr(background, "SmileDetector", fail_to_load)
    handle = smilecam.start_stream(clip, on_event=print)
    with pytest.raises(ModelFileError, match="damaged"):
        handle.wait(30)
    assert left_over() == []


class FakeCamera:
    """A camera that gives black frames until it is closed."""

    live, fps, expected, missing = True, 30.0, None, 0
    opened_in, error = None, None

    def __init__(self, ref, index):
        type(self).opened_in = threading.current_thread()
        if self.error is not None:
            raise self.error
        self.ref, self.counts = ref, Counts()
        self.closed = threading.Event()
        type(self).last = self

    def __iter__(self):
        while not self.closed.wait(0.02):
            yield Frame(0, None, np.zeros((48, 64, 3), np.uint8))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed.set()


@pytest.fixture
def camera(monkeypatch):
    """The class of the cameras that are opened, as on macOS."""
    kind = type("Camera", (FakeCamera,), {})
    monkeypatch.setattr("smilecam.sources.camera.CameraSource", kind)
    monkeypatch.setattr("smilecam.sources.open.sys", SimpleNamespace(platform="darwin"))
    return kind


def test_a_camera_is_opened_by_the_caller_where_only_that_is_given_permission(camera, detector):
    seen = threading.Event()
    with smilecam.start_stream(0, lambda *_: seen.set(), detector=detector):
        assert camera.opened_in is threading.main_thread()
        assert seen.wait(30)
    assert camera.last.closed.is_set()
    assert left_over() == []


def test_on_other_systems_it_is_opened_in_the_background(camera, detector, monkeypatch):
    monkeypatch.setattr("smilecam.sources.open.sys", SimpleNamespace(platform="linux"))
    seen = threading.Event()
    with smilecam.start_stream(0, lambda *_: seen.set(), detector=detector):
        assert seen.wait(30)
    assert camera.opened_in is not threading.main_thread()


def test_a_camera_that_the_caller_cannot_open_is_an_error_of_wait(camera, detector):
    camera.error = SourceNotFound("no permission")
    handle = smilecam.start_stream(0, detector=detector)
    with pytest.raises(SourceNotFound, match="no permission"):
        handle.wait(30)
    assert camera.opened_in is threading.main_thread()


def test_a_camera_that_the_caller_opened_is_closed_when_the_detector_fails(camera, monkeypatch):
    monkeypatch.setattr(background, "SmileDetector", fail_to_load)
    handle = smilecam.start_stream(0, on_event=print)
    with pytest.raises(ModelFileError, match="damaged"):
        handle.wait(30)
    assert camera.last.closed.is_set()
