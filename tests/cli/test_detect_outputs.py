"""``smilecam detect``: several outputs at once, conditions to end, and stages that fail."""

import csv
import json
import re
import subprocess
import sys
import time

import pytest

from smilecam.cli import exit_codes
from smilecam.opencv import cv2


def lines_of(path, kind):
    return [line for line in map(json.loads, path.read_text("utf-8").splitlines()) if line["type"] == kind]


def test_all_outputs_at_once_agree(command, clip, tmp_path):
    code, out, err = command(
        "detect", clip, "--save", "out.mp4", "--jsonl", "out.jsonl", "--csv", "out.csv", "--webvtt", "out.vtt",
        "--snap", "smiles", "--blur",
    )  # fmt: skip
    assert code == 0
    assert re.fullmatch("smilecam: faces by .*\nsmilecam: --blur .*\n", err)
    frames, events = lines_of(tmp_path / "out.jsonl", "frame"), lines_of(tmp_path / "out.jsonl", "event")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(frames) == 20
    assert [row["frame"] for row in rows] == [str(line["frame"]) for line in frames for _ in line["faces"]]
    assert [row["track"] for row in rows] == [str(face["track"]) for line in frames for face in line["faces"]]
    assert [event["event"] for event in events] == ["smile_start", "smile_end"]
    cues = (tmp_path / "out.vtt").read_text("utf-8")
    assert cues.startswith("WEBVTT\n")
    assert cues.count("-->") == 1
    (snap,) = (tmp_path / "smiles").iterdir()
    assert cv2.imread(str(snap)).shape == (480, 480, 3)
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 20
    for name in ("out.mp4", "out.jsonl", "out.csv", "out.vtt", snap.name):
        assert name in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--jsonl", "-", "--csv", "-"), "cannot both"),
        (("--jsonl", "same", "--csv", "same"), "both name"),
        (("--webvtt", "same.vtt", "--jsonl", "same.vtt"), "both name"),
        (("--blur",), "--save or --snap"),
        (("--csv", ""), "empty name"),
        (("--webvtt", "cues.txt"), ".vtt"),
        (("--until", "frown"), "'frown'"),
        (("--detector", "eyes"), "'eyes'"),
        (("--timeout", "0"), "timeout"),
        (("--smoothing", "-1"), "smoothing"),
    ],
)
def test_options_that_make_no_sense(command, clip, options, words):
    code, _, err = command("detect", clip, *options)
    assert code == exit_codes.USAGE
    assert words in err


def test_an_output_never_replaces_its_source(command, clip, tmp_path):
    (tmp_path / "own.mp4").write_bytes(clip.read_bytes())
    for option in ("--csv", "--jsonl", "--save"):
        code, _, err = command("detect", "own.mp4", option, "own.mp4")
        assert code == exit_codes.USAGE
        assert "would replace a source" in err
    assert (tmp_path / "own.mp4").read_bytes() == clip.read_bytes()


def test_until_a_smile(command, clip, tmp_path):
    code, _, _ = command("detect", clip, "--until", "smile", "--jsonl", "out.jsonl")
    assert code == exit_codes.DONE
    frames = lines_of(tmp_path / "out.jsonl", "frame")
    assert 0 < len(frames) < 10
    assert frames[-1]["faces"][0]["smiling"]
    assert lines_of(tmp_path / "out.jsonl", "event")[0]["event"] == "smile_start"


def test_until_a_smile_in_pictures(command, tmp_path, astronaut, hopper):
    for name, picture in (("a.png", hopper), ("b.png", astronaut), ("c.png", hopper)):
        cv2.imwrite(str(tmp_path / name), picture)
    code, _, _ = command("detect", ".", "--until", "smile", "--jsonl", "out.jsonl")
    assert code == exit_codes.DONE
    assert [line["source"] for line in lines_of(tmp_path / "out.jsonl", "frame")] == ["a.png", "b.png"]
    code, _, _ = command("detect", "a.png", "--until", "smile")
    assert code == exit_codes.NOT_SEEN


@pytest.mark.parametrize("until", [(), ("--until", "smile")])
def test_a_time_limit_ends_an_endless_source_in_order(smilecam_command, tmp_path, until):
    started = time.monotonic()
    outputs = ("--jsonl", "out.jsonl", "--save", "out.mp4", "--detector", "haar")
    done = smilecam_command("detect", "synthetic:320x240@30", "--paced", "--timeout", "2", *outputs, *until)
    assert time.monotonic() - started < 15
    assert done.returncode == (exit_codes.NOT_SEEN if until else exit_codes.DONE)
    assert done.stderr == ""
    frames = lines_of(tmp_path / "out.jsonl", "frame")
    assert len(frames) > 10
    figures = lines_of(tmp_path / "out.jsonl", "figures")[-1]
    # The limit may come between a frame's processing and its line.
    assert len(frames) <= figures["frames"] <= len(frames) + 1
    assert figures["received"] >= len(frames)
    assert {"p50", "p95", "p99"} == set(figures["latency_ms"])
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.read()[0]


FAILING = """
import sys
from smilecam import errors
from smilecam.cli.main import call
def fail(*_, **__):
    raise {error}
{patch}
sys.exit(call(sys.argv[1:]))
"""

STAGES = {
    "decoding": ("from smilecam.sources import pyav as m; m.AvSource.__iter__ = fail", "SourceUnreadable", 3),
    "grey": (
        "from smilecam.sources.frame import Frame; Frame.grey = Frame.grey_pixels = property(fail)",
        "SourceUnreadable",
        3,
    ),
    "searching": ("from smilecam.detection.haar import HaarDetector as m; m.__call__ = fail", "SmilecamError", 1),
    "following": ("from smilecam.detection.haar import HaarDetector as m; m.redetect = fail", "SmilecamError", 1),
    "reading": (
        "from smilecam.classification.classifier import SmileClassifier as m; m.__call__ = fail",
        "ModelFileError",
        4,
    ),
    "tracking": ("from smilecam.tracking.tracker import Tracker as m; m.update = fail", "SmilecamError", 1),
    "deciding": (
        "from smilecam.tracking import smile_path as m, smile_state as n\nm.SmilePath.add = n.SmileState.update = fail",
        "SmilecamError",
        1,
    ),
    "drawing": ("import smilecam.sinks.annotated as m; m.annotate = fail", "OutputError", 1),
    "encoding": ("from smilecam.sinks.video_writer import VideoRecorder as m; m.write = fail", "OutputError", 1),
    "writing": ("from smilecam.sinks.jsonl import JsonLines as m; m.write = fail", "OutputError", 1),
}


@pytest.mark.parametrize("realtime", [(), ("--realtime",)])
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails_ends_the_process_with_one_line(clip, tmp_path, stage, realtime):
    patch, error, code = STAGES[stage]
    script = FAILING.format(error=f"errors.{error}('the stage failed on purpose')", patch=patch)
    arguments = ["detect", str(clip), "--jsonl", "out.jsonl", "--save", "out.mp4", "--detector", "haar", *realtime]
    started = time.monotonic()
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert done.stderr == "smilecam: the stage failed on purpose\n"
    assert time.monotonic() - started < 20
    lines = tmp_path / "out.jsonl"  # without a result there is no file
    assert not lines.exists() or lines.read_text("utf-8").endswith("}\n")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that runs commands in the background")
def test_timeout_ends_a_background_job_of_a_script(tmp_path):
    """A shell has such jobs ignore SIGINT, which the deadline must not depend on."""
    arguments = "detect synthetic:320x240@30?seconds=600 --realtime --jsonl out.jsonl --timeout 1.5 --until smile"
    job = f"'{sys.executable}' -m smilecam {arguments} > out.txt 2>&1 & wait $!; echo $?"
    started = time.monotonic()
    done = subprocess.run(["sh", "-c", job], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "6\n"
    assert time.monotonic() - started < 10
    assert (tmp_path / "out.jsonl").read_text().endswith("}\n")
    assert "wrote out.jsonl" in (tmp_path / "out.txt").read_text()
