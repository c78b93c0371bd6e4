"""The sound of a video file, carried over into a recording of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from smilecam.sources.base import CONTAINERS

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet
    from av.container import InputContainer, OutputContainer

COPIED = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"}),
    "matroska": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "vorbis", "flac", "pcm_s16le", "pcm_s24le"}),
    "webm": frozenset({"opus", "vorbis"}),
}
"""What of sound each container takes as it is and common players play; other codecs are encoded anew."""

ENCODERS = {"mp4": "aac", "mov": "aac", "matroska": "aac", "webm": "libopus"}

OPUS_RATE = 48_000

BEFORE_START_SECONDS = 0.025
"""Packets that begin no earlier than this before the first picture stay: a decoder needs the one before to begin.
Matroska knows no times below 0 and moves the pictures back by as much."""


class Way(Enum):
    """How sound gets into a recording."""

    COPIED = "copied"
    ENCODED = "encoded"
    NONE = "none"


def has_audio(path: Path) -> bool:
    """Whether a video file has sound that can be read; False also where it cannot be opened."""
    import av

    try:
        with _open(path) as container:
            return bool(container.streams.audio)
    except (av.FFmpegError, OSError):
        return False


def _open(path: Path) -> InputContainer:
    # As where frames are read: no play lists that name other files or addresses.
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    return av.open(f"file:{path.resolve()}", options=options, metadata_errors="replace")


def _first_picture_time(path: Path) -> float:
    """Seconds by the file's own clock at which its first picture is shown; 0 where that is not known."""
    with _open(path) as container:
        for frame in container.decode(video=0):
            return float(frame.time or 0.0)
    return 0.0


class Audio:
    """Moves the sound of a file into a recording, a stretch at a time, so that both stay near each other in it.

    Copied packets keep their content and their distances; only the clock changes.
    """

    def __init__(self, path: Path, output: OutputContainer, way: Way, first: float) -> None:
        """Open the file and add a stream to the recording.

        Args:
            path: of the file, which has sound.
            output: the recording, before anything has been written to it.
            way: copied or encoded; copying falls back to encoding where the container does not take the codec.
            first: seconds in the recording at which the file's first picture is shown.

        Raises:
            av.FFmpegError: the file cannot be read, or the recording does not take its sound.
        """
        self._output, self._shift = output, first - _first_picture_time(path)
        self._input = _open(path)
        try:
            self._from = self._input.streams.audio[0]
            name = output.format.name
            self._copied = way is Way.COPIED and self._from.codec_context.codec.canonical_name in COPIED[name]
            self._to = self._add_stream(ENCODERS[name])
        except BaseException:
            self._input.close()
            raise
        self._packets = self._input.demux(self._from)
        self._next: Packet[AudioStream] | None = None
        self._last_dts: int | None = None
        self._ended = False

    def _add_stream(self, encoder: str) -> AudioStream:
        if self._copied:
            return self._output.add_stream_from_template(self._from)
        context = self._from.codec_context
        rate = OPUS_RATE if encoder == "libopus" else context.sample_rate
        layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        return cast("AudioStream", self._output.add_stream(encoder, rate=rate, layout=layout))

    def advance(self, until: float) -> None:
        """Write the sound up to a time.

        Args:
            until: seconds in the recording.

        Raises:
            av.FFmpegError: the recording cannot be written.
        """
        while (packet := self._peek()) is not None:
            start = float((packet.pts or 0) * packet.time_base) + self._shift
            if start >= until:
                return
            self._next = None
            if start >= -BEFORE_START_SECONDS:
                self._move(packet)

    def _peek(self) -> Packet[AudioStream] | None:
        """The next packet with a time; None at the end, also where the file cannot be read further."""
        import av

        while self._next is None and not self._ended:
            try:
                packet = next(self._packets, None)
            except (av.FFmpegError, OSError):
                packet = None
            if packet is None or packet.size == 0:  # an empty packet stands at the end
                self._ended = True
            elif packet.pts is not None and packet.dts is not None:
                self._next = packet
        return self._next

    def _move(self, packet: Packet[AudioStream]) -> None:
        if not self._copied:
            for frame in self._decode(packet):
                self._encode(frame)
            return
        shift = round(self._shift / packet.time_base)
        pts, dts = (packet.pts or 0) + shift, (packet.dts or 0) + shift
        if self._last_dts is not None and dts <= self._last_dts:  # a broken clock; no container takes it
            return
        packet.pts, packet.dts, packet.stream = pts, dts, self._to
        self._last_dts = dts
        self._output.mux(packet)

    def _decode(self, packet: Packet[AudioStream]) -> Iterator[AudioFrame]:
        import av

        try:
            yield from packet.decode()
        except (av.FFmpegError, OSError):  # one damaged packet is a moment of silence
            return

    def _encode(self, frame: AudioFrame | None) -> None:
        if frame is not None:
            if frame.pts is None or frame.time is None or frame.time + self._shift < 0:
                return
            frame.pts = round((frame.time + self._shift) * frame.sample_rate)
            frame.time_base = Fraction(1, frame.sample_rate)
        for packet in self._to.encode(frame):
            self._output.mux(packet)

    def finish(self, until: float) -> None:
        """Write what is left up to a time, in seconds in the recording; raises as ``advance`` does."""
        self.advance(until)
        if not self._copied:
            self._encode(None)

    def close(self) -> None:
        """Let go of the file."""
        self._input.close()
