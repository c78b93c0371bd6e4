"""Make the pictures of the live page that docs/web.md shows.

    python docs/make_screenshot.py [FOLDER]

A real server and a real browser (Debian's chromium, by Playwright), in front of a camera that plays two portraits in
the public domain: Grace Hopper (US Navy) and the astronaut Eileen Collins (NASA). Needs the extras web, demo and dev.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "server"))

import live_page  # noqa: E402

from smilecam.demo import portraits  # noqa: E402

SHOTS = (("light", 1440, 1010), ("dark", 1440, 1010), ("dark", 390, 844))
"""Theme, width and height of each picture."""

PHOTOGRAPHED = "document.querySelectorAll('#gallery li').length >= 4"
SMILING = "document.querySelector('#people .person.smiling') !== null"


def take(browser: Browser, address: str, path: Path, scheme: str, width: int, height: int) -> None:
    """One picture, in a smile after four of them were photographed; of the light theme also the welcome."""
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    if scheme == "light":
        page.wait_for_timeout(1500)  # the examples are drawn
        page.screenshot(path=path.with_name(path.name.replace("page", "welcome")), type="jpeg", quality=84)
    page.click("#use-camera")
    page.check("#booth", force=True)
    for wanted in (PHOTOGRAPHED, f"!({SMILING})", SMILING):
        for _ in range(900):
            if page.evaluate(wanted):
                break
            page.wait_for_timeout(100)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)
    page.screenshot(path=path, type="jpeg", quality=84)
    context.close()


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    astronaut, hopper = portraits()
    shots = [live_page.Shot(hopper, 2, False), live_page.Shot(astronaut, 5, True)]
    with (
        tempfile.TemporaryDirectory() as work,
        live_page.serving("--detector", "haar") as server,
        sync_playwright() as playwright,
    ):
        clip = live_page.camera_clip(Path(work) / "camera.y4m", shots, (960, 540), 225, mark=False)
        browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=live_page.browser_flags(clip))
        for scheme, width, height in SHOTS:
            path = folder / f"page_{scheme}_{width}.jpg"
            take(browser, server.address, path, scheme, width, height)
            print(path)  # noqa: T201
        browser.close()


if __name__ == "__main__":
    main()
