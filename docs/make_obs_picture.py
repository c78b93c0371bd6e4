"""Make the picture of the overlay that docs/integrations.md shows: over drawn faces, which are nobody's.

python docs/make_obs_picture.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from websockets.sync.client import connect

from smilecam.opencv import cv2

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "server"))

import live_page  # noqa: E402 - found by the line above

SOURCE = "synthetic:face:1280x720@30?faces=3&smile=always&seconds=600"
TOKEN = "only-for-the-picture"  # noqa: S105 - of a server that ends with this script
WIDTH, HEIGHT = 960, 540


def newest_image(port: int) -> np.ndarray:
    """The picture that the server shows now, uint8 (height, width, 3), blue-green-red."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with connect(f"ws://127.0.0.1:{port}/v1/watch", additional_headers=headers, proxy=None) as viewer:
        for _ in range(20):
            message = viewer.recv(20)
            if isinstance(message, bytes):
                length = int.from_bytes(message[:4], "big")
                image = cv2.imdecode(np.frombuffer(message[4 + length :], np.uint8), cv2.IMREAD_COLOR)
                viewer.send(json.dumps({"type": "ack", "seq": json.loads(message[4 : 4 + length])["seq"]}))
    return cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def main() -> None:
    """Lay the overlay over the picture."""
    with live_page.serving(SOURCE, "--detector", "haar", token=TOKEN) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=live_page.chromium(), args=["--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(server.address.replace("/?token=", "/overlay?token="))
        page.get_by_text("Everyone smiles: 3 of 3").wait_for(timeout=20_000)
        page.wait_for_timeout(600)
        below = newest_image(server.port)
        over = cv2.imdecode(np.frombuffer(page.screenshot(omit_background=True), np.uint8), cv2.IMREAD_UNCHANGED)
        browser.close()
    opacity = over[:, :, 3:] / 255
    image = (over[:, :, :3] * opacity + below * (1 - opacity)).round().astype(np.uint8)
    cv2.imwrite(str(ROOT / "docs" / "images" / "obs.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
