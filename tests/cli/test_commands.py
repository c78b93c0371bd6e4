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
from smilecam.cli.main import main
from smilecam.installation import install_command
from smilecam.opencv import cv2

ROOT = Path(__file__).parents[2]


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


def names_of_commands(command, name="smilecam"):
    yield name
    for word, each in getattr(command, "commands", {}).items():
        if not each.hidden:
            yield from names_of_commands(each, f"{name} {word}")


def test_help_in_the_docs_is_the_programs_own():
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    blocks = re.findall(r"```text\n\$ (smilecam.*?) --help\n(.*?)```", text, flags=re.DOTALL)
    assert sorted(block[0] for block in blocks) == sorted(names_of_commands(main)), "a block for every command"
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
    code, out, err = command("detect", photos, "--detector", "haar")
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


def frames_and_events(path):
    """The lines of a --jsonl file, by their kind."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line["type"] == "frame"], [line for line in lines if line["type"] == "event"]


def test_video_with_every_output(command, clip, tmp_path):
    code, out, _ = command("detect", clip, "--save", "out.mp4", "--jsonl", "out.jsonl")
    assert code == 0
    assert re.search(r"20 frames, 1\.90 s; a face in 20, a smile in ([89]|10|11): 0\.[01]0-(0\.9|1\.[0-2])0 s", out)
    lines, events = frames_and_events(tmp_path / "out.jsonl")
    assert [line["frame"] for line in lines] == list(range(20))
    assert [event["event"] for event in events] == ["smile_start", "smile_end"]
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
    assert [line["frame"] for line in map(json.loads, out.splitlines()) if line["type"] == "frame"] == [0, 1, 2]


def test_picture_of_one_pixel_has_no_face(command, tmp_path):
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1, 3), np.uint8))
    code, out, err = command("detect", "dot.png", "--save", "marked.png", "--detector", "haar")
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
        ("cut.jpg", "cut.jpg is not an image, or is damaged or cut short"),
        ("text.mp4", "text.mp4 is not a video, or is damaged"),
        ("folder", "no images or videos in folder"),
        ("*.webp", "no images or videos match"),
        ("huge.png", "huge.png has more than 100,000,000 pixels"),
        ("63", "no camera opens at index 63"),
        ("camera:62", "no camera opens at index 62"),
        ("99999999999999", "no camera opens at index"),
        ("x" * 5000, "cannot be looked at: File name too long"),
    ],
)
def test_bad_source(smilecam_command, bad_inputs, source, words):
    # In a process of its own: what native libraries print counts too.
    done = smilecam_command("detect", source)
    assert done.returncode == exit_codes.SOURCE
    assert done.stdout == ""
    assert words in one_line(done.stderr)


def test_some_of_several_inputs_failed(smilecam_command, bad_inputs, photos):
    done = smilecam_command(
        "detect", "cut.jpg", photos / "astronaut.jpg", "missing.png", "--jsonl", "out.jsonl", "--detector", "haar"
    )
    assert done.returncode == exit_codes.SOME_FAILED
    assert len(done.stderr.splitlines()) == 2
    assert "astronaut.jpg: 1 face" in done.stdout
    assert len((bad_inputs / "out.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("option", ["--save", "--jsonl"])
@pytest.mark.parametrize("target", ["none/out.png", "file/out.png", "/proc/none/out.png"])
def test_output_that_cannot_be_written(command, photos, tmp_path, option, target):
    (tmp_path / "file").write_text("a file, not a folder")
    code, _, err = command("detect", photos / "hopper.png", option, target, "--detector", "haar")
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

    monkeypatch.setattr("smilecam.pipeline.run_sources.run_sources", explode)
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
    assert one_line(err).strip().endswith(install_command(extra))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory, astronaut):
    from smilecam.sinks.video_writer import VideoRecorder

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
    frames = [line["frame"] for line in frames_and_events(lines)[0]]
    assert frames == list(range(len(frames)))
    assert 9 <= len(frames) < 1500  # one of the ten lines may be an event
    capture = cv2.VideoCapture(str(video))
    shown = 0
    while capture.read()[0]:
        shown += 1
    assert abs(shown - len(frames)) <= 1
    assert "frames" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.mp4"]


def test_second_request_to_end_does_no_harm(long_clip, tmp_path):
    video = tmp_path / "out.mp4"
    arguments = ["detect", str(long_clip), "--save", str(video), "--jsonl", str(tmp_path / "out.jsonl")]
    with subprocess.Popen([sys.executable, "-m", "smilecam", *arguments], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not ((tmp_path / "out.jsonl").exists() and (tmp_path / "out.jsonl").stat().st_size > 2000):
            assert time.monotonic() < deadline, "no lines came"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert err.splitlines()[-1] == "smilecam: interrupted"
    assert cv2.VideoCapture(str(video)).isOpened()


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("delay", [0.03, 0.1, 0.2])
def test_interrupt_in_the_first_moments(long_clip, delay, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "smilecam", "detect", str(long_clip)], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    # Before Python itself is up, the system ends the process.
    assert process.returncode in (exit_codes.INTERRUPTED, -signal.SIGTERM)
    assert "Traceback" not in err
    assert "Error" not in err


def test_recording_survives_a_reader_that_goes_away(clip, tmp_path):
    pipeline = f'"{sys.executable}" -m smilecam detect "{clip}" --save out.mp4 | true'
    subprocess.run(["sh", "-c", pipeline], cwd=tmp_path, timeout=60, check=False)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert cv2.VideoCapture(str(tmp_path / "out.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 20


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disks(smilecam_command, clip, photos, tmp_path):
    done = smilecam_command("detect", clip, "--jsonl", "/dev/full", "--detector", "haar")
    assert done.returncode == exit_codes.FAILURE
    assert "cannot write /dev/full: No space left on device" in one_line(done.stderr)
    with Path("/dev/full").open("w") as full:
        done = smilecam_command(
            "detect", photos, "--detector", "haar", capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == exit_codes.FAILURE
    assert "cannot write standard output" in one_line(done.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX limits")
@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv"])
def test_disk_that_fills_up_while_recording(long_clip, tmp_path, suffix):
    detect = f'"{sys.executable}" -m smilecam detect --detector haar'
    script = f'ulimit -f 16; {detect} "{long_clip}" --max-frames 40 --save out.{suffix}'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == exit_codes.FAILURE
    assert "to its end: File too large" in one_line(done.stderr)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(sys.platform == "win32", reason="closes POSIX file descriptors")
def test_closed_standard_streams(long_clip, tmp_path):
    script = f'"{sys.executable}" -m smilecam detect "{long_clip}" --max-frames 60 --jsonl out.jsonl'
    assert subprocess.run(["sh", "-c", f"{script} 2>&-"], cwd=tmp_path, timeout=60, check=False).returncode == 0
    assert len(frames_and_events(tmp_path / "out.jsonl")[0]) == 60
    script = f'"{sys.executable}" -m smilecam detect "{long_clip}" --jsonl - >&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == exit_codes.FAILURE
    assert "standard output: it is closed" in one_line(done.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text(smilecam_command, photos, clip, tmp_path):
    folder = os.fsencode(tmp_path)
    (tmp_path / "good.png").write_bytes((photos / "hopper.png").read_bytes())
    Path(os.fsdecode(folder + b"/a\xff.png")).write_bytes((photos / "astronaut.jpg").read_bytes())
    Path(os.fsdecode(folder + b"/b\xff.mp4")).write_bytes(clip.read_bytes())
    done = smilecam_command("detect", ".", "--jsonl", "out.jsonl", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == exit_codes.DONE
    sources = {line["source"] for line in frames_and_events(tmp_path / "out.jsonl")[0]}
    assert len(sources) == 3
    done = smilecam_command("detect", clip, "--save", os.fsdecode(b"w\xff.mp4"))
    assert done.returncode == exit_codes.FAILURE
    assert "valid Unicode" in one_line(done.stderr)


def test_line_breaks_in_names(smilecam_command):
    done = smilecam_command("detect", "a\nb\x1b[31m.jpg")
    assert r"match a\nb\x1b[31m.jpg" in one_line(done.stderr)


@pytest.mark.parametrize("kind", ["link", "hard link"])
@pytest.mark.parametrize("option", ["--save", "--jsonl"])
def test_a_source_is_never_replaced_through_a_link(command, photos, tmp_path, option, kind):
    source, other = photos / "hopper.png", tmp_path / "other.png"
    other.symlink_to(source) if kind == "link" else other.hardlink_to(source)
    before = source.read_bytes()
    code, _, err = command("detect", source, option, other)
    assert code == exit_codes.USAGE
    assert "would replace a source" in one_line(err)
    assert source.read_bytes() == before


def test_outputs_never_replace_other_inputs(command, photos, tmp_path):
    from smilecam.classification.classifier import model_path

    model = tmp_path / "mine.onnx"
    model.write_bytes(model_path("lenet").read_bytes())
    for arguments in (
        ["detect", photos, "--model", model, "--jsonl", model],
        ["detect", photos / "hopper.png", "--save", "same.png", "--jsonl", "same.png"],
        ["evaluate", "--data", photos, "--model", model, "--json", model],
    ):
        code, _, err = command(*arguments)
        assert code == exit_codes.USAGE
        one_line(err)
    assert model.read_bytes() == model_path("lenet").read_bytes()


@pytest.mark.parametrize(
    "arguments", [["detect", ""], ["detect", "x.jpg", "--save", ""], ["detect", "x.jpg", "--jsonl", ""]]
)
def test_empty_names(command, arguments):
    code, _, err = command(*arguments)
    assert code == exit_codes.USAGE
    assert "empty name" in one_line(err)


def test_results_through_links_and_pipes(command, photos, tmp_path):
    (tmp_path / "target.png").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    assert command("detect", photos / "hopper.png", "--save", "link.png")[0] == 0
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "target.png").stat().st_size > 0
    assert command("evaluate", "--data", _labelled(photos), "--boxes", "find", "--json", "/dev/null")[0] == 0
    assert not Path("/dev/null").is_file()


def _labelled(photos):
    for label, name in (("smile", "astronaut.jpg"), ("not_smile", "hopper.png")):
        (photos / label).mkdir()
        (photos / label / name).write_bytes((photos / name).read_bytes())
    return photos


def test_one_bad_size_does_not_stop_the_rest(command, tmp_path, clip):
    from smilecam.sinks.video_writer import VideoRecorder

    folder = tmp_path / "mixed"
    folder.mkdir()
    with VideoRecorder(folder / "a.avi", 10) as recorder:
        recorder.write(np.zeros((5, 7, 3), np.uint8), None)
    (folder / "b.mp4").write_bytes(clip.read_bytes())
    code, out, _ = command("detect", folder, "--save", "marked")
    assert code == 0
    assert len(list((tmp_path / "marked").iterdir())) == 2
    assert "b.mp4: 20 frames" in out


def test_cut_video_says_so(command, tmp_path, long_clip, astronaut):
    from smilecam.sinks.video_writer import VideoRecorder

    with VideoRecorder(tmp_path / "whole.mkv", 10) as recorder:
        for shift in range(30):
            recorder.write(np.roll(cv2.resize(astronaut, (320, 320)), shift * 5, axis=1), None)
    content = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) * 3 // 4])
    code, out, _ = command("detect", "cut.mkv", "--jsonl", "out.jsonl")
    assert code == 0
    frames = len(frames_and_events(tmp_path / "out.jsonl")[0])
    assert 0 < frames < 30
    assert f"cut.mkv: {frames} frames of " in out


@pytest.mark.skipif(sys.platform == "win32", reason="opens a POSIX terminal")
def test_progress_bar_on_a_terminal(long_clip):
    import pty
    import termios

    primary, secondary = pty.openpty()
    termios.tcsetwinsize(secondary, (24, 80))
    command = [sys.executable, "-m", "smilecam", "detect", str(long_clip), "--max-frames", "60"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=secondary) as process:
        os.close(secondary)
        shown = b""
        while True:
            try:
                block = os.read(primary, 4096)
            except OSError:  # the terminal's other end is closed
                break
            if not block:
                break
            shown += block
    os.close(primary)
    assert process.returncode == 0
    assert b"frame" in shown
    assert b"%" in shown


def test_limit_on_pixels_is_the_users(smilecam_command, photos):
    for limit, code in (("1000", exit_codes.SOURCE), ("abc", 0), ("", 0), ("9" * 30, 0)):
        done = smilecam_command(
            "detect", photos / "hopper.png", env={**os.environ, "OPENCV_IO_MAX_IMAGE_PIXELS": limit}
        )
        assert done.returncode == code, limit
        assert code == 0 or "more than 1,000 pixels" in one_line(done.stderr)


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
    assert re.search(r"a smile was seen: 1\.\d\d-.*4\.\d\d s\n", out)
    names = sorted(path.name for path in (tmp_path / "shown").iterdir())
    assert names == ["demo_annotated.mp4", "demo_clip.mp4", "demo_contact_sheet.png", "demo_results.jsonl"]
    lines, _ = frames_and_events(tmp_path / "shown" / "demo_results.jsonl")
    smiling = [line["frame"] for line in lines if any(face["smiling"] for face in line["faces"])]
    assert set(smiling) <= set(range(30, 90))
    assert len(smiling) >= 48
    assert cv2.imread(str(tmp_path / "shown" / "demo_contact_sheet.png")).shape == (960, 1200, 3)


@pytest.fixture
def small_set(tmp_path):
    for label, count in (("smile", 3), ("not_smile", 5)):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(count):
            picture = np.random.default_rng([number, count]).integers(0, 256, (64, 64), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "set" / label / f"{number}.png"), picture)
    (tmp_path / "set" / "not_smile" / "again.png").write_bytes((tmp_path / "set" / "not_smile" / "1.png").read_bytes())
    return tmp_path / "set"


def test_audit(command, small_set, tmp_path):
    code, out, err = command("data", "audit", "--data", small_set)
    assert (code, err) == (0, "")
    assert "9 images, laid out as smile and not_smile folders" in out
    assert "not_smile        6  66.67%" in out
    assert "not_smile/1.png = not_smile/again.png" in out
    assert "clean variant: 8 images" in out
    report = json.loads((tmp_path / "smiles-audit" / "audit.json").read_text())
    assert report["classes"] == {"not_smile": 6, "smile": 3}
    for name in ("contact_sheet_smile.png", "contact_sheet_not_smile.png"):
        assert cv2.imread(str(tmp_path / "smiles-audit" / name)) is not None


def test_fetch_and_what_follows_find_the_data_folder(command, monkeypatch, smiles_archive, tmp_path):
    monkeypatch.setenv("SMILECAM_DATA", str(tmp_path / "kept"))
    code, _, err = command("data", "audit")
    assert code == exit_codes.FAILURE
    assert "run smilecam data fetch" in one_line(err)
    code, out, _ = command("data", "fetch", "--archive", smiles_archive)
    assert code == 0
    assert "13,165 images verified" in out
    code, out, _ = command("data", "audit")
    assert code == 0
    assert "one photograph under both labels: 7 groups" in out


def test_fetch_without_a_network(command, monkeypatch, tmp_path):
    monkeypatch.setenv("SMILECAM_DATA", str(tmp_path / "kept"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    code, _, err = command("data", "fetch")
    assert code == exit_codes.FAILURE
    assert "check the network, or fetch the archive elsewhere and use --archive" in one_line(err)
    assert list((tmp_path / "kept").iterdir()) == []


def test_fetch_of_a_wrong_archive(command, monkeypatch, small_set, tmp_path):
    import shutil

    monkeypatch.setenv("SMILECAM_DATA", str(tmp_path / "kept"))
    archive = shutil.make_archive(str(tmp_path / "small"), "zip", small_set)
    code, _, err = command("data", "fetch", "--archive", archive)
    assert code == exit_codes.FAILURE
    assert "small.zip holds" in one_line(err)
