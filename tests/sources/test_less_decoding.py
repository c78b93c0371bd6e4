"""Cheaper decoding: every frame that comes is at its number and time."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest

from smilecam.cli.main import call
from smilecam.sources.base import SourceOptions
from smilecam.sources.decoding import Decoding, FrameNumbers
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources

FRAMES = 48


@pytest.fixture(scope="module")
def moving(tmp_path_factory, astronaut):
    """A folder with a video in several containers, with frames that none is predicted from, at uneven times."""
    folder = tmp_path_factory.mktemp("moving")
    for name in ("clip.mp4", "clip.mkv", "clip.avi", "mpeg4.mp4"):
        codec, tick = "libx264" if name in {"clip.mp4", "clip.mkv"} else "mpeg4", 1 if name == "clip.avi" else 40
        with av.open(str(folder / name), "w") as out:
            options = {"bf": "2", "g": "24"} if codec == "mpeg4" else {"bf": "3", "g": "24", "preset": "veryfast"}
            video = out.add_stream(codec, rate=25, options=options)
            video.width, video.height, video.pix_fmt, video.time_base = 256, 256, "yuv420p", Fraction(1, 25 * tick)
            for number in range(FRAMES):
                image = np.roll(astronaut[:256, 100:356], 3 * number, axis=1)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
                frame.pts = number * tick + (number % 3 if name.endswith("mkv") else 0)
                frame.time_base = Fraction(1, 25 * tick)
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
    return folder


def decoded(path, decoding):
    with open_source(find_sources(path)[0], SourceOptions(decoding=decoding)) as source:
        frames = [(frame.number, frame.time, frame.grey.copy()) for frame in source]
    assert source.missing == 0
    return frames


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "mpeg4.mp4"])
def test_reference_frames_have_their_numbers_times_and_pixels(moving, name):
    full = decoded(moving / name, Decoding.FULL)
    fewer = decoded(moving / name, Decoding.REFERENCE_FRAMES)
    assert [number for number, _, _ in full] == list(range(FRAMES))
    assert 8 <= len(fewer) <= 40
    for number, time, grey in fewer:
        assert time == full[number][1]
        assert np.array_equal(grey, full[number][2])


def test_without_loop_filter_every_frame_comes_and_looks_about_the_same(moving):
    full = decoded(moving / "clip.mp4", Decoding.FULL)
    rough = decoded(moving / "clip.mp4", Decoding.NO_LOOP_FILTER)
    assert [frame[:2] for frame in rough] == [frame[:2] for frame in full]
    differences = [np.abs(one[2].astype(int) - other[2]).mean() for one, other in zip(rough, full, strict=True)]
    assert 0 < max(differences) < 8


@pytest.mark.parametrize("decoding", Decoding)
def test_a_container_without_times_is_decoded_in_full(moving, decoding):
    assert len(decoded(moving / "clip.avi", decoding)) == FRAMES


def test_numbers_of_frames_between_skipped_ones():
    numbers = FrameNumbers()
    for pts in (0, 40, 10, 20, 30):
        numbers.add(pts)
    assert [numbers.take(0), numbers.take(40)] == [0, 4]
    assert numbers.skipped == 3
    for pts in (60, 50):
        numbers.add(pts)
    assert numbers.take(60) == 6
    assert numbers.skipped == 4


def test_the_command_gives_results_for_the_frames_that_are_decoded(moving, tmp_path, capsys):
    path = moving / "clip.mp4"
    assert call(["detect", str(path), "--detector", "haar", "--decode", "reference-frames", "--jsonl", "-"]) in {0, 1}
    numbers = [number for number, _, _ in decoded(path, Decoding.REFERENCE_FRAMES)]
    lines = [line for line in capsys.readouterr().out.splitlines() if '"frame": ' in line and '"faces"' in line]
    assert len(lines) == len(numbers)
    for line, number in zip(lines, numbers, strict=True):
        assert f'"frame": {number},' in line


def test_another_word_is_refused(moving, capsys):
    assert call(["detect", str(moving / "clip.mp4"), "--decode", "half"]) == 2
    assert "'half' is not one of 'full', 'no-loop-filter', 'reference-frames'" in capsys.readouterr().err


def test_a_scan_with_fewer_frames_has_rows_for_these(moving, tmp_path):
    pytest.importorskip("pyarrow", reason='needs the "scan" extra')
    path, out = moving / "clip.mp4", tmp_path / "out"
    options = ["--detector", "haar", "--workers", "1", "--every", "0", "--format", "jsonl"]
    assert call(["scan", str(path), "--out", str(out), *options, "--decode", "reference-frames"]) == 0
    rows = [json.loads(line) for line in (out / "frames.jsonl").read_text("utf-8").splitlines()]
    assert [row["frame"] for row in rows] == [number for number, _, _ in decoded(path, Decoding.REFERENCE_FRAMES)]


def test_pieces_are_counted_by_all_frames(moving, tmp_path, capsys):
    pytest.importorskip("pyarrow", reason='needs the "scan" extra')
    arguments = ["scan", str(moving), "--out", str(tmp_path / "out"), "--split", "5", "--decode", "reference-frames"]
    assert call(arguments) == 2
    assert "--split counts every frame" in capsys.readouterr().err
