"""The fault matrix, on the real program: file systems, limits and clocks as services and containers have them.

Each namespace of its own is Linux's: no right is needed, and nothing outside the program under test changes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from test_faults import OUTPUTS, check_outputs, wait_for_lines

from smilecam.cli import exit_codes

STEPPED_CLOCK = """
import time
real = time.time_ns
def stepped():
    try:
        return real() + int(open({offset!r}).read()) * 10**9
    except ValueError:  # it is just being written
        return real()
time.time_ns, time.time = stepped, lambda: stepped() / 1e9
"""


def has_namespaces():
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0


namespaces = pytest.mark.skipif(not has_namespaces(), reason="needs Linux, and the right to make namespaces")

READ_ONLY = """
for place in / /tmp /var/tmp /dev/shm "$PWD"; do
    mount --bind "$place" "$place" 2> /dev/null && mount -o remount,ro,bind "$place" || true
done
cd "$PWD"
"""
NO_SHARED_MEMORY = "mount -t tmpfs -o ro,mode=000 none /dev/shm\n"


def smilecam(folder, *arguments, mounts="", limit="", **options):
    """Run the program, where its mounts are others."""
    script = f'{mounts}{limit}exec "$@"'
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "smilecam", *map(str, arguments)]
    if mounts:
        command = ["unshare", "-rm", *command]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, **options)


@namespaces
def test_a_read_only_file_system(clip, tmp_path):
    (tmp_path / "old.jsonl").write_text("{}\n")
    done = smilecam(tmp_path, "detect", clip, "--detector", "haar", "--jsonl", "-", mounts=READ_ONLY)
    assert done.returncode == exit_codes.DONE, done.stderr
    assert done.stdout.count('"type": "frame"') == 20
    done = smilecam(tmp_path, "detect", clip, "--detector", "haar", "--jsonl", "old.jsonl", mounts=READ_ONLY)
    assert done.returncode == exit_codes.FAILURE
    assert done.stderr == "smilecam: cannot write old.jsonl: Read-only file system\n"
    assert [path.name for path in tmp_path.iterdir()] == ["old.jsonl"]


@namespaces
def test_no_place_for_temporary_files(tmp_path):
    done = smilecam(tmp_path, "watch", "--no-browser", "--port", "0", mounts=READ_ONLY)
    assert done.returncode == exit_codes.FAILURE
    assert done.stderr.startswith("smilecam: No usable temporary directory found")
    assert done.stderr.count("\n") == 1
    done = smilecam(tmp_path, "doctor", mounts=READ_ONLY)
    assert done.returncode == exit_codes.FAILURE
    assert "folders: data " in done.stdout
    assert "temporary none" in done.stdout
    assert "TMPDIR" in done.stdout
    assert "install smilecam again" not in done.stdout


@namespaces
def test_a_scan_without_shared_memory_and_with_few_open_files(photos, clip, tmp_path):
    pytest.importorskip("pyarrow", reason='needs the "scan" extra')
    arguments = ("scan", photos, clip, "--out", "out", "--detector", "haar", "--workers", "2")
    done = smilecam(tmp_path, *arguments, mounts=NO_SHARED_MEMORY, limit="ulimit -n 48\n")
    assert done.returncode == exit_codes.DONE, done.stderr
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["files"] == 3


@namespaces
def test_outputs_without_shared_memory(clip, tmp_path):
    done = smilecam(tmp_path, "detect", clip, "--detector", "haar", *OUTPUTS, mounts=NO_SHARED_MEMORY)
    assert done.returncode == exit_codes.DONE, done.stderr
    assert len(check_outputs(tmp_path)) == 20


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_scan_with_too_few_open_files_goes_on_with_more(photos, tmp_path):
    pytest.importorskip("pyarrow", reason='needs the "scan" extra')
    arguments = ("scan", photos, "--out", "out", "--detector", "haar", "--workers", "1")
    done = smilecam(tmp_path, *arguments, limit="ulimit -n 24\n")
    assert done.returncode == exit_codes.FAILURE
    assert done.stderr.count("\n") == 1
    assert "Too many open files" in done.stderr
    assert smilecam(tmp_path, *arguments).returncode == exit_codes.DONE
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["images"] == 2


@pytest.mark.parametrize("step", [-3600, 86_400])
def test_a_clock_that_is_set_meanwhile(tmp_path, step):
    """The clock of the day, as Python sees it; monotonic clocks go on, as they do where somebody sets a clock."""
    startup, offset = tmp_path.parent / f"{tmp_path.name}-startup", tmp_path.parent / f"{tmp_path.name}-offset"
    startup.mkdir()
    offset.write_text("0")
    (startup / "sitecustomize.py").write_text(STEPPED_CLOCK.format(offset=str(offset)))
    path = os.pathsep.join([str(startup), *filter(None, [os.environ.get("PYTHONPATH")])])
    source = ("synthetic:face:320x240@20?seconds=60", "--realtime", "--timeout", "4")
    command = [sys.executable, "-m", "smilecam", "detect", *source, *OUTPUTS, "--detector", "haar"]
    environment = os.environ | {"PYTHONPATH": path}
    began = time.monotonic()
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        wait_for_lines(tmp_path / "out.jsonl")
        offset.write_text(str(step))
        _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.DONE, err
    assert time.monotonic() - began < 40
    times = [line["time"] for line in check_outputs(tmp_path)]
    assert times == sorted(times)
    assert 1 < times[-1] < 8


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("wait", [0.1, 1.0])
def test_stopped_and_continued_in_any_stage(clip, tmp_path, wait):
    """While Python loads, while the model does, while frames are decoded and encoded, while files are closed."""
    command = [sys.executable, "-m", "smilecam", "detect", str(clip), *OUTPUTS, "--detector", "haar"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(wait)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.DONE, err
    assert len(check_outputs(tmp_path)) == 20
