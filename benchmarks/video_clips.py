"""Clips of benchmarks/video.py, made at run time: looped, sped up, letterboxed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

from smilecam.opencv import cv2
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Image

IN_MP4 = frozenset({"h264", "hevc", "mpeg4", "av1", "vp9"})
"""Codecs that MP4 supports; other clips are re-encoded."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A clip repeated until it is long enough.

    Attributes:
        path: of the file.
        frames: number of frames.
        fps: frames per second by its timestamps.
        width: of a frame, in pixels.
        height: of a frame, in pixels.
    """

    path: Path
    frames: int
    fps: float
    width: int
    height: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.fps


def loop(clip: Path, folder: Path, frames: int, faster: int = 1) -> Loop:
    """Repeat a whole clip by copying its packets, with continuous timestamps and no audio.

    Args:
        clip: to repeat.
        folder: for the file.
        frames: minimum number of frames.
        faster: playback speed, times the original.

    Returns:
        The loop, whole clips long.
    """
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        if codec.name not in IN_MP4:
            anew = encode(clip, folder, codec.width // 2 * 2, codec.height // 2 * 2, round(stream.average_rate or 25))
            return loop(anew, folder, frames, faster)
        packets = [packet for packet in container.demux(stream) if packet.size and packet.pts is not None]
        times, length = _times(packets)
        target = folder / f"{clip.stem}-{frames}-{faster}x.mp4"
        base, repeats = stream.time_base or Fraction(1, 1000), math.ceil(frames / len(packets))
        with av.open(str(target), "w") as out:
            copy = out.add_stream_from_template(stream)
            for turn in range(repeats):
                for packet, (pts, dts, duration) in zip(packets, times, strict=True):
                    packet.stream, packet.time_base = copy, base / faster
                    packet.pts, packet.dts, packet.duration = pts + turn * length, dts + turn * length, duration
                    out.mux(packet)
        fps = float(len(packets) / (length * base)) * faster
        return Loop(target, repeats * len(packets), fps, codec.width, codec.height)


def _times(packets: Sequence[Packet[VideoStream]]) -> tuple[list[tuple[int, int, int]], int]:
    """Presentation time, decoding time and duration of each packet, which muxing changes; and the total duration.

    Some files lack decoding times, so these are the sorted presentation times, early enough for the latest packet.
    """
    shown = [packet.pts or 0 for packet in packets]
    ordered = sorted(shown)
    ahead = max(at - pts for at, pts in zip(ordered, shown, strict=True))
    period = round((ordered[-1] - ordered[0]) / max(1, len(packets) - 1))
    times = [
        (pts, at - ahead, packet.duration or period) for packet, pts, at in zip(packets, shown, ordered, strict=True)
    ]
    return times, ordered[-1] - ordered[0] + period


def encode(clip: Path, folder: Path, width: int, height: int, fps: int) -> Path:
    """Re-encode a clip in H.264: letterboxed to one size, at a constant frame rate."""
    target = folder / f"{clip.stem}-{width}x{height}-{fps}.mp4"
    with av.open(str(target), "w") as out, open_source(find_sources(clip)[0]) as source:
        film = out.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "23"})
        film.width, film.height, film.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(source):
            picture = av.VideoFrame.from_ndarray(_fitted(frame.image, width, height), format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            picture.pict_type = PictureType.I if number == 0 else PictureType.NONE
            out.mux(film.encode(picture))
        out.mux(film.encode(None))
    return target


def first_picture(clip: Path, folder: Path) -> Path:
    """The first frame of a clip, as a JPEG file."""
    target = folder / f"{clip.stem}.jpg"
    with open_source(find_sources(clip)[0]) as source:
        cv2.imwrite(str(target), next(iter(source)).image)
    return target


def _fitted(image: Image, width: int, height: int) -> Image:
    factor = min(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    right, bottom = width - size[0] - left, height - size[1] - top
    return np.asarray(cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_CONSTANT), np.uint8)
