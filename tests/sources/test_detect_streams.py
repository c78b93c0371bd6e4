"""The whole program on a real stream whose server goes away and comes back, and two people who pass each other."""

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

from clips import encode
from smilecam import SmileDetector
from smilecam.opencv import cv2


def lines_of(path):
    text = path.read_text("utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def wait_for(path, wanted, seconds=30):
    """Wait until a line is there for which ``wanted`` holds."""
    deadline = time.monotonic() + seconds
    while not any(map(wanted, lines_of(path))):
        assert time.monotonic() < deadline, "no such line came"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stream_that_is_lost_and_restored_is_reported_and_recorded(rtsp, tmp_path, number):
    lines, video = tmp_path / "out.jsonl", tmp_path / "out.mkv"
    arguments = ["detect", rtsp.url("user:secret@"), "--jsonl", lines, "--save", video, "--read-timeout", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "smilecam", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_for(lines, lambda line: line["type"] == "frame" and line["frame"] > 20)
            rtsp.kill()
            wait_for(lines, lambda line: line.get("event") == "source_lost")
            rtsp.start()
            wait_for(lines, lambda line: line.get("event") == "source_restored")
            shown = len(lines_of(lines))
            wait_for(lines, lambda line: line["type"] == "frame" and len(lines_of(lines)) > shown + 20)
        finally:
            asked = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    assert time.monotonic() - asked < 4
    assert process.returncode == 130
    assert "secret" not in out + err + lines.read_text("utf-8")
    kinds = [line["event"] for line in lines_of(lines) if line["type"] == "event"]
    assert kinds == ["source_lost", "source_restored"]
    frames = [line for line in lines_of(lines) if line["type"] == "frame"]
    assert all(a["frame"] < b["frame"] and a["time"] < b["time"] for a, b in pairwise(frames))
    figures = [line for line in lines_of(lines) if line["type"] == "figures"][-1]
    assert figures["reconnects"] == 1
    assert figures["source"].startswith("rtsp://***@127.0.0.1")
    capture, played = cv2.VideoCapture(str(video)), 0
    while capture.read()[0]:
        played += 1
    assert played == len(frames)


def test_two_people_who_pass_each_other_keep_their_tracks(tmp_path, astronaut, hopper):
    faces = [cv2.resize(portrait, (200, 200)) for portrait in (astronaut[0:300, 90:390], hopper[0:400, 60:460])]
    pictures = []
    for number in range(60):
        canvas = np.full((480, 900, 3), 120, np.uint8)
        for row, (face, left) in enumerate(zip(faces, (10 + 11 * number, 680 - 11 * number), strict=True)):
            canvas[10 + 230 * row : 210 + 230 * row, left : left + 200] = face
        pictures.append(canvas)
    path = tmp_path / "passing.mp4"
    encode(path, pictures)
    by_track = {}
    for result in SmileDetector().stream(path):
        for face in result.faces:
            by_track.setdefault(face.track, []).append((face.box.y1 < 220, face.smile))
    assert set(by_track) == {1, 2}
    for seen in by_track.values():
        assert len(seen) > 50
        assert len({upper for upper, _ in seen}) == 1  # each stays who it was
    smiles = {seen[0][0]: np.median([smile for _, smile in seen]) for seen in by_track.values()}
    assert smiles[True] > 0.5 > smiles[False]
