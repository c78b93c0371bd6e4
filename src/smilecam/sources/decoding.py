"""Less work for the decoder of a recorded video, and the numbers of frames where some are skipped."""

from __future__ import annotations

import heapq
from enum import Enum


class Decoding(Enum):
    """How much of a recorded video is decoded."""

    FULL = "full"
    NO_LOOP_FILTER = "no-loop-filter"
    """Every frame, without the filter that smooths the borders of blocks. Frames are predicted from such ones, so that
    errors grow until the next key frame."""
    REFERENCE_FRAMES = "reference-frames"
    """Only frames from which others are predicted; these are exact."""


_LOOP_FILTER = frozenset({"h264", "hevc", "vp8", "vp9"})
_REFERENCES = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"})


_TIMED = ("mov", "matroska", "flv")
"""Beginnings of FFmpeg's names of containers in which every packet has the time at which its frame is shown."""


def decoder_options(decoding: Decoding, codec: str, container: str) -> dict[str, str]:
    """FFmpeg's options for a video; none where its formats do not allow it, and everything is decoded.

    Args:
        decoding: how much to decode.
        codec: FFmpeg's name.
        container: likewise.
    """
    if decoding is Decoding.NO_LOOP_FILTER and codec in _LOOP_FILTER:
        return {"skip_loop_filter": "all"}
    if decoding is Decoding.REFERENCE_FRAMES and codec in _REFERENCES and container.startswith(_TIMED):
        return {"skip_frame": "noref"}
    return {}


class FrameNumbers:
    """Numbers of frames, counted over all packets, also those of which no frame comes.

    A frame comes after all packets that are shown before it have been read, whatever their order in the file.
    """

    def __init__(self) -> None:
        """Start before the first packet."""
        self._waiting: list[int] = []
        self._next = self._given = 0

    @property
    def skipped(self) -> int:
        """Packets so far of which no frame came."""
        return self._next + len(self._waiting) - self._given

    def add(self, pts: int | None) -> None:
        """Take note of a packet that has been read."""
        if pts is not None:
            heapq.heappush(self._waiting, pts)

    def take(self, pts: int | None) -> int:
        """The number of a frame that has been decoded; higher than that of the one before."""
        while self._waiting and pts is not None and self._waiting[0] < pts:
            heapq.heappop(self._waiting)
            self._next += 1
        if self._waiting and self._waiting[0] == pts:
            heapq.heappop(self._waiting)
        number = self._next
        self._next += 1
        self._given += 1
        return number
