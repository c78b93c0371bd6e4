"""Reading beside a program's own work, with real threads and a real clip."""

import threading
import time

import pytest

import smilecam
from smilecam.errors import SourceNotFound, SourceUnreadable
from smilecam.sources.base import SourceOptions
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
