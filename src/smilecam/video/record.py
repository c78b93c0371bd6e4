"""Writing video files that play, also after an interrupt."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from smilecam.errors import OutputError
from smilecam.opencv import cv2, is_unicode
from smilecam.storage import PendingFile
from smilecam.types import Picture
from smilecam.video.sources import DEFAULT_FPS

CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
"""Codec for each suffix; OpenCV's wheels cannot write H.264."""

SMALLEST_SIDE = 16
"""Smaller frames are padded: MPEG-4 codes blocks of 16 pixels."""

LONGEST_GAP_SECONDS = 10.0
"""A longer silence between two frames is taken for a broken timestamp and is not filled."""


def _padded(image: Picture) -> Picture:
    """The picture, with its border repeated where it is smaller than encoders take."""
    height, width = image.shape[:2]
    down, across = max(0, SMALLEST_SIDE - height), max(0, SMALLEST_SIDE - width)
    if not (down or across):
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, down, 0, across, cv2.BORDER_REPLICATE), np.uint8)


def _plays(path: Path, frames: int) -> bool:
    """Whether a video that was just written announces its frames and can be decoded near its end.

    OpenCV's writer does not say when it fails, so what came out is looked at. Either look alone can be deceived: a cut
    Matroska file may still announce all frames, and one without an index may seek to the wrong place.
    """
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        # Some containers give the number by way of the rounded duration.
        if not video.isOpened() or video.get(cv2.CAP_PROP_FRAME_COUNT) < 0.98 * frames - 1:
            return False
        video.set(cv2.CAP_PROP_POS_FRAMES, max(0, frames - 2))
        return bool(video.grab())
    finally:
        video.release()


class VideoRecorder:
    """Writes frames at a steady rate, each shown from its own time on.

    A file has one rate, but cameras and phones give frames when they can: a frame is repeated until the next one is
    due, so the recording keeps the stream's pace. Every frame is written at least once.

    The file appears when the recorder is closed, with all frames so far: after an interrupt too. A recorder that
    was given no frame leaves nothing.

    Attributes:
        path: of the file.
        written: frames written so far, repeated ones counted.
    """

    def __init__(self, path: Path, fps: float | None) -> None:
        """Prepare to write.

        Args:
            path: a name that ends in one of ``CODECS``.
            fps: frames a second; None for 25.

        Raises:
            OutputError: the suffix is not known, or the folder cannot be written.
        """
        if path.suffix.lower() not in CODECS:
            raise OutputError(f"cannot write {path}: a video's name ends in {', '.join(CODECS)}")
        if not is_unicode(path.resolve()):  # OpenCV ends the process over such a name
            raise OutputError(f"cannot write {path}: a video's name must be valid Unicode")
        self.path, self._fps = path, fps or DEFAULT_FPS
        self._pending = PendingFile(path)
        self._writer: cv2.VideoWriter | None = None
        self._last: Picture | None = None
        self._start = 0.0
        self.written = 0

    def write(self, image: Picture, at: float | None) -> None:
        """Add a frame.

        Args:
            image: uint8 (height, width, 3), blue-green-red, of one size for all frames.
            at: seconds; None to follow the frame before at the steady rate.

        Raises:
            OutputError: the file cannot be written.
        """
        image = _padded(image)
        if self._writer is None:
            self._writer = self._open(image)
            self._start = at or 0.0
        if self._last is not None and at is not None:
            due = round((at - self._start) * self._fps)
            missing = due - self.written
            if 0 < missing <= LONGEST_GAP_SECONDS * self._fps:
                self._repeat(self._last, missing)
            elif missing > 0:
                self._start += missing / self._fps
        if self._last is not None and image.shape != self._last.shape:
            raise OutputError(f"cannot write {self.path}: the frames change their size")
        self._repeat(image, 1)
        self._last = image

    def _repeat(self, image: Picture, times: int) -> None:
        for _ in range(times):
            if self._writer is not None:
                self._writer.write(image)
        self.written += times

    def _open(self, image: Picture) -> cv2.VideoWriter:
        height, width = image.shape[:2]
        code = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._pending.temporary), cv2.CAP_FFMPEG, code, self._fps, (width, height))
        if not writer.isOpened():
            raise OutputError(f"cannot write {self.path}: no encoder takes {width}x{height} at {self._fps:g} frames/s")
        return writer

    def close(self) -> None:
        """Finish the file and put it in place; without frames, leave none.

        Raises:
            OutputError: what the encoder gave does not hold all frames, or the file cannot be put in place.
        """
        if self._writer is None:
            self._pending.drop()
            return
        self._writer.release()
        self._writer = None
        whole = _plays(self._pending.temporary, self.written)
        self._pending.keep()
        if not whole:
            raise OutputError(f"{self.path} does not hold all of its {self.written} frames (is the disk full?)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close, whatever ended the recording."""
        self.close()
