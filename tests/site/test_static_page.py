"""The page without a server: its modules against Python, and the built folder in a real browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smilecam import SmileDetector
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.types import Box

HERE = Path(__file__).resolve().parent
REQUIRED = "SMILECAM_TEST_DATA_REQUIRED"

sys.path.insert(0, str(HERE.parent / "server"))


PATIENCE = 120_000
"""Milliseconds, for machines with other work."""

CHOOSE = """([id, value]) => {
  const select = document.getElementById(id);
  select.value = value;
  select.dispatchEvent(new Event("change"));
}"""

LISTEN = """() => {
  document.addEventListener("smilecam:drawn", ({detail}) => { window.newest = detail.result; });
  const slider = document.getElementById("s-threshold");
  slider.value = "99";
  slider.dispatchEvent(new Event("input"));
}"""
"""Keep the newest result, and ask for a threshold that no face reaches."""


def lacking(reason):
    (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(reason)


@pytest.fixture(scope="module")
def site():
    import static_site

    if missing := static_site.tools():
        lacking(f"{' and '.join(missing)} not installed")
    try:
        static_site.install()
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        lacking(str(error))
    return static_site


@pytest.fixture(scope="module")
def yunet(request):
    """YuNet's file where the test data is, else None: the page then has the cascade alone."""
    return request.getfixturevalue("yunet_model") if os.environ.get("SMILECAM_TEST_DATA") else None


@pytest.fixture(scope="module")
def folder(site, yunet, tmp_path_factory):
    return site.build(tmp_path_factory.mktemp("site"), yunet)


@pytest.fixture(scope="module")
def address(site, folder):
    with site.serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def chromium(portraits, tmp_path_factory):
    for package in ("playwright.sync_api", "axe_playwright_python.sync_playwright"):
        if os.environ.get(REQUIRED):
            __import__(package)
        else:
            pytest.importorskip(package, reason=f"{package} is not installed")
    import live_page
    from playwright.sync_api import sync_playwright

    if live_page.chromium() is None:
        lacking("Chromium is not installed")
    astronaut, hopper = portraits
    shots = [live_page.Shot(hopper, 1.6, False), live_page.Shot(astronaut, 1.6, True)]
    camera = live_page.camera_clip(tmp_path_factory.mktemp("camera") / "portraits.y4m", shots)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=live_page.browser_flags(camera))
        yield browser
        browser.close()


def until(page, script, arg=None, seconds=PATIENCE / 1000):
    """Wait until a script returns something true; the browser's own waiting needs eval, which the page forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(script, arg):
        assert time.monotonic() < end, f"this did not become true: {script}"
        page.wait_for_timeout(50)


class Opened:
    """A window with the page, the addresses that it asked for, and what it logged."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        self.asked, self.logged = [], []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page = self.context.new_page()
        self.page.on(
            "console", lambda message: message.type in ("error", "warning") and self.logged.append(message.text)
        )
        self.page.on("pageerror", lambda error: self.logged.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector("#status[data-state=idle]", timeout=PATIENCE)

    def read(self, path):
        """Have the page read a file."""
        self.page.set_input_files("#file", path)

    def choose(self, select, value):
        """Choose of a list, which may be folded away."""
        self.page.wait_for_selector(f"#{select} option[value={value}]", state="attached", timeout=PATIENCE)
        self.page.evaluate(CHOOSE, [select, value])

    def lines(self):
        """The results, as they are downloaded."""
        self.page.wait_for_selector("#save-jsonl:not([disabled])", state="attached", timeout=PATIENCE)
        with self.page.expect_download() as download:
            self.page.evaluate("document.getElementById('save-jsonl').click()")
        return [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]


@pytest.fixture
def opened(chromium, address):
    windows = []

    def open_page(**options):
        windows.append(Opened(chromium, address, **options))
        return windows[-1]

    yield open_page
    for window in windows:
        window.context.close()
    assert [text for window in windows for text in window.logged if "willReadFrequently" not in text] == []


def test_modules_agree_with_python(site, folder, yunet, tmp_path):
    command = [sys.executable, str(HERE / "record_cases.py"), str(tmp_path)]
    subprocess.run([*command, *(["--yunet", str(yunet)] if yunet else [])], check=True, timeout=120)
    variables = {"SMILECAM_SITE_CASES": str(tmp_path), "SMILECAM_SITE_ENGINE": str(folder / "engine")}
    done = site.npm("test", **variables, **({"SMILECAM_YUNET": str(yunet)} if yunet else {}))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert re.search(r"^\W*skipped 0$", done.stdout, re.MULTILINE)
    assert int(re.search(r"^\W*pass (\d+)$", done.stdout, re.MULTILINE)[1]) >= 18


def test_first_smile_and_nothing_from_elsewhere(opened, address):
    window = opened()
    window.page.click("#use-camera")
    window.page.wait_for_selector("#status[data-state=live]", timeout=PATIENCE)
    window.page.wait_for_selector("#people .person.smiling", timeout=PATIENCE)
    window.page.locator("#event-list [data-event=smile_start]").first.wait_for(timeout=PATIENCE)
    window.page.locator("#event-list [data-event=smile_end]").first.wait_for(timeout=PATIENCE)
    assert "browser" in window.page.text_content("#privacy")
    assert window.page.is_hidden("#use-source")
    assert all(url.startswith((address, "blob:", "data:")) for url in window.asked)
    assert f"{address}engine/smilenet.onnx" in window.asked


def test_threads_where_the_host_isolates_the_page(site, folder, chromium):
    with site.serving(folder, isolated=True) as isolated:
        window = Opened(chromium, isolated)
        workers = []
        window.page.on("worker", lambda worker: workers.append(worker.url))
        assert window.page.evaluate("crossOriginIsolated")
        window.page.click("#use-camera")
        window.page.wait_for_selector("#people .person.smiling", timeout=PATIENCE)
        assert any(url.endswith("/ort-wasm-simd-threaded.mjs") for url in workers)
        assert window.logged == []
        window.context.close()


def test_settings_change_a_stream(opened, yunet):
    window = opened()
    window.page.click("#use-camera")
    window.page.wait_for_selector("#people .person.smiling", timeout=PATIENCE)
    window.page.evaluate(LISTEN)
    until(window.page, "window.newest?.faces.length && window.newest.faces.every(face => !face.smiling)")
    if yunet:
        window.choose("s-detector", "haar")
        frame = window.page.evaluate("window.newest.frame")
        until(window.page, "frame => window.newest.frame > frame + 20 && window.newest.faces.length", frame)


def test_image_is_read_as_by_python(opened, astronaut, tmp_path, yunet, fetched):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), astronaut)
    window = opened()
    window.read(path)
    (line,) = window.lines()
    with SmileDetector(detector="yunet" if yunet else "haar") as detector:
        expected = detector(astronaut).faces
    assert len(line["faces"]) == len(expected) == 1
    assert iou(Box(*line["faces"][0]["box"]), expected[0].box) > 0.95
    assert line["faces"][0]["smile"] == pytest.approx(expected[0].smile, abs=0.02)
    assert line["faces"][0]["smiling"] is expected[0].smiling is True


@pytest.fixture
def fetched(yunet, request):
    """YuNet's file in its place for Python, too."""
    return request.getfixturevalue("fetched_yunet") if yunet else None


def same_states(lines, results):
    frames = [line for line in lines if line["type"] == "frame"]
    assert len(frames) == len(results) > 0
    pairs = [
        (face, max(frame["faces"], key=lambda other: iou(Box(*other["box"]), face.box), default=None))
        for frame, result in zip(frames, results, strict=True)
        for face in result.faces
    ]
    assert pairs
    same = [
        other is not None and iou(Box(*other["box"]), face.box) > 0.5 and other["smiling"] == face.smiling
        for face, other in pairs
    ]
    assert sum(same) >= 0.99 * len(same)


@pytest.mark.parametrize("detector", ["haar", "yunet"])
def test_video_is_read_as_by_python(opened, clip, detector, yunet, fetched, request):
    if detector == "yunet" and not yunet:
        pytest.skip("YuNet's file is with the test data")
    path = request.getfixturevalue("videos") / "pyfeat_single_face.mp4" if detector == "yunet" else clip
    window = opened()
    window.choose("s-detector", detector)
    window.read(path)
    window.page.wait_for_selector("#player:not([hidden])", timeout=PATIENCE)
    lines = window.lines()
    with SmileDetector(detector=detector) as python:
        same_states(lines, [item.result for item in python.stream(path) if item.result is not None])
    assert {line["event"] for line in lines if line["type"] == "event"} == {"smile_start", "smile_end"}


@pytest.mark.parametrize("name", ["not a video.mp4", "not an image.png"])
def test_a_bad_file_is_explained(opened, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"no such thing" * 100)
    window = opened()
    window.read(path)
    window.page.wait_for_selector("#blank-icon.bad", timeout=PATIENCE)
    assert window.page.text_content("#blank-text").endswith(".")


def test_reading_a_video_can_be_cancelled(opened, clip):
    window = opened()
    window.read(clip)
    window.page.click("#progress-cancel")
    window.page.wait_for_selector("#status[data-state=idle]")
    window.read(clip)  # and another one begins at once
    window.page.wait_for_selector("#player:not([hidden])", timeout=PATIENCE)


def test_a_part_that_does_not_load_is_reported(chromium, address):
    context = chromium.new_context(service_workers="block")
    page = context.new_page()
    page.route("**/engine/worker.js", lambda route: route.abort())
    page.goto(address)
    page.wait_for_selector("#note:not([hidden])", timeout=PATIENCE)
    assert "did not load" in page.text_content("#note-text")
    context.close()


def test_works_without_a_network_once_loaded(opened, astronaut, tmp_path):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), astronaut)
    window = opened()
    window.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    window.context.set_offline(True)
    window.page.reload()
    window.page.wait_for_selector("#status[data-state=idle]", timeout=PATIENCE)
    window.read(path)
    assert [face["smiling"] for face in window.lines()[0]["faces"]] == [True]
    window.page.click("#use-camera")
    window.page.wait_for_selector("#people .person", timeout=PATIENCE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_and_fits(opened, scheme):
    from browsing import check_axe, fits

    window = opened(color_scheme=scheme, bypass_csp=True)
    page = window.page
    check_axe(page)
    page.click("#use-camera")
    page.wait_for_selector("#people .person.smiling", timeout=PATIENCE)
    check_axe(page)
    fits(page, f"site_{scheme}")


def test_folder_needs_nothing_special(folder):
    text = (folder / "index.html").read_text("utf-8")
    assert not re.search(r'(href|src)="(/|https?:)', text)
    assert "Content-Security-Policy" in text
    kept = re.search(r"const FILES = (\[.*\]);", (folder / "service-worker.js").read_text("utf-8"))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(json.loads(kept[1])) == files - {"index.html", "service-worker.js"} | {"./"}
