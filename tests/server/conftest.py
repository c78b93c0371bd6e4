from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

if not os.environ.get("SMILECAM_TEST_DATA_REQUIRED"):  # where everything must run, a missing package is an error
    pytest.importorskip("starlette", reason='needs the "web" extra')
    pytest.importorskip("httpx", reason='needs the "dev" extra')
from served import Server, jpeg, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def smiling(astronaut) -> bytes:
    return jpeg(astronaut, (480, 480))


@pytest.fixture(scope="session")
def serious(hopper) -> bytes:
    return jpeg(hopper, (480, 480))


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory, astronaut, hopper) -> Path:
    """Ten seconds, 10 frames each: the portraits in turn, two seconds each."""
    from smilecam.opencv import cv2
    from smilecam.sinks.video_writer import VideoRecorder

    path = tmp_path_factory.mktemp("long") / "long clip.mp4"
    pictures = [cv2.resize(picture, (480, 480)) for picture in (astronaut, hopper)]
    with VideoRecorder(path, 10) as recorder:
        for number in range(100):
            recorder.write(pictures[number // 20 % 2], None)
    return path
