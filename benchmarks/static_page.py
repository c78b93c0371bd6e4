"""The page without a server: agreement with Python on recorded video, and frames a second from a camera.

    python benchmarks/static_page.py [CLIP ...] [--detector yunet --yunet FILE] [--seconds 20] [--rounds 3]

builds the page and opens it in headless Chromium, which takes MP4, MOV, WebM, MKV and GIF. Each clip is read by the
page, as a visitor would have it read, and by ``SmileDetector`` of this checkout, with the same face detector. A face of
Python is matched if the page has a box with an IoU of at least .5 in the same frame; states are compared on matched
faces. Then a simulated camera of 640x480 pixels and 30 frames/s shows portraits: results a second, the time of each
frame in the worker, and the CPU time of all of Chromium, which also decodes and draws.

Rates need a machine without other work; CPU time for each frame does not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from smilecam import SmileDetector, provenance
from smilecam.demo import portraits
from smilecam.detection.files import YUNET_FILE
from smilecam.geometry import iou
from smilecam.results import FrameResult
from smilecam.storage import DATA_VARIABLE
from smilecam.types import Box

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "server"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "site"))

import live_page
import static_site

SAME = 0.5
WARM_UP_SECONDS = 4
LONGEST_CLIP_SECONDS = 600

CHOOSE = """name => {
  const select = document.getElementById("s-detector");
  select.value = name;
  select.dispatchEvent(new Event("change"));
}"""

LISTEN = """() => {
  window.times = [];
  document.addEventListener("smilecam:drawn", ({detail}) => times.push([detail.drawn, detail.result.server_ms]));
}"""


def choose_detector(page: Page, name: str) -> None:
    """Have the page use a detector."""
    page.wait_for_selector(f"#s-detector option[value={name}]", state="attached")
    page.evaluate(CHOOSE, name)


def read_by_page(page: Page, clip: Path) -> list[dict[str, Any]]:
    """The lines of results of a clip, as the page gives them for download; none where the browser cannot decode it."""
    page.set_input_files("#file", clip)
    page.wait_for_selector("#player:not([hidden]), #blank-icon.bad", timeout=1000 * LONGEST_CLIP_SECONDS)
    if page.locator("#player").is_hidden():
        print(f"{clip.name}: {page.text_content('#blank-text')}", flush=True)
        return []
    page.wait_for_selector("#save-jsonl:not([disabled])", state="attached")
    with page.expect_download() as download:
        page.evaluate("document.getElementById('save-jsonl').click()")
    return [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]


def compare(lines: list[dict[str, Any]], results: list[FrameResult]) -> dict[str, int]:
    """Faces of Python, those that the page has too, and states that agree."""
    frames = [line for line in lines if line["type"] == "frame"]
    faces = matched = same = 0
    for frame, result in zip(frames, results, strict=False):
        for face in result.faces:
            faces += 1
            boxes = [(iou(Box(*other["box"]), face.box), other) for other in frame["faces"]]
            overlap, best = max(boxes, key=lambda pair: pair[0], default=(0.0, None))
            if best is not None and overlap >= SAME:
                matched += 1
                same += best["smiling"] == face.smiling
    theirs = sum(len(result.faces) for result in results)
    events = sum(line["type"] == "event" for line in lines)
    return {
        "frames": len(results),
        "frames_of_page": len(frames),
        "faces": theirs,
        "faces_of_page": sum(len(frame["faces"]) for frame in frames),
        "matched": matched,
        "same": same,
        "events": sum(len(result.events) for result in results),
        "events_of_page": events,
    }


def agreement(browser: Browser, address: str, clips: list[Path], detector: str) -> dict[str, dict[str, int]]:
    """Compare the page with Python on every clip."""
    rows = {}
    with SmileDetector(detector=detector) as python:
        for clip in clips:
            page = browser.new_page()
            page.goto(address)
            choose_detector(page, detector)
            lines = read_by_page(page, clip)
            page.close()
            if not lines:
                continue
            results = [item.result for item in python.stream(clip) if item.result is not None]
            rows[clip.name] = compare(lines, results)
            print(f"{clip.name}: {rows[clip.name]}", flush=True)
    return rows


def chromium_seconds(started: int) -> float:
    """CPU seconds so far of all processes of the browser."""
    total = 0.0
    for process in psutil.Process(started).children(recursive=True):
        try:
            if "chrom" in process.name():
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def live(browser: Browser, address: str, detector: str, seconds: float) -> dict[str, float]:
    """Rate and cost of one round."""
    page = browser.new_page()
    page.goto(address)
    choose_detector(page, detector)
    page.click("#use-camera")
    page.wait_for_selector("#people .person", timeout=60_000)
    page.wait_for_timeout(1000 * WARM_UP_SECONDS)
    page.evaluate(LISTEN)
    before = chromium_seconds(os.getpid())
    page.wait_for_timeout(1000 * seconds)
    used = chromium_seconds(os.getpid()) - before
    times = np.array(page.evaluate("times"))
    page.close()
    drawn, worker = times.T
    return {
        "results_per_second": (len(times) - 1) / (drawn[-1] - drawn[0]) * 1000,
        "worker_ms_p50": float(np.quantile(worker, 0.5)),
        "worker_ms_p95": float(np.quantile(worker, 0.95)),
        "cpu_ms_per_result": 1000 * used / len(times),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
    }


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--detector", choices=["haar", "yunet"], default="haar")
    parser.add_argument("--yunet", type=Path, help="YuNet's file; by default where smilecam models fetch has put it")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    content: dict[str, Any] = {
        "detector": options.detector,
        "commit": provenance.commit(),
        "machine": provenance.machine(),
    }
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        if options.yunet:
            os.environ[DATA_VARIABLE] = str(Path(work) / "data")
            YUNET_FILE.fetch(str(options.yunet))
        astronaut, hopper = portraits()
        shots = [live_page.Shot(hopper, 2, False), live_page.Shot(astronaut, 2, True)]
        camera = live_page.camera_clip(Path(work) / "camera.y4m", shots)
        browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=live_page.browser_flags(camera))
        with static_site.serving(static_site.build(Path(work) / "site", options.yunet)) as address:
            if options.clips:
                content["clips"] = agreement(browser, address, options.clips, options.detector)
            content["live"] = [live(browser, address, options.detector, options.seconds) for _ in range(options.rounds)]
        browser.close()
    report(content)
    if options.json:
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def report(content: dict[str, Any]) -> None:
    """Print what was measured."""
    rows = content.get("clips", {})
    if rows:
        total = {key: sum(row[key] for row in rows.values()) for key in next(iter(rows.values()))}
        print(f"| clip | {' | '.join(name.replace('_', ' ') for name in total)} |\n|---|{'---|' * len(total)}")
        for name, row in (rows | {"all": total}).items():
            print(f"| {name} | " + " | ".join(str(value) for value in row.values()) + " |")
        print(f"matched {total['matched'] / max(1, total['faces']):.2%} of Python's faces, ", end="")
        print(f"states that agree {total['same'] / max(1, total['matched']):.2%} (n={total['matched']})")
    for row in content["live"]:
        print(", ".join(f"{name} {value:.1f}" for name, value in row.items()))
    print(f"detector {content['detector']}, commit {content['commit']}, {content['machine']}")


if __name__ == "__main__":
    main()
