import os
import signal
import socket
import subprocess
import sys

import pytest
from served import serving

from smilecam.detection.files import YUNET_FILE
from smilecam.opencv import cv2

WATCH = ("watch", "--port", "0", "--no-browser")


def test_a_damaged_detector_is_reported_as_by_detect(tmp_path, smilecam_command, astronaut):
    file = tmp_path / "data" / "models" / YUNET_FILE.path.name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"damaged")
    cv2.imwrite(str(tmp_path / "image.png"), astronaut)
    environment = {**os.environ, "SMILECAM_DATA": str(tmp_path / "data")}
    watch = smilecam_command(*WATCH, "--detector", "yunet", env=environment)
    detect = smilecam_command("detect", "image.png", "--detector", "yunet", env=environment)
    assert (watch.returncode, watch.stdout) == (4, "")
    assert watch.stderr.startswith("smilecam: ")
    assert watch.stderr.count("\n") == 1
    assert (watch.returncode, watch.stderr) == (detect.returncode, detect.stderr)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        ("ZeroDivisionError('x')", 1, "internal error, ZeroDivisionError"),
        ("smilecam.errors.ModelFileError('the model is damaged')", 4, "the model is damaged"),
    ],
)
def test_an_error_at_startup_is_reported(error, code, sentence):
    program = f"""
import smilecam.errors
from smilecam.__main__ import run
from smilecam.server import app

def fail(service):
    raise {error}

app._warm_up = fail
run()
"""
    command = [sys.executable, "-c", program, *WATCH]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"smilecam: {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_reported(smilecam_command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = smilecam_command("watch", "--no-browser", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("smilecam: cannot listen on 127.0.0.1 port ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("state", "name", "line"),
    [
        ("empty_data_folder", "haar", "faces by the Haar cascade; smilecam models fetch yunet adds small"),
        ("damaged_yunet", "haar", "is not the YuNet file"),
        ("fetched_yunet", "yunet", None),
    ],
)
def test_the_default_detector_is_chosen_at_the_start(tmp_path, request, smiling, state, name, line):
    request.getfixturevalue(state)
    with serving(tmp_path, "--detector", "auto") as server:
        offered = server.get("/v1/models").json()
        assert offered["detectors"] == (["haar", "yunet"] if name == "yunet" else ["haar"])
        assert offered["default"]["detector"] == name
        assert server.still_serves(smiling)
        server.stop()
        *warnings, interrupted = server.errors.read_text().splitlines()
        assert interrupted == "smilecam: interrupted"
        assert len(warnings) == (line is not None)
        assert all(line in warning for warning in warnings)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_is_told_from_an_end_where_whoever_started_it_ignores_interrupts(tmp_path):
    """As a shell does for what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with serving(tmp_path) as server:
            assert server.stop()[0] == 130
            assert server.errors.read_text() == "smilecam: interrupted\n"
    finally:
        signal.signal(signal.SIGINT, before)
