"""Workers and jobs at the moments that no client can time."""

import os
import signal
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from smilecam.server.decoding.images import ImageDecoder
from smilecam.server.http import videos
from smilecam.server.http.videos import VideoJobs
from smilecam.server.security.limits import Limits
from smilecam.server.stream_settings import Models, Settings


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_worker_that_was_killed_while_it_waited_is_no_fault_of_the_next_image():
    _, png = cv2.imencode(".png", np.full((40, 60, 3), 90, np.uint8))
    decoder = ImageDecoder(25_000_000, seconds=30)
    try:
        assert decoder(png.tobytes()).shape == (40, 60, 3)
        (worker,) = decoder._idle
        os.kill(worker._process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while worker._process.is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert decoder(png.tobytes()).shape == (40, 60, 3)
    finally:
        decoder.close()


def test_a_job_that_is_removed_while_it_ends_leaves_no_files(tmp_path, monkeypatch):
    jobs = VideoJobs(tmp_path, Limits(), lambda error: None)
    (tmp_path / "upload").write_bytes(b"no video")
    with (tmp_path / "upload").open("rb") as content:
        job = jobs.store(content, "clip.mp4")
    models = Models("smilenet")
    ending = threading.Event()

    class Clock:
        @staticmethod
        def monotonic():
            if threading.current_thread().name == "smilecam-video" and not ending.is_set():
                ending.set()
                jobs.remove(job.key)  # as the event loop's thread may do just now
            return time.monotonic()

    monkeypatch.setattr(videos, "time", Clock)
    jobs.start(job, models.choice(Settings("smilenet", detector="haar")))
    job.thread.join(60)
    models.close()
    assert ending.is_set()
    assert not job.folder.exists()
