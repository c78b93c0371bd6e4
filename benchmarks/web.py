"""Round-trip latency of the live page on loopback: from a sent frame to its drawn overlay.

    python benchmarks/web.py [--seconds 20] [--rounds 3] [--sessions 8] [--minutes 1] [--json PATH]

A real server and headless Chromium on the same machine, with a simulated camera of 640x480 pixels and 30 frames/s that
shows portraits. The page itself records when it captured a frame, sent it, and drew the overlay. Then, without a
browser, several sessions at 5 frames/s each.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

import smilecam
from smilecam import provenance
from smilecam.demo import portraits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "server"))

import live_page
import served

LISTEN = """() => {
  window.times = [];
  document.addEventListener("smilecam:drawn", ({detail}) => {
    times.push([detail.grabbed, detail.sent, detail.received, detail.drawn, detail.result.server_ms]);
  });
}"""

WARM_UP_SECONDS = 3


def measure(page: Page, address: str, seconds: float) -> Any:  # noqa: ANN401 - an array of milliseconds
    """Times of each frame in milliseconds: captured, sent, answered, drawn, and the server's share."""
    page.goto(address)
    page.click("#use-camera")
    page.wait_for_selector("#people .person")
    page.wait_for_timeout(1000 * WARM_UP_SECONDS)
    page.evaluate(LISTEN)
    page.wait_for_timeout(1000 * seconds)
    return np.array(page.evaluate("times"))


def figures(times: Any) -> dict[str, float]:  # noqa: ANN401
    """Results of one round, times in milliseconds."""
    grabbed, sent, _, drawn, server = times.T
    content = {"frames": len(times), "frames_per_second": (len(times) - 1) / (drawn[-1] - drawn[0]) * 1000}
    for name, values in (("sent_to_drawn", drawn - sent), ("taken_to_drawn", drawn - grabbed), ("server", server)):
        content |= dict(zip((f"{name}_p50", f"{name}_p95"), np.quantile(values, (0.5, 0.95)).tolist(), strict=True))
    return content


def sessions(count: int, seconds: float, picture: bytes) -> dict[str, float]:
    """Concurrent sessions at 5 frames/s each: answers, errors, drops, and times in milliseconds."""
    answers: list[tuple[float, dict[str, Any]]] = []
    errors: list[str] = []

    def one(server: served.Server) -> None:
        try:
            with server.socket() as stream:
                for number in range(round(5 * seconds)):
                    began = time.monotonic()
                    answer = served.ask(stream, served.frame(number, number / 5, picture))
                    answers.append((time.monotonic() - began, answer))
                    time.sleep(max(0.0, 0.2 - (time.monotonic() - began)))
        except Exception as error:  # noqa: BLE001 - counted
            errors.append(type(error).__name__)

    with tempfile.TemporaryDirectory() as work, served.serving(Path(work), "--detector", "haar") as server:
        threads = [threading.Thread(target=one, args=(server,)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    p50, p95 = (1000 * np.quantile([passed for passed, _ in answers], (0.5, 0.95))).tolist()
    wrong = sum(answer["type"] != "result" for _, answer in answers)
    dropped = sum(answer.get("dropped", 0) for _, answer in answers)
    return {
        "sessions": count,
        "seconds": seconds,
        "answers": len(answers),
        "errors": len(errors) + wrong,
        "dropped": dropped,
        "p50": p50,
        "p95": p95,
    }


def page_bytes() -> int:
    """Size of the page, all files."""
    return sum(path.stat().st_size for path in (Path(smilecam.__file__).parent / "server" / "static").iterdir())


def main() -> None:
    """Measure the page, in several rounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    astronaut, hopper = portraits()
    shots = [live_page.Shot(hopper, 2, False), live_page.Shot(astronaut, 2, True)]
    with (
        tempfile.TemporaryDirectory() as work,
        live_page.serving("--detector", "haar") as server,
        sync_playwright() as playwright,
    ):
        clip = live_page.camera_clip(Path(work) / "camera.y4m", shots)
        browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=live_page.browser_flags(clip))
        print(f"commit {provenance.commit()}, {provenance.machine()}, headless Chromium {browser.version}, 640x480")
        print("| frames | frames/s | sent to drawn, ms: p50 | p95 | captured to drawn: p50 | p95 | server: p50 | p95 |")
        print("|---|---|---|---|---|---|---|---|")
        rounds = []
        for _ in range(options.rounds):
            page = browser.new_page()
            rounds.append(figures(measure(page, server.address, options.seconds)))
            print(f"| {' | '.join(f'{value:.1f}' for value in rounds[-1].values())} |", flush=True)
            page.close()
        chromium = browser.version
        browser.close()
    many = sessions(options.sessions, 60 * options.minutes, served.jpeg(astronaut, (640, 480)))
    print(", ".join(f"{name} {value:g}" for name, value in many.items()))
    if options.json:
        content = {"rounds": rounds, "sessions": many, "chromium": chromium, "page_bytes": page_bytes()}
        content |= {"commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
