"""Video files and streams, decoded by PyAV."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.codec.context import Flags, ThreadType
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from smilecam.errors import SourceError, SourceTooLarge, SourceUnreadable
from smilecam.opencv import max_pixels
from smilecam.sources.base import CONTAINERS, DEFAULT_FPS, STANDARD_INPUT, Counts, Source, SourceRef
from smilecam.sources.container import open_container
from smilecam.sources.decoded import DecodedImage, RotationCache
from smilecam.sources.decoding import Decoding, FrameNumbers, decoder_options
from smilecam.sources.frame import Frame
from smilecam.sources.images import check_file
from smilecam.sources.release import CancellableFile, ReadByLibrary, ReleaseGuard

PIPE_CONTAINERS = f"{CONTAINERS},h264,hevc,mjpeg,mpjpeg,yuv4mpegpipe,ivf,nut"
"""Formats on standard input: raw streams too, since the user has declared it a video."""

MAX_DAMAGED = 100
"""Reading ends after so many unreadable packets in a row."""

MANY_SILENT = 10
"""So many packets in a row at the end of a file, of which no frame came, are frames that are missing."""

RESTART_SECONDS = 1.0
"""A recorded video whose clock steps back further begins a new recording there."""

TOLERATED_SHARE = 0.02
"""A number of frames that follows from a duration may be too large by this share."""

LARGE_FRAME = 16_000_000
"""Pixels of a frame from which memory counts more than speed."""

SMALL_FRAME = 320_000
"""Pixels of a frame up to which one thread decodes faster than faces are found: 2,000 frames of 640x360 a second. More
threads would take a fifth more of the processor's time, which whoever analyses the frames needs."""

TIMELESS = frozenset({"mpjpeg", "mjpeg", "jpeg_pipe", "h264", "hevc"})
"""Formats without timestamps; those that FFmpeg makes up mean nothing in a live stream."""

SIZES_IN_STREAM = frozenset({"mpegts", "mpeg", "mpegvideo", "m4v"})
"""Formats whose headers give no size of frames: it stands in the video itself, perhaps long after its beginning."""


class AvSource(Source):
    """A video file or stream.

    Times are exact fractions of a second until they become floating point. They count from the first moment of the
    file's video and audio.

    Attributes:
        in_bursts: whether frames come in bursts and are to be shown at their times, as those of a live play list.
    """

    def __init__(
        self,
        ref: SourceRef,
        container: InputContainer,
        file: ReadByLibrary | None = None,
        *,
        remote: bool = False,
        endless: bool = False,
        threads: int = 0,
        decoding: Decoding = Decoding.FULL,
    ) -> None:
        """Take over an open container.

        Args:
            ref: what it was opened from.
            container: closed with this source, or at once if it cannot be used.
            file: that the container reads; closed after it.
            remote: whether a transport error is an error of the source; otherwise it is taken for its end.
            endless: whether it is a live stream.
            threads: that decode; 0 for as many as the machine has cores.
            decoding: how much is decoded.

        Raises:
            SourceUnreadable: it holds no video that can be decoded here, or frames over the limit.
        """
        self.ref, self.counts = ref, Counts()
        self.live, self.missing = endless, 0
        self._container, self._file, self._remote = container, file, remote
        self._discarded, self._broken, self._silent = 0, False, 0
        self._guard = ReleaseGuard(self._release, file.cancel if file else lambda: None)
        self._largest = max_pixels()
        self._timeless = endless and container.format.name in TIMELESS
        self.in_bursts = endless and container.format.name == "hls"
        try:
            self._stream = _video_stream(ref, container)
            # Not the frame's own time base, which PyAV leaves out where it was held back to the end.
            self._time_base = self._stream.time_base
            needed = not remote and container.format.name not in SIZES_IN_STREAM
            _check_announced_size(ref, self._stream, needed)
            self._start = None if endless else _first_moment(container, self._stream)
            self.fps: float | None = None if self._timeless else _rate(self._stream)
            self.expected, self._exact = (None, False) if endless else _announced(container, self._stream)
        except SourceError:
            self.close()
            raise
        codec = self._stream.codec_context
        cheaper = decoder_options(decoding, codec.name, container.format.name)
        codec.options = {"max_pixels": str(self._largest), **cheaper}
        self._numbers = FrameNumbers() if "skip_frame" in cheaper else None
        # Frame threads decode faster, but each holds one frame back, and in memory.
        few = endless or codec.width * codec.height > LARGE_FRAME
        codec.thread_type = ThreadType.SLICE if few else ThreadType.AUTO
        codec.thread_count, self._any_threads = threads, threads == 0
        if endless:
            codec.flags |= Flags.low_delay
            self.share_cores()

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from self._guard.iterate(self._frames())
            if not self._guard.closed:
                self._check_end()
        finally:
            self.close()

    @property
    def duration(self) -> float | None:
        """Announced duration of a file, in seconds; None if unknown."""
        duration = self._container.duration
        return None if duration is None or self.live else duration / av.time_base

    def share_cores(self) -> None:
        """Decode small frames in one thread, as ``Source.share_cores`` says; before the first frame is taken."""
        codec = self._stream.codec_context
        if self._any_threads and codec.width * codec.height <= SMALL_FRAME and not codec.is_open:
            codec.thread_count = 1

    def begin_at(self, seconds: float) -> bool:
        """Have the iteration begin at the last key frame before a time, and give whether the file allows that.

        Args:
            seconds: as in ``Frame.time``.
        """
        if self._stream.time_base is None or self._start is None:
            return False
        try:
            self._container.seek(
                int((Fraction(seconds) + self._start) / self._stream.time_base), stream=self._stream, backward=True
            )
        except av.FFmpegError:
            return False
        return True

    def _check_end(self) -> None:
        if self._broken:
            raise SourceUnreadable(f"{self.ref.name} broke off before its end")
        if self.counts.received == 0:
            hint = ", or its format cannot be read as it comes" if self.ref.url == STANDARD_INPUT else ""
            if not self._stream.codec_context.width:
                hint = f": it gives no size of its frames, or one of more than {max_pixels():,} pixels"
            raise SourceUnreadable(f"{self.ref.name}: no frame of it can be decoded{hint}")
        if self._silent >= MANY_SILENT:  # the codec may have changed in the middle of it
            self.expected = max(self.expected or 0, self.counts.received + self._silent)
            self._exact = True
        self.missing = self._shortfall()

    def _frames(self) -> Iterator[Frame]:
        last, rotations = 0.0, RotationCache()
        for packet in self._packets():
            capture_time = time.monotonic() if self.live else None
            self._discarded += packet is not None and packet.is_discard
            if self._numbers is None:
                frames = self._decode(packet)
                self._count_silent(packet is None, len(frames))
            else:
                if packet is not None and not packet.is_discard:
                    self._numbers.add(packet.pts)
                frames = self._decode(packet)
            for decoded in frames:
                last = self._time(decoded, last)
                image = DecodedImage(decoded, rotations.of(decoded))
                number = self._numbers.take(decoded.pts) if self._numbers else self.counts.received
                self.counts.received += 1
                yield Frame(number, None if self._timeless else last, lazy=image, capture_time=capture_time)

    def _count_silent(self, at_end: bool, frames: int) -> None:
        """Count packets since the last frame; a live stream in which they are many is opened anew."""
        if at_end:
            self._silent = max(0, self._silent - frames)
        else:
            self._silent = 0 if frames else self._silent + 1
        if self.live and self.counts.received and self._silent >= MAX_DAMAGED:
            raise SourceUnreadable(f"{self.ref.name} cannot be decoded any more")

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """The packets, and None at the end for what the decoder still holds back."""
        try:
            yield from self._readable()
        except av.FFmpegError:  # a local file may have been cut short; a remote one lost its connection
            self._broken = self._remote
        yield None

    def _readable(self) -> Iterator[Packet[VideoStream]]:
        damage = 0
        while damage < MAX_DAMAGED:
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
            if frame.width * frame.height > self._largest:
                check_size(self.ref, frame.width, frame.height)
        return frames

    def _time(self, frame: av.VideoFrame, last: float) -> float:
        """Seconds since the first moment; some streams lack a timestamp here and there, or step back."""
        base, pts = self._time_base, frame.pts
        if pts is not None and base is not None:
            if self._start is None:
                self._start = pts * base
            if (seconds := _seconds_since(self._start, pts, base)) >= last:
                return seconds
            if not self.live and last - seconds > RESTART_SECONDS:  # recordings joined: go on from here
                self._start = pts * base - Fraction(last) - 1 / Fraction(self.fps or DEFAULT_FPS)
        return last + 1 / (self.fps or DEFAULT_FPS) if self.counts.received else 0.0

    def _shortfall(self) -> int:
        skipped = self._numbers.skipped if self._numbers else 0
        short = max(0, (self.expected or 0) - self.counts.received - self._discarded - skipped)
        return short if self._exact or short > 1 + TOLERATED_SHARE * (self.expected or 0) else 0

    def close(self) -> None:
        """Close the container, or have the thread that reads it close it; see ``Source``."""
        self._guard.close()

    def _release(self) -> None:
        self._container.close()
        if self._file:
            self._file.close()


def _seconds_since(start: Fraction, pts: int, base: Fraction) -> float:
    """``float(pts * base - start)``, rounded as that is, without a fraction that is reduced for each frame."""
    above = pts * base.numerator * start.denominator - start.numerator * base.denominator
    return above / (base.denominator * start.denominator)


def _video_stream(ref: SourceRef, container: InputContainer) -> VideoStream:
    videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    best = container.streams.best("video")
    stream = best if best in videos else videos[0] if videos else None
    if not isinstance(stream, VideoStream):
        raise SourceUnreadable(f"{ref.name} holds no video")
    if stream.codec_context is None:  # PyAV gives none where FFmpeg was built without the decoder
        raise SourceUnreadable(f"{ref.name} is in a format that cannot be decoded here")
    return stream


def _check_announced_size(ref: SourceRef, video: VideoStream, needed: bool) -> None:
    """Refuse large frames before one is decoded: with a limit of its own, FFmpeg reports no size at all."""
    width, height = video.codec_context.width, video.codec_context.height
    if needed and not (width and height):
        raise SourceUnreadable(f"{ref.name} has frames of more than {max_pixels():,} pixels, or of no known size")
    check_size(ref, width, height)


def check_size(ref: SourceRef, width: int, height: int) -> None:
    """Refuse large frames.

    Raises:
        SourceTooLarge: a frame has more pixels than the limit.
    """
    if width * height > max_pixels():
        raise SourceTooLarge(f"{ref.name} has frames of more than {max_pixels():,} pixels")


def _first_moment(container: InputContainer, video: VideoStream) -> Fraction | None:
    """Start of video or audio by the file's clock, whichever is first; None if unknown.

    Audio before 0 only primes its decoder, and is not heard.
    """
    if video.start_time is None or video.time_base is None:
        return None
    start = video.start_time * video.time_base
    for audio in container.streams.audio:
        if audio.start_time is not None and audio.time_base is not None:
            start = min(start, max(Fraction(0), audio.start_time * audio.time_base))
    return start


def _rate(video: VideoStream) -> float | None:
    rate = video.average_rate or video.guessed_rate
    return float(rate) if rate and 0 < rate <= 1000 else None


def _announced(container: InputContainer, video: VideoStream) -> tuple[int | None, bool]:
    """The number of frames, and whether it is exact or follows from a duration."""
    if video.frames > 0:
        return video.frames, True
    rate = video.average_rate
    if video.duration is not None and video.time_base is not None:
        seconds = video.duration * video.time_base
    elif container.duration is not None and not container.streams.audio:
        seconds = Fraction(container.duration, av.time_base)
    else:
        return None, False
    return (round(seconds * rate) or None, False) if rate else (None, False)


def open_file(ref: SourceRef, path: Path, threads: int = 0, decoding: Decoding = Decoding.FULL) -> AvSource:
    """Open a video file; whatever it says, no other file and no address is opened for it.

    Args:
        ref: what it is opened from.
        path: of the file.
        threads: that decode it; 0 for as many as the machine has cores.
        decoding: how much of it is decoded.

    Raises:
        SourceNotFound: nothing is there.
        SourceUnreadable: it is no video, is empty or damaged, or its frames are over the limit.
    """
    check_file(path)
    try:
        file = CancellableFile(path)
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        container = open_container(file)
    except (av.FFmpegError, ValueError) as error:
        file.close()
        raise SourceUnreadable(f"{path} is not a video, or is damaged") from error
    return AvSource(ref, container, file, threads=threads, decoding=decoding)


class _Pipe:
    """Standard input for PyAV, which cannot seek in it.

    Not through Python's own buffer: its lock would stop Python from exiting while a thread waits here.
    """

    name = "stdin"

    def __init__(self, number: int) -> None:
        self._number = number

    def read(self, size: int) -> bytes:
        return os.read(self._number, size)


def open_standard_input(ref: SourceRef) -> AvSource:
    """Open a video on standard input, of a format that can be read without seeking.

    Raises:
        SourceUnreadable: there is no standard input, it is a terminal, or it holds no video.
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
