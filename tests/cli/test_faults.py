"""The fault matrix, on the real program: a clear message, the documented code, whole outputs, no hang, no orphan.

``python benchmarks/faults.py`` runs the long form.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from smilecam.cli import exit_codes
from smilecam.sources.images import save_image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")

LIVE = ("synthetic:face:320x240@30", "--realtime")
OUTPUTS = ("--save", "out.mp4", "--jsonl", "out.jsonl", "--csv", "out.csv", "--webvtt", "out.vtt")
LOADED_MACHINE = 8.0
"""Seconds to end; 2 on an idle machine."""


def start(folder, *arguments, **options):
    command = [sys.executable, "-m", "smilecam", "detect", *map(str, arguments), "--detector", "haar"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def wait_for_lines(path, count=5):
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text("utf-8").count("\n") >= count):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def check_outputs(folder):
    """Lines are whole, the recording plays and holds the frames of the lines, and nothing else lies about."""
    text = (folder / "out.jsonl").read_text("utf-8")
    assert text.endswith("}\n")
    frames = [line for line in map(json.loads, text.splitlines()) if line["type"] == "frame"]
    assert (folder / "out.csv").read_text("utf-8").endswith("\n")
    assert (folder / "out.vtt").read_text("utf-8").startswith("WEBVTT\n\n")
    with av.open(str(folder / "out.mp4")) as recording:
        assert sum(1 for _ in recording.decode(video=0)) == len(frames)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    return frames


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_signals_end_a_run_with_whole_outputs(tmp_path, name):
    process = start(tmp_path, *LIVE, *OUTPUTS)
    wait_for_lines(tmp_path / "out.jsonl")
    begin = time.monotonic()
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - begin < LOADED_MACHINE
    assert (process.returncode, err) == (exit_codes.INTERRUPTED, "smilecam: interrupted\n")
    assert check_outputs(tmp_path)


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path):
    process = start(tmp_path, "synthetic:face:320x240@30?seconds=4", *OUTPUTS)
    wait_for_lines(tmp_path / "out.jsonl")
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.0)
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.DONE, err
    assert len(check_outputs(tmp_path)) == 120


def test_killed_nothing_partial_has_a_final_name(tmp_path):
    process = start(tmp_path, *LIVE, *OUTPUTS)
    wait_for_lines(tmp_path / "out.jsonl")
    process.kill()
    process.communicate()
    assert not (tmp_path / "out.mp4").exists()
    assert (tmp_path / "out.jsonl").read_text("utf-8").endswith("}\n")


def limited(soft):
    def apply():
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))

    return apply


def one_core():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


BARE = {
    "HOME": "/nowhere",
    "XDG_CACHE_HOME": None,
    "TMPDIR": "/nowhere",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "TZ": "X9",
}
SURROUNDINGS = {
    "no home, no temporary folder, no language, no time zone": {"env": BARE, "stdin": subprocess.DEVNULL},
    "32 open files": {"preexec_fn": limited(32)},
    "one core": {"preexec_fn": one_core if hasattr(os, "sched_setaffinity") else None},
}


@pytest.mark.parametrize("which", SURROUNDINGS)
def test_odd_surroundings_change_no_result(clip, tmp_path, which):
    options = dict(SURROUNDINGS[which])
    changes = options.pop("env", {})
    kept = {name: value for name, value in os.environ.items() if name not in changes}
    environment = kept | {name: value for name, value in changes.items() if value is not None}
    process = start(tmp_path, clip, *OUTPUTS, env=environment, **options)
    _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.DONE, err
    assert len(check_outputs(tmp_path)) == 20


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(clip, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    for option, name in (("--jsonl", "a.jsonl"), ("--save", "a.mp4"), ("--csv", "a.csv")):
        process = start(tmp_path, clip, option, f"closed/{name}")
        _, err = process.communicate(timeout=60)
        assert process.returncode == exit_codes.FAILURE
        assert f"cannot write closed/{name}: Permission denied" in err


def test_standard_output_that_closes_early_ends_the_run(clip, tmp_path):
    process = start(tmp_path, *LIVE, "--jsonl", "-", "--save", "out.mp4")
    process.stdout.readline()
    process.stdout.close()
    begin = time.monotonic()
    err = process.stderr.read()
    assert process.wait(timeout=30) == exit_codes.FAILURE
    process.stderr.close()
    assert time.monotonic() - begin < LOADED_MACHINE
    assert "Traceback" not in err
    with av.open(str(tmp_path / "out.mp4")) as recording:
        assert sum(1 for _ in recording.decode(video=0)) > 0


def test_a_model_that_is_replaced_meanwhile_changes_nothing(tmp_path):
    from smilecam.classification.classifier import model_path

    model = tmp_path / "net.onnx"
    model.write_bytes(model_path("smilenet").read_bytes())
    process = start(tmp_path, "synthetic:face:320x240@30?seconds=3", *OUTPUTS, "--model", "net.onnx")
    wait_for_lines(tmp_path / "out.jsonl", 1)
    model.write_bytes(b"no model")
    _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.DONE, err
    assert len(check_outputs(tmp_path)) == 90


def test_a_source_that_is_removed_or_cut_meanwhile(clip, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip.read_bytes())
    process = start(tmp_path, path, *OUTPUTS, "--realtime")
    wait_for_lines(tmp_path / "out.jsonl", 2)
    os.truncate(path, path.stat().st_size // 2)
    path.unlink()
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode in (exit_codes.DONE, exit_codes.SOURCE)
    assert check_outputs(tmp_path)


def lines_of(folder, *arguments, **options):
    process = start(folder, *arguments, "--jsonl", "-", **options)
    out, err = process.communicate(timeout=120)
    assert process.returncode == exit_codes.DONE, err
    return [line for line in out.splitlines() if line.startswith("{")]


def test_the_same_file_gives_the_same_lines(clip, tmp_path, astronaut):
    """Twice, on one core and on all, in several processes at a time, and alone or after another source."""
    save_image(tmp_path / "a.png", astronaut)
    lines = lines_of(tmp_path, clip)
    assert len(lines) > 20
    pinned = {"preexec_fn": one_core} if hasattr(os, "sched_setaffinity") else {}
    assert lines_of(tmp_path, clip, **pinned) == lines
    several = [start(tmp_path, clip, "--jsonl", "-") for _ in range(2)]
    for process in several:
        out, _ = process.communicate(timeout=120)
        assert [line for line in out.splitlines() if line.startswith("{")] == lines
    assert lines_of(tmp_path, "a.png", Path(clip))[-len(lines) :] == lines
