"""One interrupt ends a command: what comes while open results are being finished changes nothing."""

import signal
import time

import pytest

from smilecam import interrupts


@pytest.fixture(autouse=True)
def handlers(monkeypatch):
    """The signal handlers of the command line, and a process that nobody has asked to end."""
    before = {number: signal.getsignal(number) for number in interrupts._signals()}
    monkeypatch.setattr(interrupts, "_requested", False)
    interrupts.take()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def request_end():
    signal.raise_signal(signal.SIGINT)


def wait():
    for _ in range(100):  # on some systems nothing interrupts a single sleep
        time.sleep(0.05)


def finish(done):
    """Take a while, so that what is still to come comes now."""
    time.sleep(0.4)
    done.append("finished")


def test_a_deadline_after_a_request_changes_nothing():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.deadline(0.2) as deadline:
        try:
            request_end()
        finally:
            finish(done)
    assert done == ["finished"]
    assert not deadline.passed
    assert interrupts.requested()


def test_a_request_after_a_deadline_changes_nothing():
    done = []
    with interrupts.deadline(0.1) as deadline:
        try:
            wait()
        finally:
            request_end()
            finish(done)
    assert done == ["finished"]
    assert deadline.passed
    assert not interrupts.requested()


def test_a_request_after_the_block_of_a_deadline_counts():
    with interrupts.deadline(0.1) as deadline:
        wait()
    assert deadline.passed
    with pytest.raises(KeyboardInterrupt):
        request_end()
    assert interrupts.requested()
