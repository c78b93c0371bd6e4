"""Encoding video with PyAV: each frame at its own time, with the audio of the file that the frames come from."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from queue import Full, Queue
from typing import cast

import av
import av.error
import numpy as np
from av import VideoFrame, VideoStream
from av.container import OutputContainer

from smilecam.errors import OutputError
from smilecam.sinks.audio import ENCODERS, AudioMode, AudioSource, AudioTrack
from smilecam.sinks.audio_cuts import AudioCuts, Interval
from smilecam.types import Image

WAITING_FRAMES = 4
"""Frames that may wait for the encoder; further ones wait with the caller."""

WAITING_PIXELS = 33_000_000
"""Fewer may wait where they are larger than 3840x2160."""

MAX_GAP_SECONDS = 3600.0
"""A longer gap between two frames is taken for a broken timestamp, and so is a step back."""

MAX_START_SECONDS = 10.0
"""A first frame that comes later is shown from 0 on, and all times count from it."""

KEY_FRAME_SECONDS = 4
"""Players seek to key frames without delay."""

POLL_SECONDS = 0.25
"""How long a caller waits at once: closing checks whether reading the audio has stalled, and on Windows no signal
interrupts a wait."""

_BT601 = 6  # what FFmpeg calls SMPTE 170M; readers that ignore the label assume it, too
_BT709 = 1


@dataclass(frozen=True, slots=True)
class _Codec:
    """How to encode video for a container.

    Attributes:
        name: of the encoder.
        options: of the encoder.
        pixels: pixel format.
        ticks: units of time per second; None for the frame rate, which is all that the container knows.
        max_gap: seconds that it can leave between two frames.
    """

    name: str
    options: dict[str, str]
    pixels: str = "yuv420p"
    ticks: int | None = 90_000
    max_gap: float = MAX_GAP_SECONDS


# A short lookahead leaves little to do when a recording ends.
_H264_OPTIONS = {"preset": "veryfast", "crf": "21", "rc-lookahead": "4"}
_VP9_OPTIONS = {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "crf": "32", "b": "0"}
_CODECS = {
    "mp4": _Codec("libx264", _H264_OPTIONS),
    "mov": _Codec("libx264", _H264_OPTIONS),
    "matroska": _Codec("libx264", _H264_OPTIONS, ticks=1000),
    "webm": _Codec("libvpx-vp9", _VP9_OPTIONS, ticks=1000),
    # AVI fills gaps with empty packets.
    "avi": _Codec("mjpeg", {"qmin": "3", "qmax": "3"}, pixels="yuvj420p", ticks=None, max_gap=10.0),
}


def missing_encoders() -> list[str]:
    """Names of the encoders that recordings use and FFmpeg was built without."""
    wanted = {codec.name for codec in _CODECS.values()} | set(ENCODERS.values())
    return sorted(name for name in wanted if not _has_encoder(name))


def _has_encoder(name: str) -> bool:
    try:
        av.Codec(name, "w")
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class FrameTimes:
    """Assigns each frame its time in the recording: its own, as long as times only grow.

    The first frame is shown from 0 on; the others at their own times, so that the clock of the recording is the one
    of the results.

    Attributes:
        fps: frames per second, for frames without a time of their own.
        max_gap: seconds; a longer gap is taken for a broken timestamp.
        shift: seconds to add to a frame's own time.
        broken: whether a gap has been closed, so that no other stream of the source fits any more.
    """

    fps: float
    max_gap: float = MAX_GAP_SECONDS
    shift: float = 0.0
    broken: bool = False
    _last: float | None = None

    def place(self, at: float | None) -> float:
        """Seconds in the recording of the next frame, whose own time is ``at``."""
        if self._last is None:
            self.shift = -at if at is not None and at > MAX_START_SECONDS else 0.0
            self._last = max(0.0, (at or 0.0) + self.shift)
            return 0.0
        due = self._last + 1 / self.fps
        time = due if at is None else at + self.shift
        if at is not None and not 0 <= time - self._last <= self.max_gap:
            self.shift, self.broken, time = due - at, True, due
        self._last = time
        return time


class EncodedVideo:
    """A video file that is being written.

    A thread opens, encodes and finishes it; an error in it is raised by the next call.
    """

    def __init__(
        self,
        path: Path,
        shown_path: Path,
        container: str,
        fps: float,
        size: tuple[int, int],
        audio: Path | None,
        intervals: Sequence[Interval] = (),
    ) -> None:
        """Prepare a file; nothing is written yet.

        Args:
            path: where to write.
            shown_path: its name in errors.
            container: FFmpeg's name of its format.
            fps: frames per second, for frames without times.
            size: width and height in pixels, even.
            audio: a video file whose first image is the first frame here, and whose audio to keep.
            intervals: of that file that follow each other here, if not all of it is written; the first frame here is
                then the first of the first interval.
        """
        self._path, self._shown, self._size, self._container = path, shown_path, size, container
        self._codec = _CODECS[container]
        self._times = FrameTimes(min(1000.0, max(0.1, fps)), self._codec.max_gap)
        self._rate = Fraction(self._times.fps).limit_denominator(1001)
        self._unit = Fraction(1, self._codec.ticks) if self._codec.ticks else 1 / self._rate
        self._source = AudioSource(audio) if audio and container in ENCODERS else None
        self._intervals = intervals
        self._audio: AudioTrack | AudioCuts | None = None
        self._output: OutputContainer | None = None
        self._last_pts, self._end = -1, 0.0
        self._error: Exception | None = None
        waiting = min(WAITING_FRAMES, max(1, WAITING_PIXELS // (size[0] * size[1])))
        self._queue: Queue[VideoFrame | None] = Queue(waiting)
        self._thread: threading.Thread | None = None
        self._finished = threading.Event()

    def write(self, image: Image, at: float | None) -> None:
        """Hand on a frame.

        Args:
            image: uint8 (height, width, 3), blue-green-red, of the given size; it may be changed afterwards.
            at: its own time in seconds; None to follow the previous frame.

        Raises:
            OutputError: no encoder takes this, or the file cannot be written.
        """
        if self._thread is None:
            # The first frame's own time; one that comes late starts the recording's clock (see FrameTimes).
            start = at if at is not None and at <= MAX_START_SECONDS else 0.0
            self._thread = threading.Thread(target=self._run, args=(start,), name="smilecam-encode", daemon=True)
            self._thread.start()
        self._raise_error()
        time = self._times.place(at)
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        self._last_pts = max(self._last_pts + 1, round(time / self._unit))
        frame.pts, frame.time_base = self._last_pts, self._unit
        while not self._offer(frame):
            pass  # audio that takes long to find is waited for: it may come yet

    def close(self) -> None:
        """Encode the waiting frames and finish the file.

        Audio that takes long to find is cut short: the file may hold gigabytes before the next packet. After an
        interrupt, another call goes on waiting.

        Raises:
            OutputError: it cannot be written to its end.
        """
        if self._thread is not None:
            while not (self._finished.is_set() or self._offer(None)):
                self._cancel_stalled_audio()
            # Not join() by itself: before Python 3.13, an interrupt in it marks a running thread as ended.
            while not self._finished.wait(POLL_SECONDS):
                self._cancel_stalled_audio()
            self._thread.join()
        self._raise_error()

    def _offer(self, frame: VideoFrame | None) -> bool:
        """Wait a moment for a place in the queue; whether the frame, or the end, has got one."""
        try:
            self._queue.put(frame, timeout=POLL_SECONDS)
        except Full:
            return False
        return True

    def _cancel_stalled_audio(self) -> None:
        if self._source and self._source.stalled():
            self._source.cancel()

    def _raise_error(self) -> None:
        if isinstance(self._error, (av.FFmpegError, OSError)):
            reason = self._error.strerror or "its encoder failed"
            raise OutputError(f"cannot write {self._shown} to its end: {reason}") from self._error
        if self._error is not None:
            raise self._error

    # What the thread does.

    def _run(self, start: float) -> None:
        """Encode until the end or an error; after an error, discard further frames, so that nobody waits."""
        ended = False
        try:
            self._begin(start)
            while (frame := self._queue.get()) is not None:
                self._encode(frame)
            ended = True
            self._finish()
        except Exception as error:  # noqa: BLE001 - the thread's edge: raised in write() and close()
            self._error = error
            self._abandon()
            while not ended:
                ended = self._queue.get() is None
        finally:
            try:
                if self._source:
                    self._source.close()
            finally:
                self._finished.set()

    def _begin(self, start: float) -> None:
        """Open the file, with audio in the best mode that its container accepts."""
        modes = [AudioMode.NONE]
        if self._source and self._source.open():
            modes = [AudioMode.COPY, AudioMode.TRANSCODE, AudioMode.NONE]
            if self._intervals:  # copied packets could not be cut at the right sample
                modes.remove(AudioMode.COPY)
        for mode in modes:
            try:
                self._open(mode, start)
            except (av.FFmpegError, OSError, ValueError) as error:
                self._abandon()
                if mode is AudioMode.NONE:
                    width, height = self._size
                    raise OutputError(f"cannot write {self._shown}: no encoder takes {width}x{height}") from error
            else:
                return

    def _open(self, mode: AudioMode, start: float) -> None:
        # With "file:", a name with a colon is no address.
        self._output = av.open(f"file:{self._path.resolve()}", "w", format=self._container)
        self._stream = self._add_video(self._output)
        if self._source and mode is not AudioMode.NONE:
            if self._intervals:
                self._audio = AudioCuts(self._source, self._output, self._intervals)
            else:
                self._audio = AudioTrack(self._source, self._output, mode, start)
        self._output.start_encoding()

    def _add_video(self, output: OutputContainer) -> VideoStream:
        codec = self._codec
        stream = cast("VideoStream", output.add_stream(codec.name, rate=self._rate, options=codec.options))
        stream.width, stream.height = self._size
        stream.pix_fmt = codec.pixels
        context = stream.codec_context
        context.time_base = stream.time_base = self._unit
        context.gop_size = max(1, round(KEY_FRAME_SECONDS * self._times.fps))
        context.colorspace, context.color_primaries, context.color_trc = _BT601, _BT709, _BT709
        return stream

    def _abandon(self) -> None:
        """Close what is open, whatever error that brings."""
        self._audio = None
        output, self._output = self._output, None
        if output:
            with contextlib.suppress(av.FFmpegError, OSError, AttributeError):
                output.close()

    def _encode(self, frame: VideoFrame) -> None:
        pts = frame.pts or 0
        time = float(pts * self._unit)
        self._end = time + 1 / self._times.fps
        frame = frame.reformat(format=self._codec.pixels, dst_colorspace="ITU601")
        frame.pts, frame.time_base = pts, self._unit
        self._mux(frame)
        self._advance_audio(time)

    def _advance_audio(self, until: float, *, last: bool = False) -> None:
        """Write the audio up to a time; audio that the container does not take ends, and the video goes on."""
        if self._audio is None or (self._times.broken and not last):
            return
        try:
            if last:
                self._audio.finish(until)
            else:
                self._audio.advance(until)
        except (av.error.ArgumentError, av.error.InvalidDataError):
            self._audio = None

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            cast("OutputContainer", self._output).mux(packet)

    def _finish(self) -> None:
        self._mux(None)
        self._advance_audio(0.0 if self._times.broken else self._end, last=True)
        cast("OutputContainer", self._output).close()
