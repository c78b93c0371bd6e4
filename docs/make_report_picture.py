"""Make the picture of a report that docs/usage.md shows.

    python docs/make_report_picture.py [FOLDER]

The demonstration's clip and its two portraits, in the public domain, through detect and report, in a real browser
(Debian's chromium, by Playwright). Needs the extras demo and dev.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "server"))

import live_page  # noqa: E402

from smilecam.cli.main import call  # noqa: E402
from smilecam.demo import portraits  # noqa: E402
from smilecam.sources.images import save_image  # noqa: E402

SIZE = {"width": 1120, "height": 1180}


def make_report(folder: Path) -> Path:
    """A report of the demonstration's clip and portraits, made in a folder."""
    images = [str(folder / name) for name in ("astronaut.png", "hopper.png")]
    for path, image in zip(images, portraits(), strict=True):
        save_image(Path(path), image)
    results = folder / "results.jsonl"
    clip, page = folder / "demo" / "demo_clip.mp4", folder / "results.html"
    steps = (
        ["demo", "--out", str(clip.parent)],
        ["detect", str(clip), *images, "--jsonl", str(results)],
        ["report", str(results), "--output", str(page)],
    )
    for step in steps:
        if code := call(step):
            sys.exit(f"smilecam {' '.join(step)} ended with exit code {code}")
    return page


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        page_file = make_report(Path(work))
        text = page_file.read_text("utf-8").replace(f"{work}/demo/", "").replace(f"{work}/", "")
        page_file.write_text(text, "utf-8")  # the names, without this machine's temporary folder
        browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.goto(page_file.as_uri())
        path = folder / "report.jpg"
        page.screenshot(path=path, type="jpeg", quality=84)
        print(path)  # noqa: T201 - a script
        browser.close()


if __name__ == "__main__":
    main()
