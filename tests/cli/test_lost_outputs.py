"""Outputs under faults, on the real program: nothing lost, nothing half-written, nothing announced that is absent."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smilecam.cli import exit_codes
from smilecam.sources.images import save_image

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
ENDLESS = "synthetic:320x240@30"
OLD = '{"type": "frame", "source": "of an earlier run"}\n'


def start(folder, *arguments, **options):
    command = [sys.executable, "-m", "smilecam", "detect", *map(str, arguments), "--detector", "haar"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_lines(path, count=5):
    return lambda: path.exists() and path.read_text("utf-8").count("\n") >= count


def whole_lines(path):
    text = path.read_text("utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("clip.mp4", "--model", "none.onnx"), exit_codes.MODEL),
        (("clip.mp4", "--model", "clip.mp4"), exit_codes.MODEL),
        (("none.mp4",), exit_codes.SOURCE),
        (("broken.mp4",), exit_codes.SOURCE),
        (("clip.mp4", "--parallel", "--model", "none.onnx"), exit_codes.MODEL),
        (("broken.mp4", "--parallel"), exit_codes.SOURCE),
        (("clip.mp4", "--detector", "yunet"), exit_codes.MODEL),
    ],
)
def test_what_cannot_begin_leaves_the_results_that_are_there(command, clip, tmp_path, arguments, code):
    shutil.copyfile(clip, tmp_path / "clip.mp4")
    (tmp_path / "broken.mp4").write_bytes(clip.read_bytes()[:700])
    for name in ("out.jsonl", "out.csv", "out.vtt"):
        (tmp_path / name).write_text(OLD)
    done, out, _ = command("detect", *arguments, "--jsonl", "out.jsonl", "--csv", "out.csv", "--webvtt", "out.vtt")
    assert done == code
    assert "wrote" not in out
    assert {(tmp_path / name).read_text() for name in ("out.jsonl", "out.csv", "out.vtt")} == {OLD}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("option", ["--jsonl", "--csv", "--save"])
def test_an_image_of_a_sequence_is_never_replaced(command, astronaut, tmp_path, option):
    for number in range(3):
        save_image(tmp_path / f"frame_{number:04}.png", astronaut)
    before = (tmp_path / "frame_0001.png").read_bytes()
    code, _, err = command("detect", "frame_%04d.png", option, "frame_0001.png")
    assert code == exit_codes.USAGE
    assert "would replace a source" in err or "the name ends in" in err
    assert (tmp_path / "frame_0001.png").read_bytes() == before


@pytest.mark.parametrize("option", ["--jsonl", "--csv"])
def test_the_files_of_model_and_detector_are_never_replaced(command, clip, fetched_yunet, tmp_path, option):
    from smilecam.classification.classifier import model_path

    (tmp_path / "net.onnx").write_bytes(model_path("smilenet").read_bytes())
    (tmp_path / "linked.onnx").hardlink_to(fetched_yunet)
    for target in (fetched_yunet, "linked.onnx", "net.onnx"):
        before = (tmp_path / target).read_bytes()
        code, _, err = command("detect", clip, "--detector", "yunet", "--model", "net.onnx", option, target)
        assert code == exit_codes.USAGE
        assert "would replace the" in err
        assert (tmp_path / target).read_bytes() == before


@posix_only
def test_a_full_disk_leaves_whole_lines_and_announces_nothing(clip, tmp_path):
    import resource

    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    process = start(tmp_path, clip, "--jsonl", "out.jsonl", preexec_fn=little_room)
    out, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.FAILURE
    assert "wrote" not in out
    assert "cannot write out.jsonl: " in err
    assert len(whole_lines(tmp_path / "out.jsonl")) >= 3
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@posix_only
def test_a_disk_that_was_full_from_the_start_leaves_what_was_there(clip, tmp_path):
    import resource

    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

    (tmp_path / "out.jsonl").write_text(OLD)
    process = start(tmp_path, clip, "--jsonl", "out.jsonl", preexec_fn=no_room)
    _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.FAILURE
    assert "cannot write out.jsonl" in err
    assert (tmp_path / "out.jsonl").read_text() == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@posix_only
@pytest.mark.parametrize("option", ["--jsonl", "--csv", "--webvtt", "--save"])
def test_a_folder_that_is_removed_meanwhile_is_an_error(tmp_path, option):
    folder = tmp_path / "results"
    folder.mkdir()
    name = {"--webvtt": "out.vtt", "--save": "out.mp4"}.get(option, "out.txt")
    others = () if option == "--jsonl" else ("--jsonl", folder / "lines.txt")
    process = start(tmp_path, ENDLESS, "--realtime", option, folder / name, *others)
    wait_for(has_lines(folder / "lines.txt" if others else folder / name))
    shutil.rmtree(folder)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == exit_codes.FAILURE
    assert "wrote" not in out
    assert "removed" in err


@posix_only
@pytest.mark.parametrize("option", ["--jsonl", "--save"])
def test_a_second_run_onto_one_output_is_refused(tmp_path, option):
    name = "out.jsonl" if option == "--jsonl" else "out.mp4"
    first = start(tmp_path, ENDLESS, "--realtime", option, name, "--webvtt", "out.vtt")
    wait_for((tmp_path / "out.vtt").exists)
    second = start(tmp_path, ENDLESS, "--realtime", "--timeout", "1", option, name)
    _, err = second.communicate(timeout=60)
    assert second.returncode == exit_codes.FAILURE
    assert f"cannot write {name}: another run (process {first.pid}) is writing it" in err
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert first.returncode == exit_codes.INTERRUPTED
    assert {path.name for path in tmp_path.iterdir()} == {name, "out.vtt"}


@posix_only
def test_what_a_killed_run_leaves_is_removed_by_the_next_one(clip, tmp_path):
    process = start(tmp_path, ENDLESS, "--realtime", "--save", "out.mp4", "--jsonl", "out.jsonl")
    wait_for(has_lines(tmp_path / "out.jsonl"))
    process.kill()
    process.communicate()
    assert not (tmp_path / "out.mp4").exists()
    assert len(list(tmp_path.glob(".out-*.part.mp4"))) == 1
    whole_lines(tmp_path / "out.jsonl")
    (tmp_path / ".out-mine.mp4").write_text("a file of the user's own")
    process = start(tmp_path, clip, "--save", "out.mp4", "--jsonl", "out.jsonl")
    process.communicate(timeout=60)
    assert process.returncode == exit_codes.DONE
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out-mine.mp4", "out.jsonl", "out.mp4"]


def test_lines_grow_in_place_while_the_run_goes_on(tmp_path):
    (tmp_path / "out.jsonl").write_text(OLD)
    process = start(tmp_path, ENDLESS, "--realtime", "--jsonl", "out.jsonl")
    try:
        wait_for(lambda: has_lines(tmp_path / "out.jsonl", 3)() and OLD not in (tmp_path / "out.jsonl").read_text())
    finally:
        process.kill()
        process.communicate()


@posix_only
def test_a_link_stays_a_link_and_permissions_stay(command, clip, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "real.jsonl"
    real.write_text(OLD)
    real.chmod(0o640)
    (tmp_path / "out.jsonl").symlink_to(real)
    assert command("detect", clip, "--jsonl", "out.jsonl")[0] == exit_codes.DONE
    assert (tmp_path / "out.jsonl").readlink() == real
    assert real.stat().st_mode & 0o777 == 0o640
    assert len(whole_lines(real)) > 20
    assert [path.name for path in real.parent.iterdir()] == ["real.jsonl"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("option", ["--jsonl", "--csv"])
def test_devices_are_written_straight(command, clip, option):
    code, out, err = command("detect", clip, option, "/dev/full")
    assert code == exit_codes.FAILURE
    assert "cannot write /dev/full: No space left on device" in err
    code, out, err = command("detect", clip, option, "/dev/null")
    assert code == exit_codes.DONE
    assert "wrote /dev/null" in out


@posix_only
def test_a_device_in_the_name_of_standard_output(clip, tmp_path):
    process = start(tmp_path, clip, "--jsonl", "/dev/stdout")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == exit_codes.DONE
    assert sum(line.startswith("{") for line in out.splitlines()) > 20
