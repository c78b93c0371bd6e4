"""The live page in real parts: a server process, a browser, and a camera that plays public-domain portraits.

No test: tests/server/test_page.py, benchmarks/web.py and docs/make_screenshot.py use it.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smilecam import SmileDetector
from smilecam.opencv import cv2
from smilecam.types import Image

FPS = 30
MARK = 24
"""Side in pixels of the square in the upper right corner: white while the portrait smiles, else black."""


def chromium() -> str | None:
    """The browser's path; None where there is none."""
    return os.environ.get("SMILECAM_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True, slots=True)
class Shot:
    """A section of the camera's clip."""

    image: Image
    seconds: float
    smiling: bool


def views(shot: Shot, size: tuple[int, int], face: int, mark: bool, fps: int = FPS) -> Iterator[Image]:
    """Frames of one portrait whose face, ``face`` pixels wide, drifts a little around the middle."""
    width, height = size
    (found,) = SmileDetector()(shot.image).faces
    box = found.box
    scale = face / box.width
    for number in range(round(shot.seconds * fps)):
        phase = 2 * math.pi * number / (2 * fps)
        x, y = width / 2 + 0.02 * width * math.sin(phase), height * 0.46 + 0.012 * height * math.cos(phase)
        matrix = np.array(
            [[scale, 0, x - scale * (box.x1 + box.x2) / 2], [0, scale, y - scale * (box.y1 + box.y2) / 2]]
        )
        frame = cv2.warpAffine(shot.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        if mark:
            frame[:MARK, -MARK:] = 255 if shot.smiling else 0
        yield np.asarray(frame, np.uint8)


def camera_clip(
    path: Path, shots: Sequence[Shot], size: tuple[int, int] = (640, 480), face: int = 170, mark: bool = True
) -> Path:
    """Write the clip that the browser's fake camera plays in a loop (YUV4MPEG2, 30 frames a second)."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{size[0]} H{size[1]} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for shot in shots:
            for frame in views(shot, size, face, mark):
                file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    return path


def browser_flags(clip: Path, allow: bool = True) -> list[str]:
    """Options of Chromium: the clip as its camera, which is allowed without asking unless ``allow`` is false."""
    flags = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}", "--disable-gpu"]
    return [*flags, "--use-fake-ui-for-media-stream"] if allow else flags


class Server:
    """A ``smilecam watch`` process."""

    def __init__(self, *arguments: str, port: int = 0, token: str = "only-for-tests-of-the-page") -> None:
        """Start it; it serves when this returns."""
        command = [sys.executable, "-m", "smilecam", "watch", "--no-browser", "--port", str(port), *arguments]
        environment = {**os.environ, "SMILECAM_TOKEN": token, "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.output: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        if not self._ready.wait(60) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError(f"the server did not start: {self.output}")

    def _collect(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.output.append(line.rstrip())
            found = re.search(r"https?://\S+", line)
            if found and not self._ready.is_set():  # the first is the page, the next the overlay for mixers
                self.address = found[0]
                self._ready.set()
        self._ready.set()

    @property
    def port(self) -> int:
        return int(re.search(r":(\d+)/", self.address)[1])  # type: ignore[index]

    def kill(self) -> None:
        """As a crash would."""
        self._process.kill()
        self._process.wait(10)
        self._reader.join(10)

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._reader.join(10)
        if self._process.stdout:
            self._process.stdout.close()


@contextlib.contextmanager
def serving(*arguments: str, **options: Any) -> Iterator[Server]:
    """A server for a while."""
    server = Server(*arguments, **options)
    try:
        yield server
    finally:
        server.stop()
