"""How long the end waits for deliveries."""

import threading
import time

from smilecam import interrupts
from smilecam.notify import outbox
from smilecam.notify.outbox import Outbox


def test_the_end_waits_as_long_as_something_is_delivered(monkeypatch, warned):
    monkeypatch.setattr(outbox, "IDLE_SECONDS", 1.0)
    taken = []

    def slowly(number):
        time.sleep(0.3)
        taken.append(number)

    box = Outbox("--x", slowly, warned.append)
    for number in range(6):
        box.put(number)
    box.close()
    assert taken == list(range(6))  # in order, though that takes longer than IDLE_SECONDS
    assert warned == []


def test_but_not_for_ever(monkeypatch, warned):
    monkeypatch.setattr(outbox, "END_SECONDS", 1.0)
    box = Outbox("--x", lambda _number: time.sleep(0.2), warned.append)
    for number in range(100):
        box.put(number)
    began = time.monotonic()
    box.close()
    assert 1.0 <= time.monotonic() - began < 5
    assert warned[0].endswith("not delivered at the end")


def test_deliveries_that_are_stuck_are_waited_for_together(warned):
    stuck = threading.Event()
    boxes = [Outbox(f"--{name}", lambda _thing: stuck.wait(30), warned.append) for name in "abcd"]
    for box in boxes:
        box.put(1)
    began = time.monotonic()
    for box in boxes:
        box.close()
    assert time.monotonic() - began < outbox.IDLE_SECONDS + 4 * outbox.LEAST_SECONDS + 2
    assert warned == [f"--{name}: 1 not delivered at the end" for name in "abcd"]
    stuck.set()


def test_after_an_interrupt_the_time_counts_from_there(monkeypatch, warned):
    monkeypatch.setattr(interrupts, "ending_since", lambda: time.monotonic() - 10)
    taken = []
    box = Outbox("--x", lambda number: (time.sleep(0.1), taken.append(number)), warned.append)
    for number in range(100):
        box.put(number)
    box.close()
    assert 0 < len(taken) < 50
    assert warned[0].endswith("not delivered at the end")


def test_an_error_of_the_system_or_of_ours_is_a_warning_and_the_rest_goes_on(warned):
    taken = []

    def deliver(number):
        if number == 1:
            raise PermissionError(13, "Permission denied")
        if number == 2:
            raise ZeroDivisionError
        taken.append(number)

    box = Outbox("--x", deliver, warned.append)
    for number in range(5):
        box.put(number)
    box.close()
    assert taken == [0, 3, 4]
    assert warned == ["--x: Permission denied", "--x: internal error, ZeroDivisionError"]
