"""Commands as (arguments, output, exit code)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.opencv import cv2

ROOT = Path(__file__).parents[2]


@pytest.fixture
def photos(tmp_path, astronaut, hopper):
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "astronaut.jpg"), astronaut)
    cv2.imwrite(str(folder / "hopper.png"), hopper)
    return folder


@pytest.fixture
def command(capfd, tmp_path, monkeypatch):
    """Run a command in this process, in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = call([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


def one_line(err):
    assert err.startswith("smilecam: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_version_and_help(command):
    assert command("--version")[:2] == (0, "smilecam, version 0.1.0\n")
    code, out, _ = command("--help")
    assert code == 0
    assert "3 a source could not be opened" in " ".join(out.split())


def test_help_in_the_docs_is_the_programs_own(command):
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    blocks = re.findall(r"```text\n\$ (smilecam.*?) --help\n(.*?)```", text, flags=re.DOTALL)
    assert {block[0] for block in blocks} >= {"smilecam", "smilecam detect", "smilecam train", "smilecam data fetch"}
    for name, shown in blocks:
        done = subprocess.run(
            [sys.executable, "-m", *name.split(), "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "80"},
        )
        assert shown == done.stdout, f"run python docs/update_help.py: {name} --help has changed"


def test_folder_of_photos(command, photos):
    code, out, err = command("detect", photos)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r".*astronaut\.jpg: 1 face: smile \d+%", lines[0])
    assert re.fullmatch(r".*hopper\.png: 1 face: no smile \d+%", lines[1])


def test_json_lines_on_standard_output_are_nothing_else(command, photos):
    code, out, err = command("detect", photos, "--jsonl", "-")
    assert code == 0
    results = [json.loads(line) for line in out.splitlines()]
    assert [face["smiling"] for result in results for face in result["faces"]] == [True, False]
    assert "astronaut.jpg: 1 face" in err


def test_video_with_every_output(command, clip, tmp_path):
    code, out, _ = command("detect", clip, "--save", "out.mp4", "--jsonl", "out.jsonl")
    assert code == 0
    assert "20 frames, 1.90 s; a face in 20, a smile in 10: 0.00-0.90 s" in out
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(20))
    assert lines[12]["time"] == 1.2
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.mp4"]


def test_annotated_pictures_in_a_folder(command, photos, tmp_path, astronaut):
    code, out, _ = command("detect", photos, "--save", "marked")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "marked").iterdir()) == [
        "astronaut_smiles.jpg",
        "hopper_smiles.png",
    ]
    drawn = cv2.imread(str(tmp_path / "marked" / "astronaut_smiles.jpg"))
    assert drawn.shape == astronaut.shape
    assert np.abs(drawn.astype(int) - astronaut).max() > 100
    assert "wrote marked" in out


def test_one_annotated_picture(command, photos, tmp_path):
    assert command("detect", photos / "hopper.png", "--save", "out.png")[0] == 0
    assert (tmp_path / "out.png").exists()


def test_max_frames(command, clip):
    code, out, _ = command("detect", clip, "--max-frames", "3", "--jsonl", "-")
    assert code == 0
    assert len(out.splitlines()) == 3


def test_picture_of_one_pixel_has_no_face(command, tmp_path):
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1, 3), np.uint8))
    code, out, err = command("detect", "dot.png", "--save", "marked.png")
    assert (code, err) == (0, "")
    assert "dot.png: no face" in out


@pytest.fixture
def bad_inputs(tmp_path, astronaut):
    jpeg = cv2.imencode(".jpg", astronaut)[1].tobytes()
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "text.mp4").write_text("I am a text.\n" * 100)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("no picture")
    (tmp_path / "huge.png").write_bytes(cv2.imencode(".png", np.zeros((12_000, 12_000), np.uint8))[1].tobytes())
    return tmp_path


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("missing.jpg", "no file at missing.jpg"),
        ("missing.mp4", "no file at missing.mp4"),
        ("empty.jpg", "empty.jpg is empty"),
        ("empty.mp4", "empty.mp4 is empty"),
        ("cut.jpg", "cut.jpg is not a picture, or is damaged or cut short"),
        ("text.mp4", "text.mp4 is not a video, or is damaged"),
        ("folder", "no pictures or videos in folder"),
        ("*.webp", "no pictures or videos match"),
        ("huge.png", "huge.png has more than 100,000,000 pixels"),
        ("63", "no camera opens at index 63"),
    ],
)
def test_bad_source(smilecam_command, bad_inputs, source, words):
    # In a process of its own: what native libraries print counts too.
    done = smilecam_command("detect", source)
    assert done.returncode == exit_codes.SOURCE
    assert done.stdout == ""
    assert words in one_line(done.stderr)


def test_some_of_several_inputs_failed(smilecam_command, bad_inputs, photos):
    done = smilecam_command("detect", "cut.jpg", photos / "astronaut.jpg", "missing.png", "--jsonl", "out.jsonl")
    assert done.returncode == exit_codes.SOME_FAILED
    assert len(done.stderr.splitlines()) == 2
    assert "astronaut.jpg: 1 face" in done.stdout
    assert len((bad_inputs / "out.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("option", ["--save", "--jsonl"])
@pytest.mark.parametrize("target", ["none/out.png", "file/out.png", "/proc/none/out.png"])
def test_output_that_cannot_be_written(command, photos, tmp_path, option, target):
    (tmp_path / "file").write_text("a file, not a folder")
    code, _, err = command("detect", photos / "hopper.png", option, target)
    assert code == exit_codes.FAILURE
    assert "cannot" in one_line(err)


def test_video_that_cannot_be_written(command, clip, tmp_path):
    code, _, err = command("detect", clip, "--save", "none/out.mp4")
    assert code == exit_codes.FAILURE
    assert "none" in one_line(err)


@pytest.mark.parametrize("option", ["--save", "--jsonl"])
def test_a_source_is_never_replaced(command, photos, option):
    before = (photos / "hopper.png").read_bytes()
    code, _, err = command("detect", photos / "hopper.png", option, photos / "hopper.png")
    assert code == exit_codes.USAGE
    assert "would replace a source" in one_line(err)
    assert (photos / "hopper.png").read_bytes() == before


def test_broken_model_file(command, photos, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    code, _, err = command("detect", photos, "--model", "broken.onnx")
    assert code == exit_codes.MODEL
    assert "model file broken.onnx: is not an ONNX file, or is damaged" in one_line(err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["detect"],
        ["detect", "x.jpg", "--threshold", "2"],
        ["detect", "x.jpg", "--nonsense"],
        ["nonsense"],
        ["train", "--device", "abacus"],
    ],
)
def test_usage(command, arguments):
    code, _, err = command(*arguments)
    assert code == exit_codes.USAGE
    assert "Usage:" in err


def test_internal_errors_are_one_line_and_debug_shows_more(command, monkeypatch, photos):
    def explode(*_arguments, **_options):
        raise ZeroDivisionError("a fault\nof ours")

    monkeypatch.setattr("smilecam.session.read_sources", explode)
    code, _, err = command("detect", photos)
    assert code == exit_codes.FAILURE
    assert one_line(err) == "smilecam: internal error, ZeroDivisionError: a fault of ours (--debug shows more)\n"
    assert "explode" in command("--debug", "detect", photos)[2]


@pytest.mark.parametrize(
    ("extra", "module", "arguments"),
    [
        ("train", "torch", ["train"]),
        ("train", "onnxscript", ["export", "runs/x", "--output", "x.onnx"]),
        ("demo", "skimage", ["demo"]),
    ],
)
def test_missing_extra_says_what_to_install(command, monkeypatch, extra, module, arguments):
    from importlib.util import find_spec

    monkeypatch.setattr("smilecam.cli.extras.find_spec", lambda name: None if name == module else find_spec(name))
    code, _, err = command(*arguments)
    assert code == exit_codes.FAILURE
    assert f'pip install "smilecam[{extra}]"' in one_line(err)


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory, astronaut):
    from smilecam.video.record import VideoRecorder

    path = tmp_path_factory.mktemp("long") / "long.mp4"
    frame = cv2.resize(astronaut, (640, 640))
    with VideoRecorder(path, 25) as recorder:
        for _ in range(1500):
            recorder.write(frame, None)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_whole_lines_and_a_playable_video(long_clip, tmp_path, number):
    lines, video = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    arguments = ["detect", str(long_clip), "--save", str(video), "--jsonl", str(lines)]
    with subprocess.Popen(
        [sys.executable, "-m", "smilecam", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not (lines.exists() and lines.read_text().count("\n") >= 10):
            assert time.monotonic() < deadline, "no lines came"
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert err.strip().splitlines()[-1] == "smilecam: interrupted"
    assert "Traceback" not in err
    written = lines.read_text()
    assert written.endswith("\n")
    frames = [json.loads(line)["frame"] for line in written.splitlines()]
    assert frames == list(range(len(frames)))
    assert 10 <= len(frames) < 1500
    capture = cv2.VideoCapture(str(video))
    shown = 0
    while capture.read()[0]:
        shown += 1
    assert abs(shown - len(frames)) <= 1
    assert "frames" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.mp4"]


def test_reader_that_goes_away(long_clip):
    pipeline = f'"{sys.executable}" -m smilecam detect "{long_clip}" --jsonl - | head -n 2'
    done = subprocess.run(["sh", "-c", pipeline], capture_output=True, text=True, timeout=60)
    assert len(done.stdout.splitlines()) == 2
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_demo(command, tmp_path):
    code, out, err = command("demo", "--out", "shown")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "demo correct"
    assert re.search(r"a smile was seen: 1\.50-4\.45 s \(astronaut, smiling\)\n", out)
    names = sorted(path.name for path in (tmp_path / "shown").iterdir())
    assert names == ["annotated.mp4", "clip.mp4", "contact_sheet.png", "results.jsonl"]
    lines = [json.loads(line) for line in (tmp_path / "shown" / "results.jsonl").read_text().splitlines()]
    smiling = [line["frame"] for line in lines if any(face["smiling"] for face in line["faces"])]
    assert set(smiling) <= set(range(30, 90))
    assert len(smiling) >= 48
    assert cv2.imread(str(tmp_path / "shown" / "contact_sheet.png")).shape == (960, 1200, 3)
