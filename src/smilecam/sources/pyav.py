"""Video files and streams, decoded by PyAV. This module is the one that loads it for reading frames."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, cast

import av
import av.error
import numpy as np
from av.buffer import Buffer
from av.codec.context import Flags, ThreadType
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from smilecam.errors import SourceError, SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2, max_pixels
from smilecam.sources.base import CONTAINERS, DEFAULT_FPS, STANDARD_INPUT, Counts, SourceOptions, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import check_file
from smilecam.sources.urls import NETWORK_CONTAINERS, NETWORK_PROTOCOLS
from smilecam.types import GreyImage, Image

PIPE_CONTAINERS = f"{CONTAINERS},h264,hevc,mjpeg,mpjpeg,yuv4mpegpipe,ivf,nut"
"""Formats on standard input: raw streams too, since the user said that it is a video."""

MOST_DAMAGE = 100
"""So many pieces in a row that cannot be read at all are the end."""

TOLERATED_SHARE = 0.02
"""A length in seconds is not the number of frames: by so much it may say too many."""

LUMA_FIRST = frozenset(
    f"yuv{alpha}{range_}{form}p"
    for alpha in ("", "a")
    for range_ in ("", "j")
    for form in ("410", "411", "420", "422", "440", "444")
) | {"nv12", "nv21", "nv16", "nv24", "gray"}
"""Pixel formats of 8 bits whose first plane is the grey picture."""

FULL_RANGE = 2
"""FFmpeg's name for grey values from 0 to 255; others go from 16 to 235."""

TIMELESS = frozenset({"mpjpeg", "mjpeg", "jpeg_pipe", "h264", "hevc"})
"""Formats without timestamps; FFmpeg makes some up, which say nothing about a live stream."""

_STRETCH = 255 / 219
_LIVE_PROBE = {"probesize": "1000000", "analyzeduration": "2000000", "fpsprobesize": "2"}
"""Look at less of a stream before showing it."""


class _Decoded:
    """A frame in the codec's own form, and how to turn it upright."""

    __slots__ = ("_frame", "_turn")

    def __init__(self, frame: av.VideoFrame, turn: _Turn | None) -> None:
        self._frame, self._turn = frame, turn

    def colour(self) -> Image:
        image = np.asarray(self._frame.to_ndarray(format="bgr24"), np.uint8)
        return self._turn(image) if self._turn else image

    def grey(self) -> GreyImage:
        """The luma as it is in the file, without a way through colours, and without a copy where its range is full."""
        frame = self._frame
        name = frame.format.name
        if name not in LUMA_FIRST:
            return np.asarray(cv2.cvtColor(self.colour(), cv2.COLOR_BGR2GRAY), np.uint8)
        plane = frame.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * frame.height].reshape(
            frame.height, plane.line_size
        )
        grey: GreyImage = rows[:, : frame.width]
        if not (name == "gray" or name.startswith(("yuvj", "yuvaj")) or frame.color_range == FULL_RANGE):
            # Like this it takes half the time of a look-up table.
            grey = np.asarray(cv2.addWeighted(grey, _STRETCH, grey, 0, -16 * _STRETCH), np.uint8)
        else:
            grey.flags.writeable = False  # the decoder makes the next frames out of it
        return self._turn(grey) if self._turn else grey


class _Turn:
    """What a file says about how its frames are to be shown: turned by quarters, mirrored, or both."""

    def __init__(self, matrix: bytes) -> None:
        """Read a display matrix: nine 32-bit integers, of which four say where the axes go."""
        a, b, _, c, d, *_ = (int(value) for value in np.frombuffer(matrix, np.int32)[:9])
        self._transposed = abs(b) + abs(c) > abs(a) + abs(d)
        across, down = (c, b) if self._transposed else (a, d)
        self._flips = (across < 0, down < 0)

    @property
    def turns(self) -> bool:
        """Whether there is anything to do."""
        return self._transposed or any(self._flips)

    def __call__(self, image: Image) -> Image:
        if self._transposed:
            image = np.asarray(cv2.transpose(image), np.uint8)
        across, down = self._flips
        if across or down:
            image = np.asarray(cv2.flip(image, -1 if across and down else int(across)), np.uint8)
        return image


class _Turns:
    """How the frames of a stream are to be turned.

    Looking at a frame's side data makes a circle of references, which keeps the frame's memory until Python collects
    such circles: films would take hundreds of megabytes. So it is looked at only when something about frames changes.
    """

    def __init__(self) -> None:
        self._known: tuple[int, int, int] | None = None
        self._turn: _Turn | None = None

    def of(self, frame: av.VideoFrame) -> _Turn | None:
        """The turn that a frame needs, if any."""
        now = (frame.width, frame.height, frame.rotation)
        if now != self._known:
            self._known, self._turn = now, _turn_of(frame)
        return self._turn


def _turn_of(frame: av.VideoFrame) -> _Turn | None:
    side_data: Mapping[str, Buffer] = cast(Any, frame.side_data)
    if (matrix := side_data.get("DISPLAYMATRIX")) is None:
        return None
    turn = _Turn(bytes(matrix))
    return turn if turn.turns else None


class AvSource:
    """A video file or stream.

    Frames have the file's own times as exact fractions of a second until they become floating point, counted from
    the first moment of its pictures and sound.

    Attributes:
        in_bursts: whether frames come in bursts and are to be shown at their times, as those of a live play list.
    """

    def __init__(
        self, ref: SourceRef, container: InputContainer, *, remote: bool = False, endless: bool = False
    ) -> None:
        """Take over an open container.

        Args:
            ref: what it was opened from.
            container: closed with this source, or at once if it cannot be used.
            remote: whether an error of the transport is one of the source, not its end.
            endless: whether it is a live stream.

        Raises:
            SourceUnreadable: it holds no video that can be decoded here, or frames over the limit.
        """
        self.ref, self.counts = ref, Counts()
        self.live, self.missing = endless, 0
        self._container, self._remote = container, remote
        self._timeless = endless and container.format.name in TIMELESS
        self.in_bursts = endless and container.format.name == "hls"
        try:
            self._stream = _video_stream(ref, container)
            _check_announced_size(ref, self._stream, needed=not remote)
            self._start = None if endless else _first_moment(container, self._stream)
            self.fps: float | None = None if self._timeless else _rate(self._stream)
            self.expected, self._sure = (None, False) if endless else _announced(container, self._stream)
        except SourceError:
            container.close()
            raise
        codec = self._stream.codec_context
        codec.options = {"max_pixels": str(max_pixels())}
        # More threads by frames would decode faster, but each holds one frame back.
        codec.thread_type = ThreadType.SLICE if endless else ThreadType.AUTO
        if endless:
            codec.flags |= Flags.low_delay

    def __iter__(self) -> Iterator[Frame]:
        last, turns = 0.0, _Turns()
        discarded = 0
        for packet in self._packets():
            capture_time = time.monotonic() if self.live else None
            discarded += packet is not None and packet.is_discard
            for decoded in self._decode(packet):
                last = self._time(decoded, last)
                picture = _Decoded(decoded, turns.of(decoded))
                number = self.counts.received
                self.counts.received += 1
                yield Frame(number, None if self._timeless else last, lazy=picture, capture_time=capture_time)
        if self.counts.received == 0:
            hint = ", or its format cannot be read as it comes" if self.ref.url == STANDARD_INPUT else ""
            raise SourceUnreadable(f"{self.ref.name}: no frame of it can be decoded{hint}")
        self.missing = self._shortfall(self.counts.received + discarded)

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """The packets, and None at the end for what the decoder still holds back."""
        broken = False
        try:
            yield from self._readable()
        except av.FFmpegError:  # here a file may have been cut short; elsewhere the connection broke
            broken = self._remote
        yield None
        if broken:
            raise SourceUnreadable(f"{self.ref.name} broke off before its end")

    def _readable(self) -> Iterator[Packet[VideoStream]]:
        damage = 0
        while damage < MOST_DAMAGE:
            try:
                for packet in self._container.demux(self._stream):
                    damage = 0
                    if packet.size:
                        yield packet
                return
            except av.error.InvalidDataError:
                self.counts.corrupt += 1
                damage += 1

    def _decode(self, packet: Packet[VideoStream] | None) -> list[av.VideoFrame]:
        try:
            frames = packet.decode() if packet is not None else self._stream.decode(None)
        except av.error.EOFError:
            return []
        except av.FFmpegError:
            self.counts.corrupt += 1
            return []
        self.counts.corrupt += packet is not None and packet.is_corrupt
        for frame in frames:
            _check_size(self.ref, frame.width, frame.height)
        return frames

    def _time(self, frame: av.VideoFrame, last: float) -> float:
        """Seconds since the first moment; some streams lack a timestamp here and there, or step back."""
        # Not the frame's own time base, which PyAV leaves out where it was held back to the end.
        if frame.pts is not None and self._stream.time_base is not None:
            at = frame.pts * self._stream.time_base
            if self._start is None:
                self._start = at
            if (seconds := float(at - self._start)) >= last:
                return seconds
        return last + 1 / (self.fps or DEFAULT_FPS) if self.counts.received else 0.0

    def _shortfall(self, given: int) -> int:
        short = max(0, (self.expected or 0) - given)
        return short if self._sure or short > 1 + TOLERATED_SHARE * (self.expected or 0) else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()


def _video_stream(ref: SourceRef, container: InputContainer) -> VideoStream:
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    best = container.streams.best("video")
    stream = best if best in films else films[0] if films else None
    if not isinstance(stream, VideoStream):
        raise SourceUnreadable(f"{ref.name} holds no video")
    if stream.codec_context is None:  # PyAV gives none where FFmpeg was built without the decoder
        raise SourceUnreadable(f"{ref.name} is in a form that cannot be decoded here")
    return stream


def _check_announced_size(ref: SourceRef, film: VideoStream, needed: bool) -> None:
    """Refuse large frames before one is decoded: FFmpeg itself, told to refuse them, then gives no size at all."""
    width, height = film.codec_context.width, film.codec_context.height
    if needed and not (width and height):
        raise SourceUnreadable(f"{ref.name} has frames of more than {max_pixels():,} pixels, or of no known size")
    _check_size(ref, width, height)


def _check_size(ref: SourceRef, width: int, height: int) -> None:
    if width * height > max_pixels():
        raise SourceUnreadable(f"{ref.name} has frames of more than {max_pixels():,} pixels")


def _first_moment(container: InputContainer, film: VideoStream) -> Fraction | None:
    """Where pictures or sound begin by the file's clock; None where it does not say.

    Sound that begins before 0 is the run-up of its decoder, which nobody hears.
    """
    if film.start_time is None or film.time_base is None:
        return None
    start = film.start_time * film.time_base
    for audio in container.streams.audio:
        if audio.start_time is not None and audio.time_base is not None:
            start = min(start, max(Fraction(0), audio.start_time * audio.time_base))
    return start


def _rate(film: VideoStream) -> float | None:
    rate = film.average_rate or film.guessed_rate
    return float(rate) if rate and 0 < rate <= 1000 else None


def _announced(container: InputContainer, film: VideoStream) -> tuple[int | None, bool]:
    """The number of frames, and whether it was counted or only follows from a length."""
    if film.frames > 0:
        return film.frames, True
    rate = film.average_rate
    if film.duration is not None and film.time_base is not None:
        seconds = film.duration * film.time_base
    elif container.duration is not None and not container.streams.audio:
        seconds = Fraction(container.duration, av.time_base)
    else:
        return None, False
    return (round(seconds * rate) or None, False) if rate else (None, False)


def open_file(ref: SourceRef, path: Path) -> AvSource:
    """Open a video file; whatever it says, no other file and no address is opened for it.

    Raises:
        SourceNotFound: nothing is there.
        SourceUnreadable: it is no video, is empty or damaged, or its frames are over the limit.
    """
    check_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS, "max_pixels": str(max_pixels())}
    try:
        container = av.open(f"file:{path.resolve()}", options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise SourceUnreadable(f"{path} is not a video, or is damaged") from error
    return AvSource(ref, container)


def open_stream(ref: SourceRef, url: str, options: SourceOptions) -> AvSource:
    """Connect to a stream.

    A file behind ``http://`` that knows its length is read like one: every frame, and it ends. All else is live.

    Raises:
        SourceError: it cannot be reached within the time limit, or is no video.
    """
    settings = {
        "protocol_whitelist": NETWORK_PROTOCOLS,
        "format_whitelist": f"{NETWORK_CONTAINERS},{CONTAINERS}",
        "max_pixels": str(max_pixels()),
        "rtsp_transport": "tcp",  # what UDP loses shows as smeared pictures
    }
    # Not "nobuffer", which is often advised: it throws away the first key frame, and the newest frame is all that is
    # kept here anyway.
    if not url.lower().startswith("http"):
        settings |= _LIVE_PROBE
    container, problem = None, ""
    try:
        limits = (options.open_timeout, options.read_timeout)
        container = av.open(url, options=settings, timeout=limits, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        problem = _problem(error)
    if container is None:  # raised here, so that it does not carry an error that quotes the password
        raise SourceNotFound(f"{ref.name} cannot be opened: {problem}")
    return AvSource(ref, container, remote=True, endless=not _ends(url, container))


def _ends(url: str, container: InputContainer) -> bool:
    if not url.lower().startswith("http"):
        return False
    # A live play list is a file with a size, too.
    return container.duration is not None or (container.format.name != "hls" and container.size > 0)


class _Pipe:
    """Standard input as PyAV reads it: from the first byte to the last.

    Not through Python's own buffer: Python would stumble over its lock at the end, while a thread waits here.
    """

    name = "stdin"

    def __init__(self, number: int) -> None:
        self._number = number

    def read(self, size: int) -> bytes:
        return os.read(self._number, size)


def open_standard_input(ref: SourceRef) -> AvSource:
    """Read a video from standard input, of a format that can be read from the first byte to the last.

    Raises:
        SourceUnreadable: there is no standard input, it is a terminal, or what comes is no video.
    """
    try:
        if sys.stdin is None or sys.stdin.isatty():
            raise SourceUnreadable("standard input is no file and no pipe: write - where a video is piped in")
        pipe = _Pipe(sys.stdin.fileno())
    except (OSError, ValueError) as error:  # closed, or replaced by something without a descriptor
        raise SourceUnreadable("standard input cannot be read") from error
    options = {"protocol_whitelist": "pipe", "format_whitelist": PIPE_CONTAINERS, "max_pixels": str(max_pixels())}
    try:
        container = av.open(pipe, "r", options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceUnreadable(
            "standard input is not a video, or of a format that cannot be read as it comes"
        ) from error
    return AvSource(ref, container)


def _problem(error: Exception) -> str:
    """What is wrong with a stream, without FFmpeg's own words, which quote the address."""
    for kinds, words in _PROBLEMS:
        if isinstance(error, kinds):
            return words
    return "it cannot be reached, or is no video"


_PROBLEMS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError), "it wants another name and password"),
    (av.error.HTTPNotFoundError, "the server does not have it"),
    ((av.error.HTTPError, av.error.HTTPClientError, av.error.HTTPServerError), "the server refuses it"),
    ((av.error.ExitError, av.error.TimeoutError), "no answer within the time limit"),
    (av.error.ConnectionRefusedError, "nothing listens there"),
    (av.error.ProtocolNotFoundError, "this protocol is not supported here"),
    (av.error.InvalidDataError, "it is no video"),
)
