"""Clips made on the spot, for the tests beside this file."""

import os
import struct
from fractions import Fraction

import av
import numpy as np


def graded(number, size=(64, 96)):
    """A picture that is the same nowhere and in no other frame: uint8 (height, width, 3)."""
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(40, 200, width)[None, :]
    image[..., 1] = np.linspace(60, 180, height)[:, None]
    image[..., 2] = 60 + 7 * number % 140
    image[: height // 4, : width // 4] = 230
    return image


def encode(
    path, images, *, codec="libx264", form="yuv420p", pts=None, time_base=Fraction(1, 10), options=None, muxing=None
):
    """Write a clip with PyAV."""
    with av.open(str(path), "w", options=muxing or {}) as output:
        stream = output.add_stream(codec, rate=Fraction(1) / time_base)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = form
        stream.options = options or {}
        stream.codec_context.time_base = time_base
        for at, image in zip(pts or range(len(images)), images, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = at, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def hollow_avi(path, frames=20, size=3_000_000_000):
    """A clip whose last frame is followed by gigabytes of nothing, in which a demuxer searches for the next one."""
    encode(path, [graded(n) for n in range(frames)], codec="mpeg4")
    content = bytearray(path.read_bytes())
    movi = content.index(b"movi") - 4
    del content[content.index(b"idx1") :]
    content[4:8] = struct.pack("<I", size - 8)
    content[movi : movi + 4] = struct.pack("<I", size - movi - 4)
    path.write_bytes(content)
    os.truncate(path, size)
    return path


def recording(path, *, codec="libx264", audio="mp2", container="mpegts", frames=60, size=(64, 96), rate=25):
    """A recording with a tone."""
    with av.open(str(path), "w", format=container) as output:
        video = output.add_stream(codec, rate=rate)
        video.height, video.width = size
        video.pix_fmt = "yuv420p"
        tone = output.add_stream(audio, rate=48_000, layout="mono")
        samples = 48_000 // rate
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(graded(number, size), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            output.mux(video.encode(frame))
            wave = (8000 * np.sin(np.arange(samples) / 10)).astype(np.int16)[None]
            sound = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            sound.rate, sound.pts, sound.time_base = 48_000, number * samples, Fraction(1, 48_000)
            output.mux(tone.encode(sound))
        output.mux(video.encode(None))
        output.mux(tone.encode(None))
    return path


def headless_mpeg4(path, folder, frames, headers_at=None):
    """MPEG-4 Part 2 in a transport stream whose headers stand before one frame only, or nowhere."""
    original = encode(folder / "original.mp4", frames, codec="mpeg4", options={"g": "1"})
    with av.open(str(original)) as source, av.open(str(path), "w", format="mpegts") as output:
        stream = source.streams.video[0]
        copied = output.add_stream_from_template(stream)
        for number, packet in enumerate(source.demux(stream)):
            if packet.dts is None:
                continue
            headers = stream.codec_context.extradata if number == headers_at else b""
            other = av.Packet(headers + bytes(packet))
            other.pts, other.dts, other.time_base, other.stream = packet.pts, packet.dts, packet.time_base, copied
            other.is_keyframe = True
            output.mux(other)
    return path


def many_blocks(path, folder, blocks):
    """A Matroska file of one second of video, and after it a cluster of tiny audio blocks that all have one time."""
    start = recording(folder / "start.mkv", codec="mpeg4", audio="pcm_s16le", container="matroska", frames=4, rate=10)
    body = b"\xe7\x81\x00" + b"\xa3\x86\x82\x00\x01\x80\x00\x00" * blocks
    path.write_bytes(start.read_bytes() + b"\x1f\x43\xb6\x75" + (len(body) | 1 << 56).to_bytes(8, "big") + body)
    return path
