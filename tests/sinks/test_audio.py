"""A flash and a beep at the same moment of a film stay together in what is recorded from its pictures."""

import itertools
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from smilecam.sinks import encoder
from smilecam.sinks.audio import AudioSource
from smilecam.sinks.audio_cuts import Interval, fade
from smilecam.sinks.video_writer import VideoRecorder

FPS, RATE = 25, 48_000
MOMENTS = (1.0, 2.6)
LENGTH = 4.0
TOLERANCE = 0.040


def make_film(path, codec="aac", audio_from=0.0, pictures_from=0.0, picture_codec="mpeg4"):
    """White for two frames and a beep of 80 ms at each moment; each stream has its own beginning."""
    with av.open(str(path), "w") as output:
        pictures = output.add_stream(picture_codec, rate=FPS)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        audio = output.add_stream(codec, rate=RATE, layout="mono")
        resampler = av.AudioResampler(audio.codec_context.format, "mono", RATE)
        samples = beeps()[round(audio_from * RATE) :]
        for start in range(0, samples.size, 1024):
            chunk = np.ascontiguousarray(samples[None, start : start + 1024])
            frame = av.AudioFrame.from_ndarray(chunk, format="flt", layout="mono")
            frame.sample_rate, frame.pts = RATE, start + round(audio_from * RATE)
            frame.time_base = Fraction(1, RATE)
            for ready in resampler.resample(frame):
                output.mux(audio.encode(ready))
        output.mux(audio.encode(None))
        for number in range(round(pictures_from * FPS), round(LENGTH * FPS)):
            level = 255 if any(0 <= number / FPS - moment < 0.079 for moment in MOMENTS) else 20
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), level, np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            output.mux(pictures.encode(frame))
        output.mux(pictures.encode(None))


def beeps():
    at = np.arange(round(LENGTH * RATE)) / RATE
    loud = np.zeros(at.size, bool)
    for moment in MOMENTS:
        loud |= (at >= moment) & (at < moment + 0.08)
    return (0.8 * np.sin(2 * np.pi * 1000 * at) * loud).astype(np.float32)


def frames_of(path, from_first=False):
    """The frames with times as a source gives them: counted from the first picture, or from the file's own zero."""
    with av.open(str(path)) as film:
        frames = [(frame.time, frame.to_ndarray(format="bgr24")) for frame in film.decode(video=0)]
    first = frames[0][0] if from_first else 0.0
    return [(time - first, image) for time, image in frames]


def record(source, target, from_first=False, stop=None):
    with VideoRecorder(target, FPS, source) as recorder:
        for time, image in frames_of(source, from_first)[:stop]:
            recorder.write(image, time)


def flashes(path):
    """Seconds at which the picture turns white."""
    with av.open(str(path)) as film:
        levels = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in film.decode(video=0)]
    return [time for (time, level), (_, before) in zip(levels[1:], levels, strict=False) if level > 128 > before]


def heard(path):
    """Seconds at which sound sets in after silence."""
    with av.open(str(path)) as film:
        loud = []
        for frame in film.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(np.float64))
            samples = samples.mean(axis=0) if samples.shape[0] == frame.layout.nb_channels else samples[0]
            scale = 2**15 if frame.format.name.startswith("s16") else 1
            loud += [(frame.time + index / frame.sample_rate) for index in np.flatnonzero(samples > 0.2 * scale)]
    return [time for time, before in zip(loud, [-1.0, *loud], strict=False) if time - before > 0.5]


def codecs(path):
    with av.open(str(path)) as film:
        return [stream.codec_context.codec.canonical_name for stream in film.streams]


def assert_together(path, moments=MOMENTS, clock=True):
    seen, sounds = flashes(path), heard(path)
    assert len(seen) == len(sounds) == len(moments)
    assert np.allclose(seen, sounds, atol=TOLERANCE), (seen, sounds)
    if clock:
        assert np.allclose(seen, moments, atol=TOLERANCE), seen


def test_the_film_itself_is_right(tmp_path):
    make_film(tmp_path / "film.mp4")
    assert_together(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("source", "codec", "target", "kept"),
    [
        ("film.mp4", "aac", "out.mp4", "aac"),
        ("film.mp4", "aac", "out.mov", "aac"),
        ("film.mp4", "aac", "out.mkv", "aac"),
        ("film.mp4", "aac", "out.webm", "opus"),
        ("film.mkv", "libopus", "out.mp4", "aac"),
        ("film.mkv", "libopus", "out.mkv", "opus"),
        ("film.webm", "libopus", "out.webm", "opus"),
        ("film.mkv", "pcm_s16le", "out.mp4", "aac"),
        ("film.avi", "mp2", "out.mp4", "aac"),
        ("film.avi", "libmp3lame", "out.mp4", "mp3"),
        ("film.ts", "aac", "out.mp4", "aac"),
    ],
)
def test_sound_is_kept_and_in_time(tmp_path, source, codec, target, kept):
    pictures = "libvpx" if source.endswith("webm") else "mpeg2video" if source.endswith("ts") else "mpeg4"
    make_film(tmp_path / source, codec, picture_codec=pictures)
    record(tmp_path / source, tmp_path / target, from_first=source.endswith("ts"))
    assert_together(tmp_path / target)
    assert codecs(tmp_path / target) == ["vp9" if target.endswith("webm") else "h264", kept]


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.webm"])
@pytest.mark.parametrize("from_first", [False, True])
@pytest.mark.parametrize("starts", [(0.7, 0.0), (0.0, 0.6)], ids=["sound late", "pictures late"])
def test_streams_that_begin_at_different_moments(tmp_path, target, from_first, starts):
    make_film(tmp_path / "film.mkv", audio_from=starts[0], pictures_from=starts[1])
    record(tmp_path / "film.mkv", tmp_path / target, from_first)
    shifted = starts[1] if from_first else 0.0
    assert_together(tmp_path / target, [moment - shifted for moment in MOMENTS])


CUTS = (Interval(0.6, 1.4), Interval(2.2, 3.2))


def record_cuts(source, target, cuts=CUTS):
    """The frames of the intervals, each part beginning where the one before has ended."""
    with VideoRecorder(target, FPS, source, cuts) as recorder:
        passed = 0.0
        for start, end in cuts:
            for at, image in frames_of(source, from_first=True):
                if start - 1e-3 <= at < end - 1e-3:
                    recorder.write(image, passed + at - start)
            passed += end - start


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("film.mp4", "aac", "out.mp4"),
        ("film.mp4", "aac", "out.mkv"),
        ("film.mp4", "aac", "out.webm"),
        ("film.mkv", "libopus", "out.mp4"),
        ("film.mkv", "flac", "out.mov"),
        ("film.mkv", "pcm_s16le", "out.mp4"),
        ("film.avi", "libmp3lame", "out.mp4"),
        ("film.ts", "aac", "out.mp4"),
    ],
)
def test_sound_stays_in_time_in_cuts(tmp_path, source, codec, target):
    make_film(tmp_path / source, codec, picture_codec="mpeg2video" if source.endswith("ts") else "mpeg4")
    record_cuts(tmp_path / source, tmp_path / target)
    assert_together(tmp_path / target, [0.4, 0.8 + 0.4])


@pytest.mark.parametrize("starts", [(0.8, 0.0), (0.0, 0.2)], ids=["sound late", "pictures late"])
def test_cuts_where_streams_begin_at_different_moments(tmp_path, starts):
    make_film(tmp_path / "film.mkv", audio_from=starts[0], pictures_from=starts[1])
    record_cuts(tmp_path / "film.mkv", tmp_path / "out.mp4")
    assert_together(tmp_path / "out.mp4", [1.0 - 0.6 - starts[1], 0.8 + 2.6 - 2.2 - starts[1]])


def test_sound_that_ends_early_is_silence_in_later_cuts(tmp_path):
    make_film(tmp_path / "film.mkv")
    with av.open(str(tmp_path / "film.mkv")) as film, av.open(str(tmp_path / "short.mkv"), "w") as output:
        copies = {stream.index: output.add_stream_from_template(stream) for stream in film.streams}
        for packet in film.demux():
            if packet.dts is not None and (packet.stream.type == "video" or packet.pts * packet.time_base < 2):
                packet.stream = copies[packet.stream.index]
                output.mux(packet)
    record_cuts(tmp_path / "short.mkv", tmp_path / "out.mp4")
    assert np.allclose(flashes(tmp_path / "out.mp4"), [0.4, 1.2], atol=TOLERANCE)
    assert np.allclose(heard(tmp_path / "out.mp4"), [0.4], atol=TOLERANCE)
    with av.open(str(tmp_path / "out.mp4")) as film:
        lengths = [float(stream.duration * stream.time_base) for stream in film.streams]
    assert np.allclose(lengths, 1.8, atol=TOLERANCE), "the silence is written, so that both streams end together"


def test_channels_stay_apart_in_cuts(tmp_path):
    """300 Hz on the left and 500 Hz on the right, in six channels of a film, are so in the two of the clip."""
    path, at = tmp_path / "film.mkv", np.arange(round(LENGTH * RATE)) / RATE
    with av.open(str(path), "w") as output:
        pictures = output.add_stream("mpeg4", rate=FPS)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        audio = output.add_stream("flac", rate=RATE, layout="5.1")
        samples = np.zeros((6, at.size), np.float32)
        samples[:2] = 0.5 * np.sin(2 * np.pi * np.array([[300], [500]]) * at)
        resampler = av.AudioResampler(audio.codec_context.format, "5.1", RATE)
        for start in range(0, at.size, 4096):
            chunk = np.ascontiguousarray(samples[:, start : start + 4096])
            frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout="5.1")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            for ready in resampler.resample(frame):
                output.mux(audio.encode(ready))
        output.mux(audio.encode(None))
        for number in range(round(LENGTH * FPS)):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 20, np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            output.mux(pictures.encode(frame))
        output.mux(pictures.encode(None))
    record_cuts(path, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as film:
        heard = np.hstack([frame.to_ndarray() for frame in film.decode(audio=0)])
    assert heard.shape[0] == 2
    spectra = np.abs(np.fft.rfft(heard[:, 4800 : 4800 + RATE // 2]))
    assert (spectra.argmax(axis=1) * 2).tolist() == [300, 500]


def test_a_fade_begins_and_ends_in_silence():
    whole = fade(1000, 0, 1000, 100)
    assert whole[0] == whole[-1] == 0
    assert (whole[100:900] == 1).all()
    assert (np.diff(whole[:101]) >= 0).all()
    assert np.abs(np.diff(whole)).max() < 0.02
    assert np.array_equal(np.concatenate([fade(1000, at, 250, 100) for at in range(0, 1000, 250)]), whole)
    assert fade(3, 0, 3, 100).max() <= 1
    assert fade(1, 0, 1, 100).shape == (1,)


def test_copied_sound_is_the_very_same(tmp_path):
    make_film(tmp_path / "film.mp4")
    record(tmp_path / "film.mp4", tmp_path / "out.mp4")

    def packets(path):
        with av.open(str(path)) as film:
            return [bytes(packet) for packet in film.demux(audio=0) if packet.size]

    before, after = packets(tmp_path / "film.mp4"), packets(tmp_path / "out.mp4")
    assert after == before[: len(after)]
    assert len(after) >= len(before) - 5


def test_sound_ends_where_the_pictures_are_cut_short(tmp_path):
    make_film(tmp_path / "film.mp4")
    record(tmp_path / "film.mp4", tmp_path / "out.mp4", stop=40)
    assert_together(tmp_path / "out.mp4", MOMENTS[:1])
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert abs(film.duration / 1e6 - 1.6) < 0.1


def test_a_film_without_sound_and_one_that_is_none(tmp_path):
    with VideoRecorder(tmp_path / "mute.mp4", FPS) as recorder:
        recorder.write(np.zeros((120, 160, 3), np.uint8), 0.0)
    record(tmp_path / "mute.mp4", tmp_path / "out.mp4")
    assert codecs(tmp_path / "out.mp4") == ["h264"]
    (tmp_path / "text.mp4").write_text("no film")
    with VideoRecorder(tmp_path / "out2.mp4", FPS, tmp_path / "text.mp4") as recorder:
        recorder.write(np.zeros((120, 160, 3), np.uint8), 0.0)
    assert codecs(tmp_path / "out2.mp4") == ["h264"]


def test_sound_that_breaks_off(tmp_path):
    make_film(tmp_path / "film.mkv")
    frames = frames_of(tmp_path / "film.mkv")
    content = (tmp_path / "film.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    with VideoRecorder(tmp_path / "out.mp4", FPS, tmp_path / "cut.mkv") as recorder:
        for time, image in frames:
            recorder.write(image, time)
    assert len(flashes(tmp_path / "out.mp4")) == 2
    assert len(heard(tmp_path / "out.mp4")) >= 1


def test_a_damaged_packet_does_not_end_the_recording(tmp_path):
    make_film(tmp_path / "film.mp4")
    frames = frames_of(tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as film:
        places = [packet.pos for packet in film.demux(audio=0) if packet.size]
    content = bytearray((tmp_path / "film.mp4").read_bytes())
    for place in places[60:64]:
        content[place : place + 12] = b"\xff" * 12
    (tmp_path / "film.mp4").write_bytes(content)
    with VideoRecorder(tmp_path / "out.webm", FPS, tmp_path / "film.mp4") as recorder:
        for time, image in frames:
            recorder.write(image, time)
    assert_together(tmp_path / "out.webm")


class HollowSource(AudioSource):
    """Audio whose next packet takes very long to find, unless the search is cancelled."""

    def __init__(self, path):
        super().__init__(path)
        self.cancelled = threading.Event()

    def open(self):
        opened = super().open()
        packets = self._packets
        self._packets = itertools.chain(itertools.islice(packets, 60), self.search())
        return opened

    def search(self):
        self.cancelled.wait(30)
        return
        yield

    def cancel(self):
        super().cancel()
        self.cancelled.set()


def test_audio_that_takes_long_to_find_does_not_keep_a_recording_open(tmp_path, monkeypatch):
    make_film(tmp_path / "film.mp4")
    monkeypatch.setattr(encoder, "AudioSource", HollowSource)
    recorder = VideoRecorder(tmp_path / "out.mp4", FPS, tmp_path / "film.mp4")
    for time_, image in frames_of(tmp_path / "film.mp4")[:32]:
        recorder.write(image, time_)
    begin = time.monotonic()
    recorder.close()
    assert time.monotonic() - begin < 3
    assert len(flashes(tmp_path / "out.mp4")) == 1
    assert len(heard(tmp_path / "out.mp4")) == 1


def test_nor_while_the_queue_of_frames_is_full(tmp_path, monkeypatch):
    make_film(tmp_path / "film.mp4")
    monkeypatch.setattr(encoder, "AudioSource", HollowSource)
    recorder = VideoRecorder(tmp_path / "out.mp4", FPS, tmp_path / "film.mp4")
    frames = frames_of(tmp_path / "film.mp4")
    for time_, image in frames[:30]:
        recorder.write(image, time_)
    queue = recorder._video._queue
    for time_, image in frames[30:]:
        until = time.monotonic() + 0.5
        while queue.full() and time.monotonic() < until:  # the encoder is a little behind, or searches
            time.sleep(0.01)
        if queue.full():
            break
        recorder.write(image, time_)
    begin = time.monotonic()
    recorder.close()
    assert time.monotonic() - begin < 3
    assert len(frames) > recorder.written == len(frames_of(tmp_path / "out.mp4"))


def test_cancelled_audio_ends_the_file(tmp_path):
    make_film(tmp_path / "film.mp4")
    source = AudioSource(tmp_path / "film.mp4")
    assert source.open()
    assert source.next_packet() is not None
    source.cancel()
    assert sum(source.next_packet() is not None for _ in range(500)) < 200
    source.close()
    source.cancel()
    cancelled = AudioSource(tmp_path / "film.mp4")
    cancelled.cancel()
    assert not cancelled.open()
    cancelled.close()
