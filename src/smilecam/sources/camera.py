"""Cameras of this machine, read by OpenCV."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smilecam.errors import SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2
from smilecam.sources.base import MAX_CAMERA_INDEX, Clock, Counts, Source, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.release import ReleaseGuard
from smilecam.types import Image

PROBED_INDICES = 10
"""Indices that are tried where the system does not list its cameras."""


class CameraSource(Source):
    """A camera of this machine; it has no end."""

    live = True
    expected: int | None = None
    missing = 0

    def __init__(self, ref: SourceRef, index: int, clock: Clock = time.monotonic) -> None:
        """Open the camera.

        Raises:
            SourceNotFound: there is none of this index, or it is in use.
        """
        capture = open_camera(index)
        if capture is None:
            raise SourceNotFound(f"no camera opens at index {index}: is it plugged in, and not in use elsewhere?")
        self.ref, self.counts = ref, Counts()
        self.fps = _frame_rate(capture)
        self._capture, self._clock = capture, clock
        self._guard = ReleaseGuard(capture.release)

    def __iter__(self) -> Iterator[Frame]:
        yield from self._guard.iterate(self._frames())
        if not self._guard.closed:
            raise SourceUnreadable(f"{self.ref.name} stopped giving frames")

    def _frames(self) -> Iterator[Frame]:
        start = self._clock()
        while (image := self._read()) is not None:
            now, number = self._clock(), self.counts.received
            self.counts.received += 1
            yield Frame(number, now - start, image, capture_time=now)

    def _read(self) -> Image | None:
        try:
            done, image = self._capture.read()
        except cv2.error as error:
            raise SourceUnreadable(f"{self.ref.name} cannot be decoded further") from error
        return np.asarray(image, np.uint8) if done and image is not None else None

    def close(self) -> None:
        """Release the camera, or have the thread that reads it release it; see ``Source``."""
        self._guard.close()


def _frame_rate(capture: cv2.VideoCapture) -> float | None:
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if math.isfinite(rate) and 0 < rate <= 1000 else None


def open_camera(index: int) -> cv2.VideoCapture | None:
    """Open a camera; None if none opens at this index."""
    # On Windows, many webcams open through DirectShow only.
    backends = (cv2.CAP_DSHOW, cv2.CAP_ANY) if sys.platform == "win32" else (cv2.CAP_ANY,)
    if not 0 <= index <= MAX_CAMERA_INDEX:
        return None
    for backend in backends:
        capture = cv2.VideoCapture(index, backend)
        if capture.isOpened():
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # a hint that some drivers take: buffered frames are late
            return capture
        capture.release()
    return None


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that opens.

    Attributes:
        index: its name on the command line.
        name: the system's name for it, with its device; empty if unknown.
        width: of its frames by default, in pixels.
        height: of its frames by default, in pixels.
        fps: announced frames per second, if any.
    """

    index: int
    name: str
    width: int
    height: int
    fps: float | None


def list_cameras() -> list[Camera]:
    """Open every camera of this machine for a moment; those in use elsewhere, or forbidden, are left out."""
    cameras = []
    for index, name in _candidates().items():
        capture = open_camera(index)
        if capture is None:
            continue
        width, height = (round(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        cameras.append(Camera(index, name, width, height, _frame_rate(capture)))
        capture.release()
    return cameras


def _candidates() -> dict[int, str]:
    """Index -> name of what may be a camera."""
    if not sys.platform.startswith("linux"):
        return dict.fromkeys(range(PROBED_INDICES), "")
    devices = {}
    for path in Path("/dev").glob("video*"):
        if match := re.fullmatch(r"video(\d{1,2})", path.name):
            devices[int(match[1])] = f"{_device_name(path)}{path}"
    return dict(sorted(devices.items()))


def _device_name(device: Path) -> str:
    try:
        name = (Path("/sys/class/video4linux") / device.name / "name").read_text("utf-8", "replace").strip()
    except OSError:
        return ""
    return f"{name}, " if name else ""
