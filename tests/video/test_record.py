import numpy as np
import pytest

from smilecam.errors import OutputError
from smilecam.opencv import cv2
from smilecam.video.record import VideoRecorder

FRAME = np.full((96, 128, 3), 100, np.uint8)


def count_frames(path):
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi", ".MP4"])
def test_every_format_plays(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    with VideoRecorder(path, 20) as recorder:
        for number in range(12):
            recorder.write(FRAME, number / 20)
    assert count_frames(path) == 12
    assert list(tmp_path.iterdir()) == [path]


def test_odd_sizes(tmp_path):
    path = tmp_path / "odd.mp4"
    with VideoRecorder(path, 20) as recorder:
        recorder.write(np.zeros((97, 131, 3), np.uint8), 0.0)
    assert count_frames(path) == 1


def test_gaps_are_filled_so_that_time_is_kept(tmp_path):
    path = tmp_path / "gaps.mp4"
    with VideoRecorder(path, 10) as recorder:
        for at in (5.0, 5.1, 5.6, 6.0):
            recorder.write(FRAME, at)
    assert recorder.written == 11
    assert count_frames(path) == 11


def test_jumping_timestamps_fill_no_disk(tmp_path):
    with VideoRecorder(tmp_path / "jump.mp4", 10) as recorder:
        for at in (0.0, 0.1, 90_000.0, 90_000.1, 3.0):
            recorder.write(FRAME, at)
    assert recorder.written == 5


def test_frames_so_far_are_kept_when_it_is_interrupted(tmp_path):
    path = tmp_path / "interrupted.mp4"
    with pytest.raises(KeyboardInterrupt), VideoRecorder(path, 10) as recorder:
        for number in range(7):
            recorder.write(FRAME, number / 10)
        raise KeyboardInterrupt
    assert count_frames(path) == 7


def test_nothing_is_left_without_frames(tmp_path):
    with VideoRecorder(tmp_path / "none.mp4", 10):
        pass
    assert list(tmp_path.iterdir()) == []


def test_tiny_frames_are_padded(tmp_path):
    path = tmp_path / "tiny.mp4"
    with VideoRecorder(path, 10) as recorder:
        recorder.write(np.full((1, 3, 3), 200, np.uint8), None)
    done, image = cv2.VideoCapture(str(path)).read()
    assert done
    assert image.shape == (16, 16, 3)
    assert abs(float(image.mean()) - 200) < 5


def test_unknown_suffix(tmp_path):
    with pytest.raises(OutputError, match=r"ends in \.mp4"):
        VideoRecorder(tmp_path / "out.xyz", 10)


def test_missing_folder(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        VideoRecorder(tmp_path / "none" / "out.mp4", 10)


def test_changing_size(tmp_path):
    recorder = VideoRecorder(tmp_path / "out.mp4", 10)
    recorder.write(FRAME, None)
    with pytest.raises(OutputError, match="change their size"):
        recorder.write(FRAME[:50], None)
    recorder.close()
