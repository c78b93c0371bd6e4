"""How far a thread runs ahead, and what it leaves."""

import gc
import subprocess
import sys
import threading
import time
import weakref

import pytest

from smilecam.errors import SourceError, SourceUnreadable
from smilecam.pipeline.prefetch import Prefetcher
from smilecam.pipeline.run_sources import RunReport


class Item:
    def __init__(self, weight):
        self.weight = weight


def settle(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)


@pytest.mark.parametrize(("weight", "waiting"), [(1, 16), (10, 10), (60, 1), (1000, 1)])
def test_heavy_items_are_not_collected(weight, waiting):
    produced = []

    def items():
        while True:
            produced.append(1)
            yield Item(weight)

    with Prefetcher(items(), 16, weigh=lambda item: item.weight, most=100) as prefetcher:
        settle(lambda: len(produced) > waiting)
        assert len(produced) == waiting + 1  # the one in the thread's hand
        taken = iter(prefetcher)
        for _ in range(5):
            next(taken)
        settle(lambda: len(produced) > waiting + 5)
        assert waiting + 1 <= len(produced) <= waiting + 6
        for _ in range(15):  # more are made once half of them are taken
            next(taken)
        settle(lambda: len(produced) > waiting + 15)
        assert waiting + 12 <= len(produced) <= waiting + 21


def test_nothing_is_kept_after_the_end():
    item = Item(1)
    kept = weakref.ref(item)
    given = threading.Event()

    def items():
        nonlocal item
        yield item
        given.set()
        yield Item(1)

    prefetcher = Prefetcher(items(), 1)
    with prefetcher:
        given.wait(5)
        item = None
    gc.collect()
    assert kept() is None


def test_a_kept_error_holds_no_frame():
    report = RunReport()

    def fail():
        frame = Item(1)
        alive.append(weakref.ref(frame))
        try:
            raise ValueError("inside")
        except ValueError as error:
            raise SourceUnreadable("broken") from error

    alive = []
    try:
        fail()
    except SourceError as error:
        report.fail(error)
    gc.collect()
    assert alive[0]() is None
    assert report.failed == ["broken"]


OPEN_AT_THE_END = """
import atexit, itertools
from smilecam.pipeline.prefetch import Prefetcher

prefetcher = Prefetcher(itertools.count(), 4)
atexit.register(lambda: print(prefetcher._thread.is_alive()))
prefetcher.__enter__()
assert next(iter(prefetcher)) == 0
"""


def test_a_program_that_ends_inside_the_block_ends_the_thread_first():
    done = subprocess.run([sys.executable, "-c", OPEN_AT_THE_END], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
