"""Archives to scan, and an engine without processes."""

import json
import shutil

import pytest

from smilecam.opencv import cv2
from smilecam.pipeline.detector import SmileDetector
from smilecam.scan.rows import TABLES
from smilecam.scan.task import settings_of
from smilecam.scan.worker import Worker


class InlineEngine:
    """Processes jobs in the calling thread, with the worker of all engines."""

    workers = 1

    def __init__(self, settings):
        self.worker, self.done = Worker(settings), []

    def run(self, jobs):
        for job in jobs:
            for task in job:
                self.done.append(task)
                yield self.worker.process(task)

    def close(self):
        pass


@pytest.fixture
def inline_engine():
    """Make an engine that runs here, and give OpenCV its threads back afterwards."""
    threads = cv2.getNumThreads()
    yield InlineEngine
    cv2.setNumThreads(threads)


@pytest.fixture(scope="session")
def settings():
    """Settings of the default detector."""
    with SmileDetector(detector="haar") as detector:
        return settings_of(detector, "smilenet", None, 0.2)


@pytest.fixture
def archive(tmp_path, clip, astronaut, hopper):
    """A folder with images, videos and what goes wrong in archives."""
    folder = tmp_path / "archive"
    (folder / "Ålesund 2024, été 🎉").mkdir(parents=True)
    cv2.imwrite(str(folder / "astronaut.jpg"), astronaut)
    cv2.imencode(".png", hopper)[1].tofile(folder / "Ålesund 2024, été 🎉" / "ホッパー.png")
    shutil.copyfile(folder / "astronaut.jpg", folder / f"{'n' * 240}.jpg")
    shutil.copyfile(clip, folder / "clip.mp4")
    (folder / "empty.jpg").touch()
    (folder / "empty.mp4").touch()
    (folder / "text.png").write_text("this is no image")
    (folder / "cut.mp4").write_bytes(clip.read_bytes()[:500])
    (folder / "notes.txt").write_text("not looked at")
    return folder


@pytest.fixture
def read_table():
    """Read the JSON lines of a table."""

    def read(out, table):
        assert table in TABLES
        return [json.loads(line) for line in (out / f"{table}.jsonl").read_text("utf-8").splitlines()]

    return read
