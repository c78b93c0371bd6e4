"""When frames of recorded video are due: at their times, later by every pause."""

import threading

from smilecam.sources.realtime import RealtimeClock


class Clock:
    """Stands still until somebody waits, and then advances by as much."""

    def __init__(self):
        self.now = 100.0
        self.stopped = False
        self.on_wait = lambda: None

    def __call__(self):
        return self.now

    # What RealtimeClock needs of an event:
    def is_set(self):
        return self.stopped

    def wait(self, seconds):
        self.now += seconds
        self.on_wait()


def test_frames_are_due_at_their_times_from_the_first_one_on():
    clock = Clock()
    pace = RealtimeClock(clock)
    due = []
    for at in (5.0, 5.04, 5.5, 7.0):
        assert pace.wait(at, clock)
        due.append(round(clock.now - 100, 3))
    assert due == [0.0, 0.04, 0.5, 2.0]
    clock.now += 10  # late frames are due at once
    assert pace.wait(8.0, clock)
    assert round(clock.now - 100, 3) == 12.0


def test_a_pause_delays_what_follows_by_its_length():
    clock = Clock()
    pace = RealtimeClock(clock)
    pace.wait(0.0, clock)
    pace.pause(paused=True)
    pace.pause(paused=True)
    assert pace.paused

    def resume():
        if clock.now >= 103:
            pace.pause(paused=False)

    clock.on_wait = resume
    assert pace.wait(1.0, clock)
    assert 103.9 < clock.now < 104.1
    assert not pace.paused


def test_the_first_frame_after_a_restart_is_due_while_it_is_paused():
    clock = Clock()
    pace = RealtimeClock(clock)
    pace.wait(0.0, clock)
    pace.pause(paused=True)
    clock.now += 5
    pace.restart()
    assert pace.wait(30.0, clock)
    assert pace.wait(30.01, clock)  # the same frame once more
    assert clock.now == 105
    pace.pause(paused=False)
    assert pace.wait(30.5, clock)
    assert round(clock.now, 3) == 105.5


def test_stopping_ends_a_wait_and_a_pause():
    clock = Clock()
    pace = RealtimeClock(clock)
    pace.wait(0.0, clock)

    def stop():
        clock.stopped = True

    clock.on_wait = stop
    assert not pace.wait(60.0, clock)
    stopped = threading.Event()
    stopped.set()
    assert not RealtimeClock().wait(0.0, stopped)
