"""Parts of the audio of a video file, one after another, joined without a click."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple, cast

import av
import numpy as np
from av import AudioFrame, AudioResampler, AudioStream, Packet
from av.container import OutputContainer

from smilecam.sinks.audio import ENCODERS, OPUS_RATE, AudioSource
from smilecam.types import FloatArray

FADE_SECONDS = 0.01
"""Each part fades in and out over this time: long enough that no click is heard, too short to be heard as a pause."""

PREROLL_SECONDS = 0.2
"""Audio decoded before a part and thrown away: Opus needs 80 ms until its decoder has settled, AAC one packet."""

JITTER_SECONDS = 0.02
"""Timestamps that stray less from the audio so far are rounded ones, as Matroska's; further ones are gaps."""


class Interval(NamedTuple):
    """An interval of a video file.

    Attributes:
        start: seconds after the file's first image is shown.
        end: seconds likewise; later than ``start``.
    """

    start: float
    end: float


class _Piece(NamedTuple):
    """An interval in samples: where it is in the source, and where it goes."""

    source: int
    target: int
    length: int


class AudioCuts:
    """Writes parts of a file's audio into a recording, a little at a time, with the interface of ``AudioTrack``.

    Each part begins in the recording on the sample on which its images begin; where the file has no audio, there is
    silence.
    """

    def __init__(self, source: AudioSource, output: OutputContainer, intervals: Sequence[Interval]) -> None:
        """Add a stream to the recording.

        Args:
            source: open.
            output: the recording, before anything has been written to it.
            intervals: at least one, in order of time, not overlapping.

        Raises:
            av.FFmpegError: the recording does not accept the audio.
        """
        self._source, self._output = source, output
        encoder = ENCODERS[output.format.name]
        context = source.stream.codec_context
        self._rate = OPUS_RATE if encoder == "libopus" else context.sample_rate
        layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        self._stream = cast("AudioStream", output.add_stream(encoder, rate=self._rate, layout=layout))
        self._layout, self._channels = layout, 1 if layout == "mono" else 2
        self._pieces = _pieces(intervals, self._rate)
        self._resampler = self._new_resampler()
        self._decoding = False
        self._expected: int | None = None
        self._written = 0
        self._current = 0
        self._ended = False

    def _new_resampler(self) -> AudioResampler:
        return AudioResampler(format="fltp", layout=self._layout, rate=self._rate)

    def advance(self, until: float) -> None:
        """Write the audio up to a time.

        Args:
            until: seconds in the recording.

        Raises:
            av.FFmpegError: the recording cannot be written.
        """
        while not self._ended and self._current < len(self._pieces) and self._written < until * self._rate:
            packet = self._source.next_packet()
            if packet is None:
                self._ended = True
                self._take_rest()
                return
            self._take_packet(packet)

    def finish(self, until: float) -> None:
        """Write the rest, to the end of the last interval, where its fade ends; raises as ``advance`` does.

        Args:
            until: seconds in the recording at which its images end; 0 to write no more.
        """
        if until > 0:
            last = self._pieces[-1]
            self.advance((last.target + last.length) / self._rate)
            self._write_silence(last.target + last.length)
        self._mux(None)

    def _take_packet(self, packet: Packet[AudioStream]) -> None:
        start = float((packet.pts or 0) * packet.time_base) - self._source.first_image_time
        first = self._pieces[self._current].source / self._rate
        if start < first - PREROLL_SECONDS:
            self._decoding = False
            return
        if not self._decoding:  # what was decoded before has nothing to do with what comes
            packet.stream.codec_context.flush_buffers()
            self._resampler, self._expected, self._decoding = self._new_resampler(), None, True
        for frame in self._decode(packet):
            self._take_frame(frame)

    def _decode(self, packet: Packet[AudioStream]) -> Iterator[AudioFrame]:
        try:
            for frame in packet.decode():
                yield from self._resampler.resample(frame)
        except (av.FFmpegError, OSError):  # one damaged packet is a moment of silence
            return

    def _take_rest(self) -> None:
        """Take what the decoder still holds back, at the end of the file."""
        try:
            for frame in (*self._source.stream.codec_context.decode(None), None):
                for resampled in self._resampler.resample(frame):
                    self._take_frame(resampled)
        except (av.FFmpegError, OSError):
            return

    def _take_frame(self, frame: AudioFrame) -> None:
        if frame.time is None:
            return
        at = round((frame.time - self._source.first_image_time) * self._rate)
        if self._expected is not None and abs(at - self._expected) <= JITTER_SECONDS * self._rate:
            at = self._expected
        samples = np.asarray(frame.to_ndarray(), np.float32)
        self._expected = at + samples.shape[1]
        while self._current < len(self._pieces):
            piece = self._pieces[self._current]
            low, high = max(at, piece.source), min(self._expected, piece.source + piece.length)
            if low < high:
                self._write_samples(piece, low - piece.source, samples[:, low - at : high - at])
            if self._expected < piece.source + piece.length:
                return
            self._write_silence(piece.target + piece.length)
            self._current += 1

    def _write_samples(self, piece: _Piece, offset: int, samples: FloatArray) -> None:
        self._write_silence(piece.target + offset)
        skipped = self._written - (piece.target + offset)  # samples whose times have been written already
        if skipped < samples.shape[1]:
            kept = samples[:, skipped:]
            self._encode(kept * fade(piece.length, offset + skipped, kept.shape[1], round(FADE_SECONDS * self._rate)))

    def _write_silence(self, until: int) -> None:
        while self._written < until:
            self._encode(np.zeros((self._channels, min(self._rate, until - self._written)), np.float32))

    def _encode(self, samples: FloatArray) -> None:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._written, Fraction(1, self._rate)
        self._written += samples.shape[1]
        self._mux(frame)

    def _mux(self, frame: AudioFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._output.mux(packet)


def _pieces(intervals: Sequence[Interval], rate: int) -> tuple[_Piece, ...]:
    """The intervals in samples; rounding does not add up over many of them."""
    pieces, passed = [], 0.0
    for interval in intervals:
        target = round(passed * rate)
        passed += interval.end - interval.start
        pieces.append(_Piece(round(interval.start * rate), target, round(passed * rate) - target))
    return tuple(pieces)


def fade(length: int, offset: int, count: int, over: int) -> FloatArray:
    """How loud samples of a part are, 0 to 1: half a cosine at both of its ends.

    Args:
        length: samples of the part.
        offset: place of the first of them in the part.
        count: number of samples.
        over: samples that a fade takes; less in a part that is shorter than two of them.

    Returns:
        float32 (count,).
    """
    over = max(1, min(over, length // 2))
    place = np.arange(offset, offset + count)
    edge = np.minimum(place, length - 1 - place)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(edge / over, 0, 1)), np.float32)
