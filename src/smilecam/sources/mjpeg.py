"""MJPEG cameras behind HTTP or TCP: JPEGs in the parts of one endless answer, each of them of limited size.

FFmpeg reads the connection. Its own reader of parts collects as many bytes as a part announces, so parts are cut out
here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, cast

import av
import av.error
from av.container import InputContainer
from av.packet import Packet

from smilecam.errors import SourceUnreadable
from smilecam.opencv import max_pixels
from smilecam.sources.base import Counts, Source, SourceRef
from smilecam.sources.decoded import DecodedImage, RotationCache
from smilecam.sources.frame import Frame
from smilecam.sources.pyav import MAX_DAMAGED, check_size
from smilecam.sources.release import ReleaseGuard

MAX_PART = 64 * 2**20
"""Bytes of a part: a JPEG of 50 megapixels at the highest quality."""

SLOW = 3.0
"""A part may take so many times as long as the connection may be silent; then it is opened anew."""

MAX_HEAD = 2**14
"""Bytes of the lines before a part."""

_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,19})[ \t]*$", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:[ \t]*([\w.+-]+/[\w.+-]+)", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BEGINNING = re.compile(
    rb"\s*--[^\r\n]{1,200}\r?\n(?:[\w-]+:[^\r\n]*\r?\n)*?content-type:[ \t]*image/jpe?g", re.IGNORECASE
)


def is_decisive(content: bytes) -> bool:
    """Whether these first bytes of an answer suffice for ``begins_multipart``."""
    line = content.lstrip()
    return (len(line) > 1 and not line.startswith(b"--")) or bool(_BLANK_LINE.search(line)) or len(content) > MAX_HEAD


def begins_multipart(content: bytes) -> bool:
    """Whether an answer that begins with these bytes holds JPEGs in parts."""
    return _BEGINNING.match(content) is not None


class PartReader:
    """Cuts an endless answer into its parts."""

    def __init__(self, max_part: int = MAX_PART) -> None:
        """Begin before the first boundary.

        Args:
            max_part: bytes of a part; no more than these, a head and what was fed last are ever kept.
        """
        self._max_part = max_part
        self._data = bytearray()
        self._boundary: bytes | None = None
        self._length: int | None = None
        self._wanted = self._in_part = False
        self._scanned = 0

    @property
    def kept(self) -> int:
        """Bytes that wait for what comes next."""
        return len(self._data)

    def feed(self, content: bytes) -> Iterator[bytes]:
        """Take what comes next, and give the JPEGs that are complete with it.

        Raises:
            SourceUnreadable: a part, or what stands before one, is too large.
        """
        self._data += content
        while (self._in_part or self._read_head()) and (part := self._read_part()) is not None:
            if self._wanted:
                yield part

    def _read_head(self) -> bool:
        """Pass the boundary and the lines that follow it; whether they are complete."""
        at = self._find_boundary()
        end = _BLANK_LINE.search(self._data, at) if at >= 0 else None
        if end is None:
            del self._data[: max(at, 0)]
            if len(self._data) > MAX_HEAD:
                raise SourceUnreadable("sends no image between its boundaries")
            return False
        head = bytes(self._data[at : end.start()])
        self._boundary = self._boundary or head.split(b"\n", 1)[0].strip()
        kind, length = _TYPE.search(head), _LENGTH.search(head.replace(b"\r", b""))
        self._wanted = kind is None or kind[1].lower() in (b"image/jpeg", b"image/jpg")
        self._length = int(length[1]) if length else None
        if self._length is not None and self._length > self._max_part:
            raise SourceUnreadable(f"announces an image of {self._length:,} bytes")
        del self._data[: end.end()]
        self._in_part, self._scanned = True, 0
        return True

    def _find_boundary(self) -> int:
        """Where the next boundary begins; what stands before it is dropped. Negative if it is not there yet."""
        mark = self._boundary or b"--"
        at = self._data.find(mark)
        if at < 0:
            del self._data[: max(0, len(self._data) - len(mark) + 1)]
        return at

    def _read_part(self) -> bytes | None:
        """The part that has begun; None if it is not complete yet."""
        end = self._length if self._length is not None else self._find_end()
        if end is None or len(self._data) < end:
            if len(self._data) > self._max_part:
                raise SourceUnreadable(f"sends an image of more than {self._max_part:,} bytes")
            return None
        part = bytes(self._data[:end])
        del self._data[:end]
        self._in_part = False
        return part

    def _find_end(self) -> int | None:
        """Where a part without a length ends: before the next boundary."""
        mark = b"\n" + (self._boundary or b"--")
        at = self._data.find(mark, self._scanned)
        self._scanned = max(0, len(self._data) - len(mark))
        if at < 0:
            return None
        return at - 1 if at and self._data[at - 1] == ord("\r") else at


class MjpegSource(Source):
    """An MJPEG camera behind HTTP or TCP. Its frames have no times of their own: those of their arrival count."""

    live = True
    in_bursts = False
    missing = 0
    fps: float | None = None
    expected: int | None = None

    def __init__(self, ref: SourceRef, container: InputContainer, beginning: bytes, silence: float) -> None:
        """Take over a connection.

        Args:
            ref: what it was opened from.
            container: of raw data; closed with this source.
            beginning: bytes that have been read from it.
            silence: seconds that it may be silent.
        """
        self._patience = SLOW * silence
        self.ref, self.counts = ref, Counts()
        self._container, self._beginning = container, beginning
        self._guard = ReleaseGuard(container.close)
        self._decoder = av.CodecContext.create("mjpeg", "r")
        self._decoder.options = {"max_pixels": str(max_pixels())}
        self._decoder.thread_count = 1

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from self._guard.iterate(self._frames())
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection, or have the thread that reads it close it; see ``Source``."""
        self._guard.close()

    def _frames(self) -> Iterator[Frame]:
        rotations, damage = RotationCache(), 0
        for part in self._jpegs():
            capture_time = time.monotonic()
            decoded = self._decode(part)
            damage = 0 if decoded else damage + 1
            if damage >= MAX_DAMAGED:
                raise SourceUnreadable(f"{self.ref.name} sends what is no JPEG")
            for image in decoded:
                number = self.counts.received
                self.counts.received += 1
                yield Frame(number, None, lazy=DecodedImage(image, rotations.of(image)), capture_time=capture_time)

    def _jpegs(self) -> Iterator[bytes]:
        reader, newest = PartReader(), time.monotonic()
        try:
            yield from reader.feed(self._beginning)
            for packet in self._container.demux():
                for jpeg in reader.feed(bytes(cast(Any, packet))):
                    newest = time.monotonic()
                    yield jpeg
                if time.monotonic() - newest > self._patience:  # byte by byte
                    return
        except SourceUnreadable as error:
            raise SourceUnreadable(f"{self.ref.name} {error}") from None
        except av.FFmpegError:  # it breaks off, or is silent: a camera ends in no other way
            return

    def _decode(self, part: bytes) -> list[av.VideoFrame]:
        try:
            frames = self._decoder.decode(Packet(part)) if part else []
        except av.FFmpegError:
            frames = []
        self.counts.corrupt += not frames
        for frame in frames:
            check_size(self.ref, frame.width, frame.height)
        return frames
