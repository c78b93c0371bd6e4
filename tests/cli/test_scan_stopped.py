"""A scan and its workers, stopped and continued, and interrupted while workers are stopped: nothing is lost."""

import json
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from test_faults import LOADED_MACHINE

from smilecam.cli import exit_codes

pytest.importorskip("pyarrow", reason='needs the "scan" extra')
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

PROGRAM = (sys.executable, "-m", "smilecam", "scan", "photos", "--format", "jsonl", "--detector", "haar")
WORKERS = ("--workers", "2", "--out")


@pytest.fixture
def many(photos, clip, tmp_path):
    """A folder with images and a clip, and the tables of it, by name."""
    for number in range(10):
        shutil.copyfile(photos / "astronaut.jpg", photos / f"{number:02}.jpg")
    shutil.copyfile(clip, photos / "clip.mp4")
    subprocess.run([*PROGRAM, *WORKERS, "whole"], cwd=tmp_path, timeout=120, check=True, capture_output=True)
    return tables(tmp_path / "whole")


def tables(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}


def start(folder):
    return subprocess.Popen(
        [*PROGRAM, *WORKERS, "out"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def workers(scan):
    """Processes of the scan that are at work: with more than one thread, their limits are in force."""
    return [child for child in psutil.Process(scan.pid).children() if child.num_threads() > 1]


def wait_for_workers(scan):
    deadline = time.monotonic() + 60
    while len(found := workers(scan)) < 2:
        assert time.monotonic() < deadline
        assert scan.poll() is None
        time.sleep(0.02)
    return found


def test_a_scan_stopped_and_continued_fails_no_file(many, tmp_path):
    scan = start(tmp_path)
    one, other = wait_for_workers(scan)
    parent = psutil.Process(scan.pid)
    for stopped in ([one], [parent], [one, other], [parent, one, other]):
        alive = [process for process in stopped if process.is_running()]
        for process in alive:
            process.send_signal(signal.SIGSTOP)
        time.sleep(0.4)
        for process in alive:
            process.send_signal(signal.SIGCONT)
        time.sleep(0.2)
        if scan.poll() is not None:
            break
    _, err = scan.communicate(timeout=120)
    assert scan.returncode == exit_codes.DONE, err
    assert tables(tmp_path / "out") == many
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["files"] == 13


def test_a_scan_interrupted_while_its_workers_are_stopped_ends_and_goes_on_later(many, tmp_path):
    scan = start(tmp_path)
    stopped = wait_for_workers(scan)
    for worker in stopped:
        worker.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    scan.send_signal(signal.SIGTERM)
    _, err = scan.communicate(timeout=60)
    assert scan.returncode == exit_codes.INTERRUPTED, err
    assert time.monotonic() - began < LOADED_MACHINE
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in stopped)
    done = start(tmp_path)
    _, err = done.communicate(timeout=120)
    assert done.returncode == exit_codes.DONE, err
    assert tables(tmp_path / "out") == many
