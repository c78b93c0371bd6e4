"""Round trips of the live page on loopback: from a frame sent to its overlay drawn.

    python benchmarks/web.py [--seconds 20] [--rounds 3]

A real server and headless Chromium on the same machine, with a camera of 640x480 pixels and 30 frames a second that
plays portraits. The page itself says when it took a picture from the camera, when it sent the frame, and when the
overlay was drawn.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from smilecam import provenance
from smilecam.demo import portraits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "web"))

import live_page

LISTEN = """() => {
  window.times = [];
  document.addEventListener("smilecam:drawn", ({detail}) => {
    times.push([detail.grabbed, detail.sent, detail.received, detail.drawn, detail.result.server_ms]);
  });
}"""

WARM_UP_SECONDS = 3


def measure(page: Page, address: str, seconds: float) -> Any:  # noqa: ANN401 - an array of milliseconds
    """Times of each frame in milliseconds: picture taken, sent, answered, drawn, and the server's share."""
    page.goto(address)
    page.click("#use-camera")
    page.wait_for_selector("#people .person")
    page.wait_for_timeout(1000 * WARM_UP_SECONDS)
    page.evaluate(LISTEN)
    page.wait_for_timeout(1000 * seconds)
    return np.array(page.evaluate("times"))


def row(times: Any) -> str:  # noqa: ANN401
    """The figures of one round as a line of a table."""
    grabbed, sent, _, drawn, server = times.T
    rate = (len(times) - 1) / (drawn[-1] - drawn[0]) * 1000
    cells = [f"{len(times)}", f"{rate:.1f}"]
    for values in (drawn - sent, drawn - grabbed, server):
        p50, p95 = np.quantile(values, (0.5, 0.95))
        cells += [f"{p50:.1f}", f"{p95:.1f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Time the page, in several rounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    astronaut, hopper = portraits()
    shots = [live_page.Shot(hopper, 2, False), live_page.Shot(astronaut, 2, True)]
    with tempfile.TemporaryDirectory() as work, live_page.serving() as server, sync_playwright() as playwright:
        clip = live_page.camera_clip(Path(work) / "camera.y4m", shots)
        browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=live_page.browser_flags(clip))
        print(f"commit {provenance.commit()}, {provenance.machine()}, headless Chromium {browser.version}, 640x480")
        print("| frames | frames/s | sent to drawn, ms: p50 | p95 | taken to drawn: p50 | p95 | server: p50 | p95 |")
        print("|---|---|---|---|---|---|---|---|")
        for _ in range(options.rounds):
            page = browser.new_page()
            print(row(measure(page, server.address, options.seconds)), flush=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
