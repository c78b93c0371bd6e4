"""``smilecam cameras``, with the cameras of this machine and with recorded ones."""

import re

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.opencv import cv2
from smilecam.sources import camera


class Camera:
    """Stands for cv2.VideoCapture where no camera is."""

    released = 0

    def get(self, what):
        return {cv2.CAP_PROP_FRAME_WIDTH: 1280.0, cv2.CAP_PROP_FRAME_HEIGHT: 720.0, cv2.CAP_PROP_FPS: 30.0}[what]

    def release(self):
        Camera.released += 1


def test_what_opens_is_listed(monkeypatch, capsys):
    monkeypatch.setattr(camera, "_candidates", lambda: {0: "Front, /dev/video0", 1: "", 3: "in use"})
    monkeypatch.setattr(camera, "open_camera", lambda index: Camera() if index < 3 else None)
    assert call(["cameras"]) == exit_codes.DONE
    out = capsys.readouterr().out
    assert out == "0  Front, /dev/video0  1280x720, 30 frames/s\n1  1280x720, 30 frames/s\n"
    assert Camera.released == 2


def test_cameras_of_this_machine(smilecam_command):
    done = smilecam_command("cameras")
    assert done.stderr == ""
    if done.returncode == exit_codes.SOURCE:
        assert done.stdout == "no camera found\n"
    else:
        assert done.returncode == exit_codes.DONE
        assert all(re.match(r"\d+  .*\d+x\d+", line) for line in done.stdout.splitlines())
