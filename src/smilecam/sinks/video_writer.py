"""Writing video files that play, also after an interrupt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from smilecam.errors import OutputError
from smilecam.opencv import cv2, is_unicode
from smilecam.sources.base import DEFAULT_FPS
from smilecam.storage import PendingFile
from smilecam.types import Image

if TYPE_CHECKING:
    from smilecam.sinks.audio_cuts import Interval
    from smilecam.sinks.encoder import EncodedVideo

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi", ".webm": "webm"}
"""Suffix of a video file -> FFmpeg's name of its container."""

MIN_SIDE = 16
"""Smaller frames are padded, for players' sake."""


def _coded_size(image: Image) -> tuple[int, int]:
    """Width and height in pixels of a video of such frames: even, as encoders require, and not tiny."""
    height, width = image.shape[:2]
    return max(MIN_SIDE, width + width % 2), max(MIN_SIDE, height + height % 2)


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    """The image in a size (width, height): its border repeated if little is missing, otherwise scaled between bars."""
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


def _close_despite_interrupt(video: EncodedVideo) -> KeyboardInterrupt | None:
    """Finish a file and return the interrupt that came meanwhile, if any; a second one is raised at once."""
    try:
        video.close()
    except KeyboardInterrupt as interrupt:
        video.close()
        return interrupt
    return None


class VideoRecorder:
    """Writes frames, each shown from its own time on: H.264, VP9 in WebM, Motion JPEG in AVI.

    No frame is repeated, and the recording's clock is that of the frames; AVI rounds their times to its frame rate.
    The audio of a source file is kept, except in AVI.

    The file appears when the recorder is closed, with all frames so far, also after an interrupt. A recorder that was
    given no frame, or could not write to the end, leaves nothing.

    Attributes:
        path: of the file.
        written: frames given so far.
        finished: whether the whole file is in its place.
    """

    def __init__(
        self, path: Path, fps: float | None, audio: Path | None = None, intervals: Sequence[Interval] = ()
    ) -> None:
        """Prepare to write.

        Args:
            path: its suffix is one of ``CONTAINERS``.
            fps: frames per second; None for 25.
            audio: a video file that the frames come from, from its first one on; None for no audio.
            intervals: of that file that the frames come from, one after another, if not from all of it.

        Raises:
            OutputError: the suffix is unknown, the folder cannot be written, or another run is writing the file.
        """
        suffix = path.suffix.lower()
        if suffix not in CONTAINERS:
            raise OutputError(f"cannot write {path}: a video's name ends in {', '.join(CONTAINERS)}")
        if not is_unicode(path.resolve()):  # few programs could open it
            raise OutputError(f"cannot write {path}: a video's name must be valid Unicode")
        self.path, self._fps, self._audio, self._intervals = path, fps or DEFAULT_FPS, audio, intervals
        self._container = CONTAINERS[suffix]
        self._pending = PendingFile(path, exclusive=True)
        self._size: tuple[int, int] | None = None
        self._video: EncodedVideo | None = None
        self.written = 0
        self.finished = False

    def write(self, image: Image, at: float | None) -> None:
        """Add a frame.

        Args:
            image: uint8 (height, width, 3), blue-green-red; one of another size than the first is scaled to fit.
            at: seconds; None to follow the previous frame at the frame rate.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._size is None or self._video is None:
            self._size = _coded_size(image)
            self._video = self._open(self._size)
        self._video.write(_fitted(image, self._size), at)
        self.written += 1

    def _open(self, size: tuple[int, int]) -> EncodedVideo:
        from smilecam.sinks.encoder import EncodedVideo

        where = (self._pending.temporary, self.path, self._container)
        return EncodedVideo(*where, self._fps, size, self._audio, self._intervals)

    def close(self) -> None:
        """Finish the file and put it in place; without frames, leave none.

        An interrupt is raised once the file is in place; a second one gives it up.

        Raises:
            OutputError: it does not hold all frames and is dropped, or it cannot be put in place.
        """
        video, self._video = self._video, None
        try:
            if video is None or not self.written:
                self._pending.drop()
                return
            interrupt = self._finish(video)
        finally:
            self._pending.release()
        self.finished = True
        if interrupt is not None:
            raise interrupt

    def _finish(self, video: EncodedVideo) -> KeyboardInterrupt | None:
        try:
            interrupt = _close_despite_interrupt(video)
        except BaseException:
            self._pending.drop()
            raise
        self._pending.keep()
        return interrupt

    def drop(self) -> None:
        """End without a file: ``close`` has nothing to do then."""
        video, self._video = self._video, None
        try:
            if video is not None:
                video.close()
        finally:
            self._pending.drop()
            self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close, whatever ended the recording."""
        self.close()
