"""A copy of an uploaded video that browsers play, made while its frames are processed anyway."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smilecam.errors import OutputError
from smilecam.opencv import cv2, reduced
from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sinks.video_writer import VideoRecorder
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Image

LONGEST_SIDE = 960
"""Frames are reduced to so many pixels on their longer side."""

CHECKED_FRAMES = 50
"""So often the size of the file is looked up."""


class Preview(Sink):
    """H.264 in MP4, without sound; each frame at its time in the results.

    Where it cannot be written, or becomes too large, there is none: the results do not depend on it.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        """Prepare.

        Args:
            path: of the file, which ends in ``.mp4``, in a folder of its own.
            max_bytes: that it may take.
        """
        self._path, self._max_bytes = path, max_bytes
        self._recorder: VideoRecorder | None = None
        self._frames = 0

    def begin(self, source: Source) -> None:
        """Start the file."""
        try:
            self._recorder = VideoRecorder(self._path, source.fps)
        except OutputError:
            self._recorder = None

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add a frame."""
        if self._recorder is None:
            return
        self._frames += 1
        try:
            self._recorder.write(reduced(_in_colour(frame.image), LONGEST_SIDE), result.time)
        except OutputError:
            self._give_up()
            return
        if self._frames % CHECKED_FRAMES == 0 and self._size() > self._max_bytes:
            self._give_up()

    def end(self) -> None:
        """Finish the file."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.close()
            except OutputError:
                self._path.unlink(missing_ok=True)
        if self._path.exists() and self._path.stat().st_size > self._max_bytes:
            self._path.unlink()

    def _give_up(self) -> None:
        self.end()
        self._path.unlink(missing_ok=True)

    def _size(self) -> int:
        return sum(file.stat().st_size for file in self._path.parent.iterdir())


def _in_colour(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8) if image.ndim == 2 else image
