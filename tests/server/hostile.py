"""Files that ask for far more than they hold. No test."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np

from smilecam.opencv import cv2

SIDE = 4990
"""Of the largest square image that is not refused for its pixels."""


def huge_video(path: Path, side: int = 9900, frames: int = 17) -> Path:
    """A video of black frames: one picture of 98 megapixels, many times over, in a few hundred kilobytes."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "51"})
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        frame = av.VideoFrame(side, side, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        (content,) = (bytes(packet) for packet in (*stream.encode(frame), *stream.encode(None)))
        for number in range(frames):
            packet = av.Packet(content)
            packet.stream, packet.time_base = stream, stream.codec_context.time_base
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return path


def scan_bomb(scans: int, side: int = SIDE) -> bytes:
    """A progressive JPEG with so many more scans, each without any data: every one is a pass over the whole image."""
    plain = cv2.imencode(".jpg", np.zeros((side, side), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert plain.endswith(b"\xff\xd9")
    # One component, its table 0; coefficients 1 to 63, refined from bit 1 to bit 0.
    scan = b"\xff\xda" + struct.pack("!HBBBBBB", 8, 1, 1, 0x00, 1, 63, 0x10)
    return plain[:-2] + scans * scan + b"\xff\xd9"


def mosaic(face: np.ndarray, count: int = 13, side: int = SIDE) -> bytes:
    """Many faces in one large grey image."""
    tile = cv2.cvtColor(cv2.resize(face, (side // count, side // count)), cv2.COLOR_BGR2GRAY)
    image = np.tile(tile, (count + 1, count + 1))[:side, :side]
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1].tobytes()


def _element(key: int, content: bytes) -> bytes:
    name = key.to_bytes((key.bit_length() + 7) // 8, "big")
    return name + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _number(key: int, value: int) -> bytes:
    return _element(key, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _track(number: int, codec: bytes, about: bytes) -> bytes:
    """Track 1 is video, track 2 audio."""
    head = _number(0xD7, number) + _number(0x73C5, number) + _number(0x83, number)
    return _element(0xAE, head + _element(0x86, codec) + about)


def audio_flood(path: Path, image: np.ndarray, blocks: int) -> Path:
    """A Matroska file with two frames, and between them so many blocks of one byte of audio."""
    height, width = image.shape[:2]
    picture = cv2.imencode(".jpg", image)[1].tobytes()
    video = _element(0xE0, _number(0xB0, width) + _number(0xBA, height))
    audio = _element(0xE1, _element(0xB5, struct.pack("!f", 8000.0)) + _number(0x9F, 1) + _number(0x6264, 8))
    tracks = _element(0x1654AE6B, _track(1, b"V_MJPEG", video) + _track(2, b"A_PCM/INT/LIT", audio))
    frame = _element(0xA3, b"\x81\x00\x00\x80" + picture)
    tiny = b"\xa3\x85\x82\x00\x00\x80\x80"
    with path.open("wb") as file:
        file.write(_element(0x1A45DFA3, _element(0x4282, b"matroska")))
        file.write(b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff")  # a segment of unknown size
        file.write(_element(0x1549A966, _number(0x2AD7B1, 1_000_000)))
        file.write(tracks)
        file.write(_element(0x1F43B675, _number(0xE7, 0) + frame))
        for number in range(blocks // 50_000):
            file.write(_element(0x1F43B675, _number(0xE7, 100 + number) + 50_000 * tiny))
        file.write(_element(0x1F43B675, _number(0xE7, 60_000) + frame))
    return path
