"""Writing video files that play, also after an interrupt."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from smilecam.errors import OutputError
from smilecam.opencv import cv2
from smilecam.storage import PendingFile
from smilecam.types import Picture

CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
"""Codec for each suffix; OpenCV's wheels cannot write H.264."""

DEFAULT_FPS = 25.0
LONGEST_GAP_SECONDS = 10.0
"""A longer silence between two frames is taken for a broken timestamp and is not filled."""


def _announced_frames(path: Path) -> float | None:
    """How many frames a video says it has; None where it does not open.

    OpenCV's writer does not say when it fails, so what came out is looked at.
    """
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = float(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else None
    video.release()
    return frames


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
            OutputError: the encoder gave nothing that can be played, or the file cannot be put in place.
        """
        if self._writer is None:
            self._pending.drop()
            return
        self._writer.release()
        self._writer = None
        found = _announced_frames(self._pending.temporary)
        if found is None:
            self._pending.drop()
            raise OutputError(f"cannot write {self.path}: the encoder gave nothing that plays (is the disk full?)")
        self._pending.keep()
        if found < 0.98 * self.written - 1:  # some containers give the number by way of the rounded duration
            raise OutputError(f"{self.path} does not hold all of its {self.written} frames (is the disk full?)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close, whatever ended the recording."""
        self.close()
