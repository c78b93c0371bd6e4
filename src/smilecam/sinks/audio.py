"""The audio of a video file, carried over into a recording of its images."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av import AudioFrame, AudioStream, Packet
from av.container import InputContainer, OutputContainer

from smilecam.sources.container import open_container
from smilecam.sources.release import CancellableFile

COPIED = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"}),
    "matroska": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "vorbis", "flac", "pcm_s16le", "pcm_s24le"}),
    "webm": frozenset({"opus", "vorbis"}),
}
"""Container -> codecs that it holds and common players support; other audio is transcoded."""

ENCODERS = {"mp4": "aac", "mov": "aac", "matroska": "aac", "webm": "libopus"}
"""Container -> encoder of transcoded audio; others get no audio."""

OPUS_RATE = 48_000

PRIMING_SECONDS = 0.025
"""Packets this short before the first image are kept: a decoder needs the previous packet to start. Matroska has no
negative times and delays the images by as much."""

RESTART_SECONDS = 1.0
"""Audio whose clock steps back further begins a new recording there."""

STALL_SECONDS = 1.0
"""Reading the audio of a moment that takes longer counts as stalled."""


class AudioMode(Enum):
    """How audio gets into a recording."""

    COPY = "copy"
    TRANSCODE = "transcode"
    NONE = "none"


class AudioSource:
    """The audio packets of a video file. One thread reads them; any thread can cut them short.

    Attributes:
        stream: of the audio, once the file is open.
        first_image_time: seconds by the file's own clock at which its first image is shown; 0 if unknown.
    """

    stream: AudioStream

    def __init__(self, path: Path) -> None:
        """Keep the path; nothing is opened yet."""
        self._path = path
        self._files: list[CancellableFile] = []
        self._container: InputContainer | None = None
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._read_since: float | None = None
        self._cancelled = False
        self.first_image_time = 0.0

    def open(self) -> bool:
        """Open the file.

        Returns:
            Whether it has audio that can be read.
        """
        try:
            with self.measured():
                self._container = self._open()
                if not self._container.streams.audio or self._container.streams.audio[0].codec_context is None:
                    return False
                self.stream = self._container.streams.audio[0]
                self._packets = self._container.demux(self.stream)
                self._find_first_image()
        except (av.FFmpegError, OSError, ValueError):
            return False
        return True

    def _open(self) -> InputContainer:
        file = CancellableFile(self._path)
        self._files.append(file)
        if self._cancelled:
            file.cancel()
        return open_container(file)

    def _find_first_image(self) -> None:
        container = self._open()
        try:
            for frame in container.decode(video=0):
                self.first_image_time = float(frame.time or 0.0)
                return
        finally:
            container.close()

    def next_packet(self) -> Packet[AudioStream] | None:
        """The next packet with a time; None at the end, also if the file cannot be read further."""
        try:
            for packet in self._packets:
                if packet.size and packet.pts is not None and packet.dts is not None:
                    return packet
        except (av.FFmpegError, OSError):
            pass
        return None

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure how long the block takes: one read, or millions that lead nowhere."""
        self._read_since = time.monotonic()
        try:
            yield
        finally:
            self._read_since = None

    def stalled(self) -> bool:
        """Whether a block of reads has taken long; for any thread."""
        since = self._read_since
        return since is not None and time.monotonic() - since > STALL_SECONDS

    def cancel(self) -> None:
        """End the file at the next read; for any thread."""
        self._cancelled = True
        for file in tuple(self._files):
            file.cancel()

    def close(self) -> None:
        """Close the file; for the thread that reads it."""
        if self._container:
            self._container.close()
        for file in self._files:
            file.close()


class AudioTrack:
    """Writes the audio of a file into a recording, a little at a time, so that audio and video stay interleaved.

    Copied packets keep their content and their intervals; only the clock changes.
    """

    def __init__(self, source: AudioSource, output: OutputContainer, mode: AudioMode, first: float) -> None:
        """Add a stream to the recording.

        Args:
            source: open.
            output: the recording, before anything has been written to it.
            mode: copy or transcode; audio that the container does not hold is transcoded in any case.
            first: seconds in the recording at which the file's first image is shown.

        Raises:
            av.FFmpegError: the recording does not accept the audio.
        """
        self._source, self._output = source, output
        self._shift = first - source.first_image_time
        container, codec = output.format.name, source.stream.codec_context.codec.canonical_name
        self._copied = mode is AudioMode.COPY and codec in COPIED[container]
        self._stream = self._add_stream(ENCODERS[container])
        self._next: Packet[AudioStream] | None = None
        self._last_dts: int | None = None
        self._last_pts: int | None = None
        self._heard = 0.0  # end of the audio so far, in seconds in the recording
        self._ended = False

    def _add_stream(self, encoder: str) -> AudioStream:
        if self._copied:
            return self._output.add_stream_from_template(self._source.stream)
        context = self._source.stream.codec_context
        rate = OPUS_RATE if encoder == "libopus" else context.sample_rate
        layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        return cast("AudioStream", self._output.add_stream(encoder, rate=rate, layout=layout))

    def advance(self, until: float) -> None:
        """Write the audio up to a time.

        Args:
            until: seconds in the recording.

        Raises:
            av.FFmpegError: the recording cannot be written.
        """
        with self._source.measured():
            self._advance(until)

    def _advance(self, until: float) -> None:
        while (packet := self._peek()) is not None:
            start = float((packet.pts or 0) * packet.time_base) + self._shift
            if self._heard - start > RESTART_SECONDS:  # recordings joined: go on where the last one ended
                self._shift += self._heard - start
                start = self._heard
            if start >= until:
                return
            self._next = None
            self._heard = max(self._heard, start + float((packet.duration or 0) * packet.time_base))
            if start >= -PRIMING_SECONDS:
                self._move(packet)

    def _peek(self) -> Packet[AudioStream] | None:
        if self._next is None and not self._ended:
            self._next = self._source.next_packet()
            self._ended = self._next is None
        return self._next

    def _move(self, packet: Packet[AudioStream]) -> None:
        if not self._copied:
            for frame in self._decode(packet):
                self._encode(frame)
            return
        shift = round(self._shift / packet.time_base)
        pts, dts = (packet.pts or 0) + shift, (packet.dts or 0) + shift
        if self._last_dts is not None and dts <= self._last_dts:  # a broken clock, which no container accepts
            return
        packet.pts, packet.dts, packet.stream = pts, dts, self._stream
        self._last_dts = dts
        self._output.mux(packet)

    def _decode(self, packet: Packet[AudioStream]) -> Iterator[AudioFrame]:
        try:
            yield from packet.decode()
        except (av.FFmpegError, OSError):  # one damaged packet is a moment of silence
            return

    def _encode(self, frame: AudioFrame | None) -> None:
        if frame is not None:
            if frame.pts is None or frame.time is None or frame.time + self._shift < 0:
                return
            frame.pts = round((frame.time + self._shift) * frame.sample_rate)
            if self._last_pts is not None and frame.pts <= self._last_pts:  # a broken clock, which no encoder accepts
                return
            self._last_pts = frame.pts
            frame.time_base = Fraction(1, frame.sample_rate)
        for packet in self._stream.encode(frame):
            self._output.mux(packet)

    def finish(self, until: float) -> None:
        """Write the remaining audio up to a time, in seconds in the recording; raises as ``advance`` does."""
        self.advance(until)
        if not self._copied:
            self._encode(None)
