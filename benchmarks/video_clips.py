"""The clips that benchmarks/video.py reads, made at run time: looped, played faster, letterboxed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType

from smilecam.opencv import cv2
from smilecam.types import Picture
from smilecam.video.sources import find_sources, open_source

IN_MP4 = frozenset({"h264", "hevc", "mpeg4", "av1", "vp9"})
"""Codecs whose packets an MP4 file takes, with exact times; the rest goes into Matroska."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A clip repeated until it is long enough.

    Attributes:
        path: of the file.
        frames: that it holds.
        fps: frames a second by its timestamps.
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
        """How long it is when it is played."""
        return self.frames / self.fps


def loop(clip: Path, folder: Path, frames: int, faster: int = 1) -> Loop:
    """Repeat a clip as a whole, by copying its packets; the timestamps go on, and there is no sound.

    Args:
        clip: to repeat.
        folder: for the file.
        frames: that it must hold at least.
        faster: times as fast as it is to be played.

    Returns:
        The loop, whole clips long.
    """
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size and packet.pts is not None]
        first = min(packet.pts for packet in packets)
        length = max(packet.pts + (packet.duration or 0) for packet in packets) - first
        base = stream.time_base or Fraction(1, 1000)
        if not packets[-1].duration:
            length += round(length / (len(packets) - 1))
        suffix = "mp4" if stream.codec_context.name in IN_MP4 else "mkv"
        target = folder / f"{clip.stem}-{frames}-{faster}x.{suffix}"
        # Writing a packet changes its times.
        times = [(packet.pts, packet.dts, packet.duration) for packet in packets]
        repeats = math.ceil(frames / len(packets))
        with av.open(str(target), "w") as out:
            copy = out.add_stream_from_template(stream)
            for turn in range(repeats):
                for packet, (pts, dts, duration) in zip(packets, times, strict=True):
                    packet.stream = copy
                    # A finer clock first: what is played faster must not fall onto one tick.
                    packet.time_base = base / faster
                    packet.pts, packet.duration = pts + turn * length, duration
                    packet.dts = None if dts is None else dts + turn * length
                    out.mux(packet)
        size = stream.codec_context.width, stream.codec_context.height
        return Loop(target, repeats * len(packets), float(len(packets) / (length * base)) * faster, *size)


def letterbox(clip: Path, folder: Path, width: int, height: int, fps: int) -> Path:
    """Encode a clip anew in H.264: fitted into one size with black bars, one frame after another at one rate."""
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


def _fitted(image: Picture, width: int, height: int) -> Picture:
    factor = min(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    right, bottom = width - size[0] - left, height - size[1] - top
    return np.asarray(cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_CONSTANT), np.uint8)
