"""Cameras; and video files and streams where PyAV is not installed: what OpenCV reads."""

from __future__ import annotations

import math
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from smilecam.errors import SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2, is_unicode, max_pixels, variable_set
from smilecam.sources.base import CONTAINERS, DEFAULT_FPS, Clock, Counts, Kind, SourceOptions, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import check_file
from smilecam.sources.urls import NETWORK_CONTAINERS, NETWORK_PROTOCOLS
from smilecam.types import Image

MAX_CAMERA_INDEX = 99
"""OpenCV reads the hundreds of an index as the choice of a back end."""

PROBED_INDICES = 10
"""Where the system does not list its cameras, so many indices are tried."""


class _Capture:
    """What files, streams and cameras share: an OpenCV capture, let go of at the end."""

    missing = 0

    def __init__(self, ref: SourceRef, capture: cv2.VideoCapture) -> None:
        self.ref, self.counts = ref, Counts()
        self._capture = capture
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = rate if math.isfinite(rate) and 0 < rate <= 1000 else None

    def _read(self) -> Image | None:
        try:
            done, image = self._capture.read()
        except cv2.error as error:
            raise SourceUnreadable(f"{self.ref.name} cannot be decoded further") from error
        if not done or image is None:
            return None
        self.counts.received += 1
        return np.asarray(image, np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


class _FilmCapture(_Capture):
    """What has timestamps, and often an end."""

    def __init__(self, ref: SourceRef, capture: cv2.VideoCapture) -> None:
        """Look at what was opened.

        Raises:
            SourceUnreadable: it did not open, or its frames are over the limit.
        """
        if not capture.isOpened():
            raise SourceUnreadable(f"{ref.name} is not a video, or is damaged")
        super().__init__(ref, capture)
        width, height = (capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > max_pixels():
            capture.release()
            raise SourceUnreadable(f"{ref.name} has frames of more than {max_pixels():,} pixels")
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.expected: int | None = int(count) if math.isfinite(count) and 0 < count < 2**53 else None

    def __iter__(self) -> Iterator[Frame]:
        number, last = 0, 0.0
        while (image := self._read()) is not None:
            at = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not at >= last:  # some streams lack a timestamp here and there
                at = last + 1 / (self.fps or DEFAULT_FPS)
            yield Frame(number, at, image)
            number, last = number + 1, at
        if number == 0:
            raise SourceUnreadable(f"{self.ref.name}: no frame of it can be decoded")
        self.missing = max(0, (self.expected or 0) - number)


class VideoSource(_FilmCapture):
    """A video file, decoded by the FFmpeg inside OpenCV, which is kept from opening other files for it."""

    live = False

    def __init__(self, ref: SourceRef, path: Path) -> None:
        """Open the file.

        Raises:
            SourceNotFound: nothing is there.
            SourceUnreadable: it is no video, is empty or damaged, or its frames are over the limit.
        """
        check_file(path)
        super().__init__(ref, _open_file(path))


class StreamSource(_FilmCapture):
    """A stream by its address, decoded by the FFmpeg inside OpenCV."""

    def __init__(self, ref: SourceRef, url: str, options: SourceOptions) -> None:
        """Connect.

        Raises:
            SourceUnreadable: it cannot be reached within the time limit, or is no video.
        """
        capture = _open_address(url, options)
        if not capture.isOpened():
            raise SourceUnreadable(f"{ref.name} does not answer, or is no video")
        super().__init__(ref, capture)
        self.live = self.expected is None


class CameraSource(_Capture):
    """A camera of this machine; it has no end."""

    live = True
    expected: int | None = None

    def __init__(self, ref: SourceRef, index: int, clock: Clock = time.monotonic) -> None:
        """Open the camera.

        Raises:
            SourceNotFound: there is none of this index, or it is in use.
        """
        capture = open_camera(index)
        if capture is None:
            raise SourceNotFound(f"no camera opens at index {index}: is it plugged in, and not in use elsewhere?")
        super().__init__(ref, capture)
        self._clock = clock

    def __iter__(self) -> Iterator[Frame]:
        start, number = self._clock(), 0
        while (image := self._read()) is not None:
            now = self._clock()
            yield Frame(number, now - start, image, capture_time=now)
            number += 1
        raise SourceUnreadable(f"{self.ref.name} stopped giving frames")


_opening = threading.Lock()
"""OpenCV takes the limits for FFmpeg from the environment alone, of which there is one."""


def _open_file(path: Path) -> cv2.VideoCapture:
    # A file can be a play list that names other files or addresses, so FFmpeg is held to local files of formats that
    # are none.
    full = path.resolve()
    if not is_unicode(full):  # OpenCV ends the process over such a name
        raise SourceUnreadable(f"{path}: a video's name must be valid Unicode")
    options = f"protocol_whitelist;file|format_whitelist;{CONTAINERS}"
    with _opening, variable_set("OPENCV_FFMPEG_CAPTURE_OPTIONS", options):
        return cv2.VideoCapture(str(full), cv2.CAP_FFMPEG)


def _open_address(url: str, options: SourceOptions) -> cv2.VideoCapture:
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(options.open_timeout * 1000)]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(options.read_timeout * 1000)]
    allowed = f"protocol_whitelist;{NETWORK_PROTOCOLS}|format_whitelist;{NETWORK_CONTAINERS},{CONTAINERS}"
    with _opening, variable_set("OPENCV_FFMPEG_CAPTURE_OPTIONS", f"rtsp_transport;tcp|{allowed}"):
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)


def open_camera(index: int) -> cv2.VideoCapture | None:
    """Open a camera, or give None where none opens at this index."""
    # Many webcams open on Windows through DirectShow only.
    backends = (cv2.CAP_DSHOW, cv2.CAP_ANY) if sys.platform == "win32" else (cv2.CAP_ANY,)
    if index > MAX_CAMERA_INDEX:
        return None
    for backend in backends:
        capture = cv2.VideoCapture(index, backend)
        if capture.isOpened():
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # a hint that some drivers take: what waits there is late
            return capture
        capture.release()
    return None


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that opens.

    Attributes:
        index: names it on the command line.
        name: as the system calls it, with its device; empty where that is not known.
        width: of its frames in pixels, as it comes.
        height: of its frames in pixels.
        fps: frames a second where it says so.
    """

    index: int
    name: str
    width: int
    height: int
    fps: float | None


def list_cameras() -> list[Camera]:
    """Open every camera of this machine for a moment; what is in use elsewhere, or forbidden, is not among them."""
    cameras = []
    for index, name in _candidates().items():
        capture = open_camera(index)
        if capture is None:
            continue
        with _Capture(SourceRef(name, Kind.CAMERA, index=index), capture) as opened:
            width, height = (round(capture.get(of)) for of in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
            cameras.append(Camera(index, name, width, height, opened.fps))
    return cameras


def _candidates() -> dict[int, str]:
    """Indices that may be cameras, with names."""
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
