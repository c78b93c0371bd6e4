"""The thread that reads what is live: what it drops, reports, waits for and gives up; with sources that do as told."""

import itertools
import threading
import time

import numpy as np
import pytest

from smilecam.errors import SourceLost, SourceNotFound, SourceUnreadable
from smilecam.sources.base import Counts, Kind, Source, SourceOptions, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.sources.threaded import WAITING_EVENTS, WAITING_FRAMES, Backoff, ThreadedSource, Timeline
from smilecam.types import Event, EventKind

REF = SourceRef("camera:0", Kind.CAMERA, index=0)
LOST, RESTORED = EventKind.SOURCE_LOST, EventKind.SOURCE_RESTORED


class Pause(float):
    """Seconds to wait."""


class Scripted:
    """A source that gives frames of the times it is told, waits, and ends or raises."""

    fps, expected, missing = 25.0, None, 0

    def __init__(self, steps, live=True):
        self.ref, self.counts, self.live = REF, Counts(), live
        self.steps, self.closed, self.given = steps, threading.Event(), 0

    def __iter__(self):
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, threading.Event):
                step.wait(10)
            elif isinstance(step, Pause):
                time.sleep(step)
            else:
                yield Frame(0, step, np.zeros((4, 4, 3), np.uint8))
                self.given += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed.set()

    def close(self):
        """Nothing that waits here can be cut short."""


def quick():
    return Backoff(first=0.01, longest=0.02)


def live(*connections, **settings):
    """A live source that connects to one after another; errors are raised, and after the last none answers."""
    waiting = list(connections)

    def connect():
        if not waiting:
            raise SourceNotFound("nothing there")
        found = waiting.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return ThreadedSource(REF, connect, settings.pop("options", SourceOptions()), backoff=quick(), **settings)


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def kinds(items):
    return [item.kind if isinstance(item, Event) else "frame" for item in items]


def test_only_the_newest_frame_waits():
    hold = threading.Event()
    with live(Scripted([*range(50), hold])) as source:
        wait_for(lambda: source.counts.received == 50)
        frame = next(iter(source))
        assert frame.number == 49
        assert source.counts == Counts(received=50, dropped=49)
        hold.set()


def test_what_is_not_live_gives_every_frame_and_reads_little_ahead():
    feed = Scripted([n / 10 for n in range(30)], live=False)
    with live(feed) as source:
        wait_for(lambda: source.counts.received == WAITING_FRAMES)
        time.sleep(0.05)
        assert feed.given == WAITING_FRAMES
        frames = list(source)
    assert not source.live
    assert [frame.time for frame in frames] == [n / 10 for n in range(30)]
    assert [frame.number for frame in frames] == list(range(30))
    assert {frame.capture_time for frame in frames} == {None}
    assert feed.closed.is_set()


def test_lost_and_restored():
    hold = threading.Event()
    first, second = Scripted([0.0, 0.04, 0.08]), Scripted([7.0, 7.04, hold])
    with live(first, SourceUnreadable("still away"), second) as source:
        wait_for(lambda: source.counts.received == 5)
        items = list(itertools.islice(source, 3))
        hold.set()
    assert kinds(items) == [LOST, RESTORED, "frame"]  # the frame from before was overtaken
    lost, restored, frame = items
    assert lost.source == restored.source == "camera:0"
    assert 0 < lost.time < restored.time <= frame.time
    assert frame.number == 4
    assert source.counts == Counts(received=5, dropped=4, reconnects=1)
    assert first.closed.is_set()


def test_a_frame_before_the_loss_comes_before_it():
    hold = threading.Event()
    with live(Scripted([0.0]), Scripted([hold, 0.0, hold])) as source:
        items = iter(source)
        assert kinds(itertools.islice(items, 2)) == ["frame", LOST]
        hold.set()
        assert kinds(itertools.islice(items, 2)) == [RESTORED, "frame"]


def test_an_attempt_without_a_frame_restores_nothing():
    with live(Scripted([0.0]), Scripted([]), Scripted([SourceUnreadable("no")]), Scripted([0.0, 5.0])) as source:
        assert kinds(itertools.islice(source, 4)) == ["frame", LOST, RESTORED, "frame"]
        assert source.counts.reconnects == 1


def test_what_does_not_open_is_an_error_at_once():
    with pytest.raises(SourceNotFound, match="nothing there"):
        live()


def test_what_opens_and_gives_nothing_is_an_error():
    with live(Scripted([])) as source, pytest.raises(SourceUnreadable, match="gave no frame"):
        list(source)
    with live(Scripted([SourceUnreadable("in pieces")])) as source, pytest.raises(SourceUnreadable, match="in pieces"):
        list(source)


def test_without_reconnecting_a_loss_is_the_end():
    with live(Scripted([0.0]), options=SourceOptions(reconnect=False)) as source:
        items = iter(source)
        assert kinds(itertools.islice(items, 2)) == ["frame", LOST]
        with pytest.raises(SourceLost, match="camera:0 was lost and did not come back"):
            next(items)


def test_giving_up():
    with live(Scripted([0.0]), options=SourceOptions(reconnect_timeout=0.2)) as source:
        items = iter(source)
        assert kinds(itertools.islice(items, 2)) == ["frame", LOST]
        begin = time.monotonic()
        with pytest.raises(SourceLost):
            next(items)
        assert time.monotonic() - begin < 1.5


def test_a_read_that_hangs_is_a_loss():
    hold = threading.Event()
    now = [100.0]
    feed = Scripted([0.0, hold, 0.04, threading.Event()])
    with live(feed, clock=lambda: now[0]) as source:
        items = iter(source)
        assert kinds([next(items)]) == ["frame"]
        now[0] += 12
        assert kinds([next(items)]) == [LOST]
        hold.set()
        assert kinds(itertools.islice(items, 2)) == [RESTORED, "frame"]


def test_a_first_frame_that_never_comes():
    now = [100.0]
    with live(Scripted([threading.Event()]), clock=lambda: now[0]) as source:
        now[0] += 12
        with pytest.raises(SourceUnreadable, match="gave no frame within 10 s"):
            next(iter(source))


def test_an_opening_that_hangs():
    hold = threading.Event()

    def connect():
        hold.wait(10)
        raise SourceNotFound("at last")

    begin = time.monotonic()
    with pytest.raises(SourceUnreadable, match=r"did not open within 0\.1 s"):
        ThreadedSource(REF, connect, SourceOptions(open_timeout=0.1))
    assert time.monotonic() - begin < 4
    hold.set()


def test_errors_of_the_thread_reach_the_consumer():
    with (
        live(Scripted([0.0, Pause(0.2), ZeroDivisionError("a bug")])) as source,
        pytest.raises(ZeroDivisionError, match="a bug"),
    ):
        list(source)

    def broken():
        raise RuntimeError("a bug while opening")

    with pytest.raises(RuntimeError, match="a bug while opening"):
        ThreadedSource(REF, broken, SourceOptions())


def test_closing_does_not_wait_for_a_read_that_hangs():
    hold = threading.Event()
    feed = Scripted([0.0, hold])
    with live(feed) as source:
        next(iter(source))
        begin = time.monotonic()
        for _ in range(3):
            source.close()
    assert time.monotonic() - begin < 2
    hold.set()
    assert feed.closed.wait(5)  # by the thread, once it can


@pytest.mark.parametrize("state", ["frames", "pause", "full"])
def test_closing_ends_the_thread_in_every_state(state):
    feeds = {
        "frames": [Scripted(itertools.cycle([0.0, Pause(0.01)]))],
        "pause": [Scripted([0.0])],
        "full": [Scripted([0.0] * 100, live=False)],
    }[state]
    backoff = Backoff(first=30.0)
    source = ThreadedSource(REF, lambda: feeds.pop(0), SourceOptions(), backoff=backoff)
    next(iter(source))
    time.sleep(0.05)
    source.close()
    assert not source._thread.is_alive()
    assert list(source) == []


def test_events_that_nobody_takes_are_bounded():
    feeds = [Scripted([0.0]) for _ in range(WAITING_EVENTS)]
    hold = threading.Event()
    waiting = iter([*feeds, Scripted([0.0, hold])])
    with ThreadedSource(
        REF, lambda: next(waiting), SourceOptions(), backoff=Backoff(first=0.001, longest=0.001)
    ) as source:
        wait_for(lambda: source.counts.reconnects == len(feeds))
        assert len(source._waiting) == WAITING_EVENTS + 1
        hold.set()


def test_pauses_grow_and_differ():
    middle = Backoff(chance=lambda: 0.0)
    assert [middle.pause() for _ in range(9)] == [0.25, 0.5, 1, 2, 4, 8, 15, 15, 15]
    longest = Backoff(chance=lambda: 1.0)
    assert [longest.pause() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    longest.reset()
    assert longest.pause() == 0.5
    assert len({Backoff().pause() for _ in range(20)}) > 10


def test_times_keep_the_distances_of_the_stream():
    line = Timeline()
    own, capture_time = [90.0, 90.04, 90.08, 90.12], [5.0, 5.05, 5.1, 5.13]
    assert [line.stamp(*pair) for pair in zip(own, capture_time, strict=True)] == pytest.approx([0, 0.04, 0.08, 0.12])
    assert line.now(5.2) == pytest.approx(0.2)


def test_times_of_a_burst_are_not_in_the_future():
    line = Timeline()
    burst = [line.stamp(n / 25, 5 + n / 1000) for n in range(25)]  # a second of pictures within 25 ms
    assert burst == sorted(set(burst))
    assert burst[-1] < 0.03
    after = [line.stamp(n / 25, 5 + (n - 24) / 25) for n in range(25, 50)]
    assert np.diff(after) == pytest.approx([0.04] * 24)


def test_times_grow_over_connections_and_leaps():
    line = Timeline()
    own = [50.0, 50.04, 3.0, 3.04, 7000.0, 7000.04, None, 20.0]
    capture_time = [1.0, 1.04, 9.0, 9.04, 12.0, 12.04, 13.0, 14.0]
    stamps = []
    for number, pair in enumerate(zip(own, capture_time, strict=True)):
        if number == 2:
            line.connect()
        stamps.append(line.stamp(*pair))
    assert stamps == pytest.approx([0, 0.04, 8, 8.04, 11, 11.04, 12, 13])


def test_a_paced_file_keeps_its_pace_and_ends():
    (ref,) = find_sources("synthetic:64x48@20?seconds=0.5")
    begin = time.monotonic()
    with open_source(ref, SourceOptions(realtime=True)) as source:
        assert source.live
        assert source.expected == 10
        frames = list(source)
    assert time.monotonic() - begin >= 0.44
    assert [frame.time for frame in frames] == [frame.number / 20 for frame in frames]
    assert len(frames) + source.counts.dropped == source.counts.received == 10
    late = [frame.capture_time - frames[0].capture_time - frame.time for frame in frames]
    assert min(late) > -0.005


def test_a_slow_consumer_of_a_paced_file_misses_frames_but_is_not_late():
    (ref,) = find_sources("synthetic:64x48@100?seconds=1")
    with open_source(ref, SourceOptions(realtime=True)) as source:
        ages = []
        for frame in source:
            ages.append(time.monotonic() - frame.capture_time)
            time.sleep(0.1)
    assert len(ages) < 20
    assert source.counts.dropped == 100 - len(ages)
    assert np.median(ages[1:]) < 0.05


def test_waiting_costs_nothing():
    hold = threading.Event()
    with live(Scripted([0.0, hold, 0.04, threading.Event()])) as source:
        items = iter(source)
        next(items)
        threading.Timer(1.0, hold.set).start()
        begin = time.thread_time()
        next(items)
        assert time.thread_time() - begin < 0.05


class CountedPauses(Backoff):
    """Notes how long each pause would be, and makes it short."""

    def __init__(self):
        super().__init__(chance=lambda: 1.0)
        self.pauses = []

    def pause(self):
        self.pauses.append(super().pause())
        return 0.001


@pytest.mark.parametrize(("seconds", "pauses"), [(1.0, [0.5, 1.0, 2.0, 4.0]), (11.0, [0.5, 0.5, 0.5, 0.5])])
def test_a_source_that_breaks_off_all_the_time_is_opened_ever_more_rarely(seconds, pauses):
    now = [0.0]

    class Camera(Source):
        live, fps, expected, missing, ref = True, None, None, 0, REF

        def __init__(self):
            self.counts = Counts()

        def __iter__(self):
            yield Frame(0, None, np.zeros((2, 2, 3), np.uint8))
            now[0] += seconds

        def close(self):
            pass

    backoff = CountedPauses()
    with ThreadedSource(REF, Camera, SourceOptions(), clock=lambda: now[0], backoff=backoff) as source:
        items = iter(source)
        while len(backoff.pauses) < 4:
            next(items)
    assert backoff.pauses[:4] == pauses
