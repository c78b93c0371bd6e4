import _thread
import signal
import sys
import threading
import time
from types import SimpleNamespace

import av
import numpy as np
import pytest

from smilecam.errors import OutputError
from smilecam.opencv import cv2
from smilecam.results import FrameResult
from smilecam.sinks import encoder
from smilecam.sinks.annotated import AnnotatedOutput
from smilecam.sinks.encoder import FrameTimes
from smilecam.sinks.video_writer import VideoRecorder
from smilecam.sources.base import Kind, SourceRef
from smilecam.sources.frame import Frame

FRAME = np.full((96, 128, 3), 100, np.uint8)


def count_frames(path):
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv", ".avi", ".MP4", ".webm"])
def test_every_format_plays(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    with VideoRecorder(path, 20) as recorder:
        for number in range(12):
            recorder.write(FRAME, number / 20)
    assert count_frames(path) == recorder.written == 12
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("shape", "coded"), [((97, 131), (98, 132)), ((1, 3), (16, 16)), ((96, 128), (96, 128))])
def test_odd_and_tiny_frames_are_padded(tmp_path, shape, coded):
    path = tmp_path / "odd.mp4"
    with VideoRecorder(path, 20) as recorder:
        recorder.write(np.full((*shape, 3), 200, np.uint8), 0.0)
    done, image = cv2.VideoCapture(str(path)).read()
    assert done
    assert image.shape == (*coded, 3)
    assert abs(float(image.mean()) - 200) < 5


def test_avi_keeps_time_at_a_steady_rate(tmp_path):
    path = tmp_path / "gaps.avi"
    with VideoRecorder(path, 10) as recorder:
        for at in (5.0, 5.1, 5.6, 6.0):
            recorder.write(FRAME, at)
    assert recorder.written == 4
    assert np.diff(times_of(path)) == pytest.approx([5.1, 0.5, 0.4])


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_jumping_timestamps_fill_no_disk(tmp_path, suffix):
    path = tmp_path / f"jump{suffix}"
    with VideoRecorder(path, 10) as recorder:
        for at in (0.0, 0.1, 90_000.0, 90_000.1, 3.0, 3.1):
            recorder.write(FRAME, at)
    assert count_frames(path) == 6
    assert path.stat().st_size < 20_000


def times_of(path):
    with av.open(str(path)) as film:
        return [frame.time for frame in film.decode(video=0)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_frames_keep_their_own_times(tmp_path, suffix):
    rng = np.random.default_rng(3)
    times = np.cumsum([0.0, *rng.uniform(0.005, 0.3, 60)]).tolist()
    path = tmp_path / f"uneven{suffix}"
    with VideoRecorder(path, 30) as recorder:
        for at in times:
            recorder.write(rng.integers(0, 255, (96, 128, 3), np.uint8), at)
    assert np.allclose(times_of(path), times, atol=0.0011)


def test_equal_times_give_no_error(tmp_path):
    path = tmp_path / "equal.mkv"
    with VideoRecorder(path, 30) as recorder:
        for at in (0.0, 0.1, 0.1, 0.1, 0.2):
            recorder.write(FRAME, at)
    assert count_frames(path) == 5


@pytest.mark.parametrize(
    ("given", "placed", "broken"),
    [
        ([0.0, 0.1, 0.5], [0.0, 0.1, 0.5], False),
        ([0.4, 0.5, 1.0], [0.0, 0.5, 1.0], False),
        ([50.0, 50.5, 51.0], [0.0, 0.5, 1.0], False),
        ([None, None, None], [0.0, 0.1, 0.2], False),
        ([0.0, 60.0, 60.1], [0.0, 60.0, 60.1], False),
        ([0.0, 9000.0, 9000.1], [0.0, 0.1, 0.2], True),
        ([5.0, 2.0, 2.5], [0.0, 5.1, 5.6], True),
        ([0.0, None, 0.3], [0.0, 0.1, 0.3], False),
    ],
)
def test_times_in_a_recording(given, placed, broken):
    times = FrameTimes(10)
    assert np.allclose([times.place(at) for at in given], placed)
    assert times.broken is broken


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_colours_come_back(tmp_path, suffix):
    colours = [(0, 0, 0), (255, 255, 255), (200, 60, 40), (40, 180, 60), (50, 40, 210), (0, 159, 230)]
    image = np.repeat(np.repeat(np.asarray([colours], np.uint8), 32, axis=1), 64, axis=0)
    path = tmp_path / f"colours{suffix}"
    with VideoRecorder(path, 10) as recorder:
        for _ in range(5):
            recorder.write(image, None)
    _, back = cv2.VideoCapture(str(path)).read()
    seen = back[32, 16::32].astype(int)
    assert np.abs(seen - np.asarray(colours)).max() <= 8


def test_frames_so_far_are_kept_when_it_is_interrupted(tmp_path):
    path = tmp_path / "interrupted.mp4"
    with pytest.raises(KeyboardInterrupt), VideoRecorder(path, 10) as recorder:
        for number in range(7):
            recorder.write(FRAME, number / 10)
        raise KeyboardInterrupt
    assert count_frames(path) == 7


def interrupt_main_thread():
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.fixture
def interrupted_finish(monkeypatch):
    """Has finishing a file take a while, with a number of interrupts meanwhile."""
    finish = encoder.EncodedVideo._finish

    def set_up(interrupts):
        def finish_slowly(self):
            for _ in range(interrupts):
                time.sleep(0.4)
                interrupt_main_thread()
            time.sleep(0.4)
            finish(self)

        monkeypatch.setattr(encoder.EncodedVideo, "_finish", finish_slowly)

    return set_up


def encoding():
    return [thread for thread in threading.enumerate() if thread.name == "smilecam-encode"]


def test_an_interrupt_waits_until_the_file_is_finished(tmp_path, interrupted_finish):
    path = tmp_path / "interrupted.mp4"
    interrupted_finish(1)
    recorder = VideoRecorder(path, 10)
    for number in range(7):
        recorder.write(FRAME, number / 10)
    with pytest.raises(KeyboardInterrupt):
        recorder.close()
    assert recorder.finished
    assert count_frames(path) == 7
    assert list(tmp_path.iterdir()) == [path]
    assert not encoding()


def test_a_second_interrupt_gives_the_file_up(tmp_path, interrupted_finish):
    interrupted_finish(2)
    recorder = VideoRecorder(tmp_path / "given_up.mp4", 10)
    recorder.write(FRAME, 0.0)
    with pytest.raises(KeyboardInterrupt):
        recorder.close()
    assert not recorder.finished
    assert list(tmp_path.iterdir()) == []
    while encoding():
        time.sleep(0.01)


def test_a_recording_finished_despite_an_interrupt_is_among_the_written_files(tmp_path, interrupted_finish):
    ref = SourceRef("clip.mp4", Kind.STREAM, url="clip.mp4")
    interrupted_finish(1)
    sink = AnnotatedOutput({ref: tmp_path / "out.mp4"})
    sink.begin(SimpleNamespace(ref=ref, fps=10, live=True))
    sink.write(Frame(0, 0.0, FRAME), FrameResult("clip.mp4", 0, 0.0, ()))
    with pytest.raises(KeyboardInterrupt):
        sink.end()
    assert sink.written == [tmp_path / "out.mp4"]


def test_nothing_is_left_without_frames(tmp_path):
    with VideoRecorder(tmp_path / "none.mp4", 10):
        pass
    assert list(tmp_path.iterdir()) == []


def test_unknown_suffix(tmp_path):
    with pytest.raises(OutputError, match=r"ends in \.mp4"):
        VideoRecorder(tmp_path / "out.xyz", 10)


def test_missing_folder(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        VideoRecorder(tmp_path / "none" / "out.mp4", 10)


def test_frames_of_another_size_are_made_to_fit(tmp_path):
    path = tmp_path / "sizes.mp4"
    with VideoRecorder(path, 10) as recorder:
        recorder.write(FRAME, None)
        recorder.write(np.full((192, 192, 3), 200, np.uint8), None)
    capture = cv2.VideoCapture(str(path))
    (_, first), (_, second) = capture.read(), capture.read()
    assert first.shape == second.shape == (96, 128, 3)
    assert abs(float(second[:, 24:104].mean()) - 200) < 5
    assert float(second[:, :12].mean()) < 10 > float(second[:, -12:].mean())


def test_a_frame_may_be_changed_after_it_was_given(tmp_path):
    image = np.zeros((96, 128, 3), np.uint8)
    path = tmp_path / "reused.mp4"
    with VideoRecorder(path, 10) as recorder:
        for number in range(10):
            image[:] = number * 25
            recorder.write(image, number / 10)
    capture = cv2.VideoCapture(str(path))
    levels = [float(capture.read()[1].mean()) for _ in range(10)]
    assert np.allclose(levels, np.arange(10) * 25, atol=6)


@pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX limits")
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi"])
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, suffix):
    import resource

    noise = np.random.default_rng(0).integers(0, 255, (40, 240, 320, 3), np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with (
            pytest.raises(OutputError, match="to its end: "),
            VideoRecorder(tmp_path / f"out.{suffix}", 10) as r,
        ):
            for image in noise:
                r.write(image, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "smilecam-encode"]


def test_what_fails_in_the_encoder_reaches_the_caller(tmp_path, monkeypatch):
    encode_frame = encoder.EncodedVideo._encode

    def fail_late(self, frame):
        if frame.pts > 0:
            raise ZeroDivisionError
        encode_frame(self, frame)

    monkeypatch.setattr(encoder.EncodedVideo, "_encode", fail_late)
    begun = time.monotonic()
    with pytest.raises(ZeroDivisionError), VideoRecorder(tmp_path / "out.mp4", 10) as recorder:
        for _ in range(100):
            recorder.write(FRAME, None)
    assert time.monotonic() - begun < 2
    assert list(tmp_path.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "smilecam-encode"]
