from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if not os.environ.get("SMILECAM_TEST_DATA_REQUIRED"):  # where everything must run, a missing package is an error
    pytest.importorskip("starlette", reason='needs the "web" extra')
    pytest.importorskip("httpx", reason='needs the "dev" extra')
import browsing
import live_page
from served import Server, jpeg, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright


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


@pytest.fixture(scope="module")
def page_server() -> Iterator[live_page.Server]:
    """A server for pages; with the cascade, whatever this machine has."""
    with live_page.serving("--detector", "haar") as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Starts browsers; of a module, because a browser left open breaks asyncio in later tests."""
    sync_api = browsing.needed("playwright.sync_api")
    if live_page.chromium() is None:
        (pytest.fail if os.environ.get(browsing.REQUIRED) else pytest.skip)("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium without a camera."""
    launched = playwright.chromium.launch(executable_path=live_page.chromium(), args=["--disable-gpu"])
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def camera_clip(portraits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera plays: 1.6 seconds of a portrait that does not smile, and of one that does."""
    astronaut, hopper = portraits
    shots = [live_page.Shot(hopper, 1.6, False), live_page.Shot(astronaut, 1.6, True)]
    return live_page.camera_clip(tmp_path_factory.mktemp("camera") / "portraits.y4m", shots)


@pytest.fixture(scope="module")
def camera_browser(playwright: Playwright, camera_clip: Path) -> Iterator[Browser]:
    """Chromium with a camera, which plays the clip in a loop and is allowed to every page."""
    launched = playwright.chromium.launch(
        executable_path=live_page.chromium(), args=live_page.browser_flags(camera_clip)
    )
    yield launched
    launched.close()


@pytest.fixture
def open_window(browser: Browser, page_server: live_page.Server) -> Iterator[Callable[..., Page]]:
    """Opens pages in windows of their own; at the end none may have logged an error or warning."""
    yield from windows(browser, page_server)


@pytest.fixture
def open_page(camera_browser: Browser, page_server: live_page.Server) -> Iterator[Callable[..., Page]]:
    """As ``open_window``, in front of a camera."""
    yield from windows(camera_browser, page_server)


def windows(browser: Browser, page_server: live_page.Server) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []
    logged: list[str] = []

    def open_window(address: str | None = None, ignore: tuple[str, ...] = (), **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        browsing.collect_console(page, logged, ignore)
        page.goto(address or page_server.address)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert logged == []
