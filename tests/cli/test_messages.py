"""What the program prints when its surroundings are odd: one line that names the reason, and a documented code."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smilecam.cli import exit_codes
from smilecam.sources.images import save_image
from smilecam.sources.resolve import find_sources

LONG = "n" * 300
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links, limits and signals of POSIX")


@posix_only
@pytest.mark.parametrize(
    "options",
    [
        ("--jsonl", LONG), ("--csv", LONG), ("--save", f"{LONG}.mp4"), ("--webvtt", f"{LONG}.vtt"),
        ("--model", f"{LONG}.onnx"), ("--snap", LONG), ("--jsonl", "loop"), ("--save", "loop.mp4"),
        ("--webvtt", "loop.vtt"), ("--save", "loop"), ("--model", "loop.onnx"),
    ],
)  # fmt: skip
def test_names_that_no_file_can_have(command, clip, tmp_path, options):
    for name in ("loop", "loop.mp4", "loop.vtt", "loop.onnx"):
        (tmp_path / name).symlink_to(name)
    code, out, err = command("detect", clip, "--detector", "haar", *options)
    assert code == (exit_codes.MODEL if options[0] == "--model" else exit_codes.FAILURE)
    assert err.count("\n") == 1
    assert "internal error" not in err
    assert "wrote" not in out


@posix_only
def test_a_system_that_gives_no_further_thread(command, clip, monkeypatch):
    import threading

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    code, _, err = command("detect", clip, "--detector", "haar")
    assert code == exit_codes.FAILURE
    assert err.startswith("smilecam: this system gives no more memory, or no further thread")


def test_an_error_of_the_system_is_not_blamed_on_standard_output(command, clip, monkeypatch):
    from smilecam.pipeline.detector import SmileDetector

    def fail(*_, **__):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(SmileDetector, "run", fail)
    code, _, err = command("detect", clip, "--detector", "haar")
    assert code == exit_codes.FAILURE
    assert err == "smilecam: Too many open files (--debug shows more)\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("none.png",), exit_codes.SOURCE),
        (("a.png", "none.png"), exit_codes.SOME_FAILED),
        (("--nothing",), exit_codes.USAGE),
    ],
)
def test_messages_that_nobody_can_read_change_no_code(smilecam_command, noise, tmp_path, arguments, code):
    save_image(tmp_path / "a.png", noise)
    with Path("/dev/full").open("w") as full:
        done = smilecam_command("detect", *arguments, capture_output=False, stdout=subprocess.PIPE, stderr=full)
    assert done.returncode == code


@posix_only
def test_folders_in_a_circle_are_entered_once(tmp_path, noise, monkeypatch):
    for name, target in (("a", "../b"), ("b", "../a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one").symlink_to(target)
        (tmp_path / name / "other").symlink_to("..")
    (tmp_path / ".hidden").mkdir()
    for place in ("a/x.png", "b/y.png", ".hidden/z.png", "w.png"):
        save_image(tmp_path / place, noise)
    monkeypatch.chdir(tmp_path)
    started = time.monotonic()
    assert [ref.name for ref in find_sources("**")] == ["a/x.png", "b/y.png", "w.png"]
    assert [ref.name for ref in find_sources("**/*.png")] == ["a/x.png", "b/y.png", "w.png"]
    assert [ref.name for ref in find_sources(f"{tmp_path}/**/b/**/*.png")][-1].endswith("y.png")
    assert time.monotonic() - started < 5


@posix_only
def test_an_interrupt_while_python_loads_the_program_leaves_no_traceback(tmp_path):
    """Signals come as soon as the program's own first line can have run."""
    code = (
        "import os, signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == os.environ['MODULE']: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.argv = ['smilecam', 'detect', 'none.png']\n"
        "from smilecam.__main__ import run\n"
        "run()\n"
    )
    for module in ("smilecam.process", "smilecam.interrupts", "smilecam.cli", "click", "smilecam.cli.main", "tqdm"):
        environment = {**os.environ, "MODULE": module}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=30)
        assert done.returncode in (-signal.SIGINT, exit_codes.INTERRUPTED), (module, done.stderr)
        assert done.stderr in ("", "smilecam: interrupted\n"), module


def test_no_cell_of_a_table_is_a_formula(command, noise, tmp_path, astronaut):
    save_image(tmp_path / "=1+1.png", astronaut)
    code, _, _ = command("detect", "=1+1.png", "--csv", "out.csv", "--jsonl", "out.jsonl")
    assert code == exit_codes.DONE
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("'=1+1.png,")
    assert '"source": "=1+1.png"' in (tmp_path / "out.jsonl").read_text()
