from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

if not os.environ.get("SMILECAM_TEST_DATA_REQUIRED"):  # where everything must run, a missing package is an error
    pytest.importorskip("starlette", reason='needs the "web" extra')
    pytest.importorskip("httpx", reason='needs the "dev" extra')
from page_tools import REQUIRED, collect_console, needed
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


@pytest.fixture(scope="session")
def live_page():
    for package in ("starlette", "uvicorn", "playwright.sync_api"):
        needed(package)
    import live_page

    if live_page.chromium() is None:
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)("Chromium is not installed")
    return live_page


@pytest.fixture(scope="session")
def clip(live_page, portraits, tmp_path_factory):
    astronaut, hopper = portraits
    shots = [live_page.Shot(hopper, 1.6, False), live_page.Shot(astronaut, 1.6, True)]
    return live_page.camera_clip(tmp_path_factory.mktemp("camera") / "portraits.y4m", shots)


@pytest.fixture(scope="module")
def page_server(live_page):
    with live_page.serving() as server:
        yield server


@pytest.fixture(scope="module")
def playwright(live_page):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(live_page, playwright, clip):
    browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=live_page.browser_flags(clip))
    yield browser
    browser.close()


@pytest.fixture
def open_page(chromium, page_server):
    """Opens pages in windows of their own; at the end none may have logged an error or warning."""
    contexts, logged = [], []

    def open_page(address=None, ignore=(), **options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        collect_console(page, logged, ignore)
        page.goto(address or page_server.address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert logged == []
