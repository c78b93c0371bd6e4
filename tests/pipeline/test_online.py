"""The engine of online streams: every driver gets every event by the way of the items."""

import threading
import time

import pytest

import smilecam
from smilecam.errors import SourceLost
from smilecam.opencv import cv2
from smilecam.pipeline.online_run import OnlineRun
from smilecam.pipeline.run_sources import RunReport, StopRun, _run_source
from smilecam.sinks.base import Sink
from smilecam.sources.base import Counts, Kind, SourceOptions, SourceRef
from smilecam.sources.frame import Frame
from smilecam.tracking.smile_state import DecisionSettings
from smilecam.types import Event, EventKind

FPS = 20


@pytest.fixture(scope="module")
def detector():
    with smilecam.SmileDetector() as made:
        yield made


class ScriptedCamera:
    """A live source that shows one image at its pace; numbers of frames, events and an error between them."""

    live, fps, expected, missing = True, float(FPS), None, 0

    def __init__(self, image, *script):
        self.ref, self.counts = SourceRef("camera", Kind.CAMERA, index=0), Counts()
        self._image, self._script = cv2.resize(image, (320, 320)), script

    def __iter__(self):
        number = 0
        for step in self._script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Event):
                yield step
                continue
            for _ in range(step):
                time.sleep(1 / FPS)
                self.counts.received += 1
                yield Frame(number, number / FPS, self._image, capture_time=time.monotonic())
                number += 1

    def close(self):
        self._script = ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


LOST = Event(EventKind.SOURCE_LOST, "camera", 1.0)
RESTORED = Event(EventKind.SOURCE_RESTORED, "camera", 1.5)


def kinds(items):
    return [event.kind for item in items for event in item.events]


def test_events_between_frames_and_at_the_end_come_as_items(detector, astronaut):
    with detector.run(ScriptedCamera(astronaut, 20, LOST, RESTORED, 5)) as run:
        items = list(run)
    assert [item.frame for item in items if item.frame is not None] == list(range(25))
    lost, restored, last = (item for item in items if item.frame is None)
    assert (lost.events, restored.events) == ((LOST,), (RESTORED,))
    assert (lost.source, lost.time, lost.image, lost.faces, lost.smiling) == ("camera", 1.0, None, (), False)
    assert items[-1] is last
    assert kinds(items) == [
        EventKind.SMILE_START,
        EventKind.SOURCE_LOST,
        EventKind.SOURCE_RESTORED,
        EventKind.SMILE_END,
    ]
    with pytest.raises(ValueError, match="no frame"):
        last.annotate()


def test_a_source_that_fails_ends_its_smiles_first(detector, astronaut):
    items = []
    with detector.run(ScriptedCamera(astronaut, 20, SourceLost("away"))) as run, pytest.raises(SourceLost):
        for item in run:
            items.append(item)
    assert kinds(items) == [EventKind.SMILE_START, EventKind.SMILE_END]


def test_a_run_that_is_stopped_gives_its_last_events_and_ends(detector, astronaut):
    items = []
    with detector.run(ScriptedCamera(astronaut, 1000)) as run:
        for item in run:
            items.append(item)
            if len(items) == 20:
                run.stop()
    assert len(items) == 21
    assert kinds(items) == [EventKind.SMILE_START, EventKind.SMILE_END]


class Notes(Sink):
    def __init__(self):
        self.frames, self.events = 0, []

    def write(self, frame, result):
        self.frames += 1

    def event(self, event):
        self.events.append(event.kind)


@pytest.mark.parametrize("end", [StopRun, KeyboardInterrupt, ZeroDivisionError])
def test_sinks_get_the_last_events_whatever_ends_a_run(detector, astronaut, end):
    notes = Notes()

    def observe(_run, _source, items):
        for count, item in enumerate(items, 1):
            yield item
            if count == 20:
                raise end

    with pytest.raises(end):
        _run_source(ScriptedCamera(astronaut, 1000), detector, [notes], observe, None)
    assert notes.frames == 20
    assert notes.events == [EventKind.SMILE_START, EventKind.SMILE_END]


def test_settings_may_change_from_frame_to_frame(detector, hopper):
    """Who does not smile begins to by another threshold; the track stays, and another network takes over."""
    image = cv2.resize(hopper, (320, 320))
    other = smilecam.SmileDetector("lenet", threshold=0.0, decision=DecisionSettings(0.0, 0.0, 0.0, 0.0))
    with other:
        run = OnlineRun("camera", detector.setup)
        items = []
        for number in range(30):
            time.sleep(0.03)
            setup = detector.setup if number < 20 else other.setup
            items.append(run.process(Frame(number, number / FPS, image), setup))
        end = run.finish()
    before, after = items[19].faces[0], items[29].faces[0]
    assert (before.smiling, after.smiling) == (False, True)
    assert before.track == after.track == 1
    assert before.smile != after.smile
    assert [event.kind for event in end.events] == [EventKind.SMILE_END]
    assert run.finish() is None
    assert run.stats().frames == 30


def test_the_handle_has_stop_wait_and_stats_and_nothing_else():
    assert [name for name in dir(smilecam.StreamHandle) if not name.startswith("_")] == ["stats", "stop", "wait"]


def test_stop_in_a_callback_ends_at_once_and_wait_there_raises(detector):
    took, raised, done, begun = [], [], threading.Event(), threading.Event()

    def seen(_frame, _result):
        if done.is_set() or not begun.is_set():
            return
        try:
            handle.wait()
        except smilecam.UsageProblem as problem:
            raised.append(str(problem))
        began = time.monotonic()
        handle.stop()
        took.append(time.monotonic() - began)
        done.set()

    options = SourceOptions(realtime=True)
    handle = smilecam.start_stream("synthetic:320x240@30?seconds=60", seen, detector=detector, options=options)
    begun.set()
    assert done.wait(10)
    assert took[0] < 0.5
    assert "call stop() there" in raised[0]
    assert handle.wait(3)
    assert handle.stats().frames > 0


def test_what_the_handle_made_is_closed_by_it(clip, monkeypatch):
    closed = []
    close = smilecam.SmileDetector.close
    monkeypatch.setattr(smilecam.SmileDetector, "close", lambda made: (closed.append(made), close(made))[1])
    assert smilecam.start_stream(clip).wait(30)
    assert len(closed) == 1
    with smilecam.SmileDetector() as mine:
        assert smilecam.start_stream(clip, detector=mine).wait(30)
        assert len(closed) == 1
        assert mine.components.online_finder() is not None
    report = RunReport()
    assert report.failed == []
