"""Videos in H.264 or VP9, each frame at its own time, with the sound of the file that the frames come from.

Here PyAV is at work; where it is absent, ``record.py`` writes videos with OpenCV.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, cast

import numpy as np

from smilecam.errors import OutputError
from smilecam.sinks.audio import Audio, Way, has_audio
from smilecam.types import Image

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import OutputContainer

CONTAINER_OF = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}

# Looking few frames ahead, it has little left to do when a recording ends.
H264 = ("libx264", {"preset": "veryfast", "crf": "21", "rc-lookahead": "4"})
VP9 = ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "crf": "32", "b": "0"})

WAITING_FRAMES = 4
"""Frames that may wait for the encoder; further ones wait with the caller."""

LONGEST_STILL_SECONDS = 3600.0
"""A longer silence between two frames is taken for a broken timestamp, and so is a step back."""

LATEST_START_SECONDS = 10.0
"""A first frame that comes later is shown from 0 on, and all times are counted from it."""

KEY_FRAME_SECONDS = 4
"""Players jump to such frames at once."""

_BT601 = 6  # what FFmpeg calls SMPTE 170M; readers that ignore the label take it for this one too
_BT709 = 1


def can_encode(suffix: str) -> bool:
    """Whether PyAV is installed with an encoder for a file name's suffix."""
    if suffix not in CONTAINER_OF or find_spec("av") is None:
        return False
    try:
        import av

        av.Codec(_codec_for(CONTAINER_OF[suffix])[0], "w")
    except (ImportError, ValueError):  # ImportError: installed, but not for this system
        return False
    return True


def _codec_for(container: str) -> tuple[str, dict[str, str]]:
    return VP9 if container == "webm" else H264


@dataclass(slots=True)
class FrameTimes:
    """Gives each frame its time in the recording: its own, as long as they only ever grow.

    The first frame is shown from 0 on; the others at their own times, so that the clock of the recording is the one
    of the results.

    Attributes:
        fps: frames a second, where a frame has no time of its own.
        shift: seconds to add to a frame's own time.
        broken: whether a jump has been closed, so that no other stream of the source fits any more.
    """

    fps: float
    shift: float = 0.0
    broken: bool = False
    _last: float | None = None

    def place(self, at: float | None) -> float:
        """Seconds in the recording of the next frame, whose own time is ``at``."""
        if self._last is None:
            self.shift = -at if at is not None and at > LATEST_START_SECONDS else 0.0
            self._last = max(0.0, (at or 0.0) + self.shift)
            return 0.0
        due = self._last + 1 / self.fps
        time = due if at is None else at + self.shift
        if at is not None and not 0 <= time - self._last <= LONGEST_STILL_SECONDS:
            self.shift, self.broken, time = due - at, True, due
        self._last = time
        return time


class EncodedVideo:
    """A video file on its way. Encoding runs in a thread of its own; what fails there is raised by the next call."""

    def __init__(self, path: Path, shown_path: Path, fps: float, size: tuple[int, int], audio: Path | None) -> None:
        """Begin a file.

        Args:
            path: where to write.
            shown_path: what errors call it.
            fps: frames a second, where frames have no times.
            size: width and height in pixels, even.
            audio: a video file whose first picture is the first frame here, and whose sound to keep.

        Raises:
            OutputError: no encoder takes this, or the file cannot be written.
        """
        self._path, self._shown, self._size = path, shown_path, size
        self._times = FrameTimes(min(1000.0, max(0.1, fps)))
        self._container = CONTAINER_OF[shown_path.suffix.lower()]
        # Matroska counts in milliseconds.
        self._unit = Fraction(1, 1000 if self._container in {"matroska", "webm"} else 90_000)
        self._audio_path = audio
        self._audio: Audio | None = None
        self._last_pts, self._end = -1, 0.0
        self._error: Exception | None = None
        self._queue: Queue[VideoFrame | None] = Queue(WAITING_FRAMES)
        self._thread: threading.Thread | None = None

    def write(self, image: Image, at: float | None) -> None:
        """Hand on a frame.

        Args:
            image: uint8 (height, width, 3), blue-green-red, of the size given; it may be changed afterwards.
            at: its own time in seconds; None to follow the frame before.

        Raises:
            OutputError: the file cannot be written.
        """
        import av

        if self._thread is None:
            self._begin(at or 0.0)
        self._raise_error()
        time = self._times.place(at)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        self._last_pts = max(self._last_pts + 1, round(time / self._unit))
        frame.pts, frame.time_base = self._last_pts, self._unit
        self._queue.put(frame)

    def close(self) -> None:
        """Encode what waits and finish the file.

        Raises:
            OutputError: it cannot be written to its end.
        """
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        self._raise_error()

    def _raise_error(self) -> None:
        import av

        if isinstance(self._error, (av.FFmpegError, OSError)):
            raise OutputError(f"cannot write {self._shown} to its end (is the disk full?)") from self._error
        if self._error is not None:
            raise self._error

    def _begin(self, first: float) -> None:
        """Open the file, with sound in the best way that it takes."""
        import av

        audio = self._audio_path if self._audio_path and has_audio(self._audio_path) else None
        # The first frame's own time; one that comes late begins the recording's clock (see FrameTimes).
        start = first if first <= LATEST_START_SECONDS else 0.0
        for way in (Way.COPIED, Way.ENCODED, Way.NONE) if audio else (Way.NONE,):
            try:
                self._open(audio if way is not Way.NONE else None, way, start)
            except (av.FFmpegError, OSError, ValueError) as error:
                self._abandon()
                if way is Way.NONE:
                    width, height = self._size
                    raise OutputError(f"cannot write {self._shown}: no encoder takes {width}x{height}") from error
            else:
                break
        self._thread = threading.Thread(target=self._work, name="smilecam-encode", daemon=True)
        self._thread.start()

    def _open(self, audio: Path | None, way: Way, start: float) -> None:
        import av

        # A name with a colon is no address.
        self._output: OutputContainer = av.open(f"file:{self._path.resolve()}", "w", format=self._container)
        self._stream = self._add_pictures()
        self._audio = Audio(audio, self._output, way, start) if audio else None
        self._output.start_encoding()

    def _add_pictures(self) -> VideoStream:
        name, options = _codec_for(self._container)
        fps = self._times.fps
        rate = Fraction(fps).limit_denominator(1001)
        stream = cast("VideoStream", self._output.add_stream(name, rate=rate, options=options))
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = self._unit
        context.gop_size = max(1, round(KEY_FRAME_SECONDS * fps))
        context.colorspace, context.color_primaries, context.color_trc = _BT601, _BT709, _BT709
        return stream

    def _abandon(self) -> None:
        """Let go of what is open, whatever it says to that."""
        import av

        audio, self._audio = self._audio, None
        if audio:
            audio.close()
        with contextlib.suppress(av.FFmpegError, OSError, AttributeError):
            self._output.close()

    def _work(self) -> None:
        """The thread: encode until the end or an error, and go on taking frames after one, so that nobody waits."""
        try:
            while (frame := self._queue.get()) is not None:
                self._encode(frame)
            self._finish()
        except Exception as error:  # noqa: BLE001 - the thread's edge: raised in write() and close()
            self._error = error
            self._abandon()
            while frame is not None:
                frame = self._queue.get()

    def _encode(self, frame: VideoFrame) -> None:
        time = float(frame.pts * self._unit) if frame.pts is not None else 0.0
        self._end = time + 1 / self._times.fps
        pts = frame.pts
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU601")
        frame.pts, frame.time_base = pts, self._unit
        for packet in self._stream.encode(frame):
            self._output.mux(packet)
        if self._audio and not self._times.broken:
            self._audio.advance(time)

    def _finish(self) -> None:
        for packet in self._stream.encode(None):
            self._output.mux(packet)
        if self._audio:
            self._audio.finish(0.0 if self._times.broken else self._end)
            self._audio.close()
        self._output.close()
