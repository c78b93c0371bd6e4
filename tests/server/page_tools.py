"""What the tests of the live page share: scripts for the browser, and waiting for what it shows."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from smilecam.opencv import cv2

REQUIRED = "SMILECAM_TEST_DATA_REQUIRED"
STATIC = Path(__file__).resolve().parents[2] / "src" / "smilecam" / "server" / "static"


def needed(package):
    """A package that these tests need; where everything must be installed its absence is a failure."""
    if os.environ.get(REQUIRED):
        return __import__(package, fromlist=["*"])
    return pytest.importorskip(package, reason=f"{package} is not installed")


def collect_console(page, logged, ignore=()):
    ignore = ("willReadFrequently", *ignore)  # it is these tests that read canvases

    def collect(text):
        if not any(re.search(pattern, text) for pattern in ignore):
            logged.append(text)

    page.on("console", lambda message: collect(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: collect(str(error)))


def start_camera(page):
    page.click("#use-camera")
    page.wait_for_selector("#status[data-state=live]", timeout=15_000)
    page.wait_for_selector("#people .person", timeout=15_000)


def until(page, script, arg=None, timeout=10_000):
    """Wait until a script returns something true; the browser's own waiting needs eval, which the page forbids."""
    end = time.monotonic() + timeout / 1000
    while not page.evaluate(script, arg):
        assert time.monotonic() < end, f"this did not become true: {script}"
        page.wait_for_timeout(30)


def smile_events(page, kind="smile_start"):
    return page.locator(f"#event-list [data-event={kind}]")


def downloaded(page, button):
    with page.expect_download() as waiting:
        page.click(button)
    return Path(waiting.value.path()).read_text(encoding="utf-8"), waiting.value.suggested_filename


def saved_photo(page, number=1):
    """A photo of the strip, the newest is 1, as its file: uint8 (height, width, 3), blue-green-red."""
    page.click(f"#gallery li:nth-child({number}) button")
    with page.expect_download() as waiting:
        page.click("#photo-save")
    page.keyboard.press("Escape")
    return cv2.imread(str(waiting.value.path()))


def static_files():
    return [path for path in STATIC.rglob("*") if path.is_file()]


SET_THRESHOLD = """(value) => {
  const slider = document.getElementById("s-threshold");
  slider.value = value;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
}"""

RESULT_AFTER = """() => new Promise((resolve) => {
  document.addEventListener("smilecam:drawn", () => resolve(true), {once: true});
})"""

ANNOUNCED = """() => {
  window.announced = [];
  const live = document.getElementById("live");
  new MutationObserver(() => announced.push(live.textContent)).observe(live, {childList: true});
}"""


def check_axe(axe, page, part=None):
    found = axe.Axe().run(page, context=part, options={"resultTypes": ["violations"], "preload": False}).response
    assert found["passes"]
    serious = [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def open_advanced(page):
    """Unfold the settings below the slider."""
    page.evaluate("document.getElementById('advanced').open = true")
