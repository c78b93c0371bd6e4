"""What the browser tests share: waiting, dropping files, checks of accessibility. No test."""

from __future__ import annotations

import base64
import importlib
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smilecam.opencv import cv2

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

REQUIRED = "SMILECAM_TEST_DATA_REQUIRED"
STATIC = Path(__file__).resolve().parents[2] / "src" / "smilecam" / "server" / "static"
SCREENSHOTS = Path(
    os.environ.get("SMILECAM_TEST_SCREENSHOTS", Path(__file__).resolve().parents[2] / "build" / "screenshots")
)


def needed(package: str) -> Any:
    """A package that these tests need; where everything must be installed its absence is a failure."""
    if os.environ.get(REQUIRED):
        return importlib.import_module(package)
    return pytest.importorskip(package, reason=f"{package} is not installed")


def collect_console(page: Page, logged: list[str], ignore: Sequence[str] = ()) -> None:
    """Collect what a page logs as an error or warning, but for what the tests bring about themselves."""
    ignore = ("willReadFrequently", *ignore)  # it is these tests that read canvases

    def collect(text: str) -> None:
        if not any(re.search(pattern, text) for pattern in ignore):
            logged.append(text)

    page.on("console", lambda message: collect(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: collect(str(error)))


def until(page: Page, script: str, arg: object = None, timeout: float = 10_000) -> Any:
    """Wait until a script returns something true, and give it.

    The browser's own waiting needs eval, which the page forbids.
    """
    end = time.monotonic() + timeout / 1000
    while not (found := page.evaluate(script, arg)):
        assert time.monotonic() < end, f"this did not become true: {script}"
        page.wait_for_timeout(30)
    return found


def drop(page: Page, *paths: Path, type_of: str = "") -> None:
    """Drop files on the page, as a hand would."""
    files = [[path.name, type_of, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    page.evaluate(
        """(files) => {
          const dataTransfer = new DataTransfer();
          for (const [name, type, content] of files) {
            const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            dataTransfer.items.add(new File([bytes], name, {type}));
          }
          for (const name of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(name, {dataTransfer, bubbles: true, cancelable: true}));
          }
        }""",
        files,
    )


def check_axe(page: Page, part: str | None = None) -> None:
    """No serious finding of axe-core; the page was opened with ``bypass_csp``."""
    axe = needed("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page, context=part, options={"resultTypes": ["violations"], "preload": False}).response
    assert found["passes"]
    serious = [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == [], serious


def fits_in_both_themes(page: Page, name: str, widths: Sequence[int] = (360, 768, 1440)) -> None:
    """In both themes, at each width: nothing serious of axe-core, nothing wider than the window; with a picture."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(400)  # until colours have changed
        check_axe(page)
        fits(page, f"{name}_{scheme}", widths)


def fits(page: Page, name: str, widths: Sequence[int] = (360, 768, 1440)) -> None:
    """Take a picture at each width; nothing is wider than the window."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(120)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=SCREENSHOTS / f"{name}_{width}.png", full_page=True)


def start_camera(page: Page) -> None:
    """Start the camera, and wait for the first face."""
    page.click("#use-camera")
    page.wait_for_selector("#status[data-state=live]", timeout=15_000)
    page.wait_for_selector("#people .person", timeout=15_000)


def smile_events(page: Page, kind: str = "smile_start") -> Locator:
    """Lines of the list of events."""
    return page.locator(f"#event-list [data-event={kind}]")


def downloaded(page: Page, button: str) -> tuple[str, str]:
    """Text and name of the file that a button saves."""
    with page.expect_download() as waiting:
        page.click(button)
    return Path(waiting.value.path()).read_text(encoding="utf-8"), waiting.value.suggested_filename


def saved_photo(page: Page, number: int = 1) -> Any:
    """A photo of the strip, the newest is 1, as it is saved: uint8 (height, width, 3), blue-green-red."""
    page.click(f"#gallery li:nth-child({number}) button")
    with page.expect_download() as waiting:
        page.click("#photo-save")
    page.keyboard.press("Escape")
    return cv2.imread(str(waiting.value.path()))


def open_advanced(page: Page) -> None:
    """Unfold the settings below the slider."""
    page.evaluate("document.getElementById('advanced').open = true")


def static_files() -> list[Path]:
    """All that the page consists of, without the overlay for mixers."""
    return [path for path in STATIC.rglob("*") if path.is_file() and STATIC / "obs" not in path.parents]


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
