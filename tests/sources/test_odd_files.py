"""Recordings joined, headers that are missing or late, files that never end: on the real program."""

import json
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from test_mjpeg import Camera, part

from clips import encode, graded, headless_mpeg4, many_blocks, recording
from smilecam.cli import exit_codes
from smilecam.errors import SourceUnreadable
from smilecam.opencv import cv2
from smilecam.sources.pyav import open_file
from smilecam.sources.resolve import find_sources

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def detect(run, *arguments):
    return run("detect", *arguments, "--detector", "haar")


def times_in(path):
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [line["time"] for line in lines if line["type"] == "frame"]


@pytest.mark.parametrize(("container", "codec"), [("mpegts", "libx264"), ("mpeg", "mpeg2video")])
@pytest.mark.parametrize("audio", ["mp2", "aac"])
def test_recordings_joined_are_one(smilecam_command, tmp_path, container, codec, audio):
    if container == "mpeg" and audio == "aac":
        pytest.skip("this container holds no such audio")
    one = recording(tmp_path / "one", container=container, codec=codec, audio=audio).read_bytes()
    (tmp_path / "joined.ts").write_bytes(one + one)
    done = detect(smilecam_command, "joined.ts", "--save", "out.mp4", "--jsonl", "out.jsonl")
    assert done.returncode == exit_codes.DONE, done.stderr
    times = times_in(tmp_path / "out.jsonl")
    assert len(times) == 120
    assert np.allclose(np.diff(times), 0.04, atol=0.001)
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.streams.video[0].frames == 120
        (sound,) = film.streams.audio
        assert float(sound.duration * sound.time_base) == pytest.approx(4.8, abs=0.15)


def test_headers_that_come_late(smilecam_command, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (240, 480, 640, 3), np.uint8)
    path = headless_mpeg4(tmp_path / "late.ts", tmp_path, noise, headers_at=200)
    assert path.stat().st_size > 6_000_000  # more than FFmpeg looks at before it decodes
    done = detect(smilecam_command, path, "--jsonl", "out.jsonl")
    assert done.returncode == exit_codes.DONE, done.stderr
    assert len(times_in(tmp_path / "out.jsonl")) == 40


def test_headers_that_are_missing(smilecam_command, tmp_path):
    path = headless_mpeg4(tmp_path / "none.ts", tmp_path, [graded(number) for number in range(20)])
    done = detect(smilecam_command, path)
    assert done.returncode == exit_codes.SOURCE
    assert "no frame of it can be decoded: it gives no size of its frames" in done.stderr


@posix_only
def test_an_interrupt_among_countless_audio_blocks(tmp_path):
    many_blocks(tmp_path / "blocks.mkv", tmp_path, 6_000_000)
    arguments = ["detect", "blocks.mkv", "--detector", "haar", "--save", "out.mp4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "smilecam", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not list(tmp_path.glob(".out-*")):
        time.sleep(0.02)
    time.sleep(0.8)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 6  # 2 s on an idle machine
    assert (process.returncode, err) == (exit_codes.INTERRUPTED, b"smilecam: interrupted\n")


@pytest.mark.skipif(not Path("/proc/kmsg").exists(), reason="a file of Linux")
@pytest.mark.parametrize("name", ["/proc/kmsg", "/proc/self/status", "/dev/zero", "/dev/tty", "/proc/self/mem"])
def test_files_of_the_system_are_no_sources(smilecam_command, name):
    done = smilecam_command("detect", name, timeout=30)
    assert done.returncode == exit_codes.SOURCE
    assert name in done.stderr


CHANGES = {
    "size": {"images": [graded(n, (128, 160)) for n in range(50)]},
    "rate": {"images": [graded(n) for n in range(50)], "time_base": Fraction(1, 25)},
    "codec": {"images": [graded(n) for n in range(150)], "codec": "mpeg2video", "time_base": Fraction(1, 25)},
}


@pytest.fixture(params=CHANGES)
def changing(request, tmp_path):
    """Two recordings joined into a transport stream: the second one is of another size, rate or codec."""
    first = encode(tmp_path / "first.ts", [graded(n) for n in range(30)], options={"g": "10"})
    second = encode(tmp_path / "second.ts", **CHANGES[request.param])
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return request.param, path


def test_what_changes_in_the_middle_of_a_file(changing, smilecam_command, tmp_path):
    """Another size or rate is read on; of another codec no frame can be, and that is said."""
    what, path = changing
    done = smilecam_command("detect", path, "--detector", "haar", "--save", "out.mp4", "--jsonl", "out.jsonl")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    frames = [line["time"] for line in lines if line["type"] == "frame"]
    with av.open(str(tmp_path / "out.mp4")) as recording:
        assert sum(1 for _ in recording.decode(video=0)) == len(frames)
    assert frames == sorted(frames)
    if what == "codec":
        assert 28 <= len(frames) <= 31
        assert re.search(rf"{len(frames)} frames of 1\d\d announced", done.stdout)
    else:
        assert len(frames) == 80


@pytest.mark.parametrize("changing", ["codec"], indirect=True)
def test_a_live_stream_whose_codec_changes_is_opened_anew(changing):
    (ref,) = find_sources(changing[1])
    with open_file(ref, ref.path) as source:
        source.live = True
        with pytest.raises(SourceUnreadable, match="cannot be decoded any more"):
            list(source)
        assert 25 <= source.counts.received <= 30


def test_an_mjpeg_camera_whose_images_change_their_size(smilecam_command, tmp_path):
    sizes = [(64, 96)] * 10 + [(128, 160)] * 10 + [(48, 64)] * 10
    parts = [part(cv2.imencode(".jpg", graded(at, size))[1].tobytes()) for at, size in enumerate(sizes)]
    with Camera(b"".join(parts), pace=0.05) as camera:
        outputs = ("--save", "out.mp4", "--jsonl", "out.jsonl", "--reconnect-timeout", "0")
        done = smilecam_command("detect", camera.url, "--detector", "haar", *outputs)
    assert "Traceback" not in done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    frames = [line for line in lines if line["type"] == "frame"]
    assert len(frames) >= 15
    with av.open(str(tmp_path / "out.mp4")) as recording:
        assert sum(1 for _ in recording.decode(video=0)) == len(frames)
