"""Writing video files that play, also after an interrupt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from smilecam.errors import OutputError
from smilecam.opencv import cv2, is_unicode
from smilecam.sinks.encoder import EncodedVideo, can_encode
from smilecam.sources.base import DEFAULT_FPS
from smilecam.storage import PendingFile
from smilecam.types import Image

CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP80"}
"""OpenCV's codec for each suffix; its wheels cannot write H.264."""

SMALLEST_SIDE = 16
"""Smaller frames are padded: MPEG-4 codes blocks of 16 pixels."""

LONGEST_GAP_SECONDS = 10.0
"""A longer silence between two frames is taken for a broken timestamp and is not filled."""

PLAIN_VIDEO = 'videos have no sound and are not in H.264: pip install "smilecam[video]" gives both'
"""What users are told where PyAV is absent."""


class _Writer(Protocol):
    """Takes frames of one size."""

    def write(self, image: Image, at: float | None) -> None:
        """Add a frame; raises OutputError."""

    def close(self) -> None:
        """Finish the file; raises OutputError if it is not whole."""


def _coded_size(image: Image) -> tuple[int, int]:
    """Width and height in pixels of a video of such frames: even, as encoders take it, and not tiny."""
    height, width = image.shape[:2]
    return max(SMALLEST_SIDE, width + width % 2), max(SMALLEST_SIDE, height + height % 2)


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    """The picture in a size (width, height): its border repeated where little is missing, else scaled between bars."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    if _coded_size(image) == size:
        down, across = height - image.shape[0], width - image.shape[1]
        return np.asarray(cv2.copyMakeBorder(image, 0, down, 0, across, cv2.BORDER_REPLICATE), np.uint8)
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    return fitted


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


class _SteadyVideo:
    """A video file on its way by OpenCV: at a steady rate, without sound.

    A frame is repeated until the next one is due, so the recording keeps the stream's pace. Every frame is written at
    least once.
    """

    def __init__(self, path: Path, shown_path: Path, fps: float, size: tuple[int, int]) -> None:
        """Begin a file, as for ``EncodedVideo``.

        Raises:
            OutputError: no encoder takes this.
        """
        self._path, self._shown, self._fps = path, shown_path, fps
        code = cv2.VideoWriter.fourcc(*CODECS[shown_path.suffix.lower()])
        self._writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, size)
        if not self._writer.isOpened():
            raise OutputError(f"cannot write {shown_path}: no encoder takes {size[0]}x{size[1]} at {fps:g} frames/s")
        self._last: Image | None = None
        self._start = 0.0
        self._written = 0

    def write(self, image: Image, at: float | None) -> None:
        """Add a frame that is shown from ``at`` on."""
        if self._last is None:
            self._start = at or 0.0
        elif at is not None:
            missing = round((at - self._start) * self._fps) - self._written
            if 0 < missing <= LONGEST_GAP_SECONDS * self._fps:
                self._repeat(self._last, missing)
            elif missing > 0:
                self._start += missing / self._fps
        self._repeat(image, 1)
        self._last = image.copy()

    def _repeat(self, image: Image, times: int) -> None:
        for _ in range(times):
            self._writer.write(image)
        self._written += times

    def close(self) -> None:
        """Finish the file.

        Raises:
            OutputError: what the encoder gave does not hold all frames.
        """
        self._writer.release()
        if not _plays(self._path, self._written):
            raise OutputError(f"cannot write {self._shown} to its end (is the disk full?)")


class VideoRecorder:
    """Writes frames, each shown from its own time on.

    With PyAV the video is in H.264 (VP9 in WebM): no frame is repeated, the recording's clock is that of the frames,
    and the sound of a source file is kept. Without PyAV, and in AVI, OpenCV writes frames at a steady rate, and there
    is no sound.

    The file appears when the recorder is closed, with all frames so far: after an interrupt too. A recorder that
    was given no frame, or could not write to the end, leaves nothing.

    Attributes:
        path: of the file.
        written: frames given so far.
    """

    def __init__(
        self,
        path: Path,
        fps: float | None,
        audio: Path | None = None,
        say: Callable[[str], None] = lambda _line: None,
        plain: bool = False,
    ) -> None:
        """Prepare to write.

        Args:
            path: a name that ends in one of ``CODECS``.
            fps: frames a second; None for 25.
            audio: a video file that the frames come from, from its first one on; None for no sound.
            say: takes a line for the user where PyAV is absent.
            plain: whether to write with OpenCV though PyAV is there.

        Raises:
            OutputError: the suffix is not known, or the folder cannot be written.
        """
        suffix = path.suffix.lower()
        if suffix not in CODECS:
            raise OutputError(f"cannot write {path}: a video's name ends in {', '.join(CODECS)}")
        if not is_unicode(path.resolve()):  # OpenCV ends the process over such a name
            raise OutputError(f"cannot write {path}: a video's name must be valid Unicode")
        self.path, self._fps, self._audio = path, fps or DEFAULT_FPS, audio
        self._encodes = not plain and can_encode(suffix)
        if not self._encodes and not can_encode(".mp4"):
            say(PLAIN_VIDEO)
        self._pending = PendingFile(path)
        self._size: tuple[int, int] | None = None
        self._writer: _Writer | None = None
        self.written = 0

    def write(self, image: Image, at: float | None) -> None:
        """Add a frame.

        Args:
            image: uint8 (height, width, 3), blue-green-red; one of another size than the first is made to fit it.
            at: seconds; None to follow the frame before at the steady rate.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._size is None or self._writer is None:
            self._size = _coded_size(image)
            self._writer = self._open(self._size)
        self._writer.write(_fitted(image, self._size), at)
        self.written += 1

    def _open(self, size: tuple[int, int]) -> _Writer:
        if self._encodes:
            return EncodedVideo(self._pending.temporary, self.path, self._fps, size, self._audio)
        return _SteadyVideo(self._pending.temporary, self.path, self._fps, size)

    def close(self) -> None:
        """Finish the file and put it in place; without frames, leave none.

        Raises:
            OutputError: it does not hold all frames and is dropped, or it cannot be put in place.
        """
        writer, self._writer = self._writer, None
        whole = False
        try:
            if writer is not None and self.written:
                writer.close()
                whole = True
        finally:
            if not whole:
                self._pending.drop()
        if whole:
            self._pending.keep()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close, whatever ended the recording."""
        self.close()
