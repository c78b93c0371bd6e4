import asyncio
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest

from smilecam.pipeline.fair_gate import usable_cores
from smilecam.pipeline.online_run import OnlineRun
from smilecam.server import scheduler
from smilecam.server.scheduler import HEAVY_SECONDS, FrameScheduler, Lane
from smilecam.server.stream_settings import Models, Settings
from smilecam.sources.frame import Frame

LARGE = round(1e6 * HEAVY_SECONDS / scheduler.SECONDS_PER_MEGAPIXEL)


@pytest.fixture
def two_threads():
    frames = FrameScheduler(2)
    yield frames
    frames.close()


def test_a_thread_stays_free_of_heavy_frames(two_threads):
    async def run():
        gate, started = threading.Event(), []
        heavy = [asyncio.create_task(two_threads.run(Lane(), LARGE, hold, gate, started)) for _ in range(4)]
        await until(lambda: started)
        assert await asyncio.wait_for(two_threads.run(Lane(), 1000, lambda: "done"), 10) == "done"
        assert len(started) == 1
        gate.set()
        await asyncio.gather(*heavy)

    asyncio.run(run())


def test_a_frame_that_has_its_turn_waits_for_no_other():
    models = Models("smilenet")
    setup = models.setup(Settings("smilenet", detector="haar"))
    frame = Frame(0, 0.0, np.zeros((60, 80), np.uint8), capture_time=time.monotonic())
    done = threading.Event()

    def process():
        OnlineRun("camera", setup).process(frame, setup)
        done.set()

    with ExitStack() as taken:
        for _ in range(usable_cores()):
            taken.enter_context(setup.components.gate)
        threading.Thread(target=process, daemon=True).start()
        assert done.wait(10)
    models.close()


def test_the_stream_that_has_had_the_least_work_is_next():
    frames = FrameScheduler(1)

    async def run():
        gate, order = threading.Event(), []
        much, little = Lane(), Lane()
        much.served = 5.0
        first = asyncio.create_task(frames.run(Lane(), 0, gate.wait))
        await asyncio.sleep(0.05)
        waiting = [
            asyncio.create_task(frames.run(lane, 0, order.append, name))
            for lane, name in ((much, "much"), (little, "little"))
        ]
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.gather(first, *waiting)
        assert order == ["little", "much"]

    asyncio.run(run())
    frames.close()


def test_a_stream_that_has_ended_gives_its_turn_to_others(two_threads):
    async def run():
        gate, started = threading.Event(), []
        running = [asyncio.create_task(two_threads.run(Lane(), 0, hold, gate, started)) for _ in range(2)]
        await until(lambda: len(started) == 2)
        gone = asyncio.create_task(two_threads.run(Lane(), 0, started.append, "gone"))
        stays = asyncio.create_task(two_threads.run(Lane(), 0, lambda: "done"))
        await asyncio.sleep(0.05)
        gone.cancel()
        running[0].cancel()  # its frame goes on; its thread is free only then
        await asyncio.sleep(0.05)
        assert not stays.done()
        gate.set()
        assert await asyncio.wait_for(stays, 10) == "done"
        assert "gone" not in started

    asyncio.run(run())


def test_errors_reach_the_stream_and_the_threads_go_on(two_threads):
    async def run():
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await two_threads.run(Lane(), 0, lambda: 1 / 0)
        assert await two_threads.run(Lane(), 0, lambda: 7) == 7

    asyncio.run(run())


def test_it_is_saturated_while_frames_wait_long_and_recovers(two_threads, monkeypatch):
    monkeypatch.setattr(scheduler, "SATURATED_SECONDS", 0.1)
    monkeypatch.setattr(scheduler, "WINDOW_SECONDS", 0.6)

    async def run():
        assert not two_threads.saturated
        gate, started = threading.Event(), []
        tasks = [asyncio.create_task(two_threads.run(Lane(), 0, hold, gate, started)) for _ in range(8)]
        await asyncio.sleep(0.3)
        gate.set()
        await asyncio.gather(*tasks)
        assert two_threads.saturated
        await until(lambda: not two_threads.saturated)

    asyncio.run(run())


def test_whoever_waits_at_the_end_is_dropped():
    frames = FrameScheduler(1)

    async def run():
        gate, started = threading.Event(), []
        running = asyncio.create_task(frames.run(Lane(), 0, hold, gate, started))
        await until(lambda: started)
        waiting = asyncio.create_task(frames.run(Lane(), 0, started.append, "late"))
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(asyncio.to_thread(frames.close))
        await asyncio.sleep(0.05)
        gate.set()
        await closing
        await running
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert "late" not in started

    asyncio.run(run())


def hold(gate, started):
    started.append(True)
    assert gate.wait(10)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
