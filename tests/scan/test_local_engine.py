"""Worker processes: none is missed when it dies, and none is left behind."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from smilecam.errors import ModelFileError
from smilecam.scan.local_engine import LocalEngine
from smilecam.scan.record import WorkerDied, read_rows
from smilecam.scan.task import ArchiveFile, Task, jobs_of


@pytest.fixture(scope="module")
def settings(settings):
    """Quick ones: other tests look at what is found."""
    return replace(settings, detection_size=120)


@pytest.fixture
def tasks(archive, settings):
    """Some images, and a video."""
    for number in range(8):
        shutil.copyfile(archive / "astronaut.jpg", archive / f"{number:02}.jpg")
    files = sorted(path for path in archive.iterdir() if path.suffix in {".jpg", ".mp4"})
    return [
        Task.of(ArchiveFile(path.name, str(path), path.stat().st_size, 0, path.suffix == ".jpg"), settings)
        for path in files
    ]


def rows_of(records):
    return {record.key: (record.failed, list(read_rows(record.content))) for record in records}


def test_processes_give_the_records_of_one_process(tasks, settings, inline_engine):
    expected = rows_of(inline_engine(settings).run(jobs_of(tasks, 2)))
    with closing(LocalEngine(settings, 2)) as engine:
        assert rows_of(engine.run(jobs_of(tasks, 2))) == expected
        assert rows_of(engine.run(jobs_of(tasks[:2], 2))) == rows_of(engine.run(jobs_of(tasks[:2], 2)))
        processes = [process.process for process in engine._processes]
        assert len(processes) == 2
    assert not [process for process in processes if process.is_alive()]


def test_what_a_dead_worker_had_is_done_again(tasks, settings, inline_engine):
    expected = rows_of(inline_engine(settings).run(jobs_of(tasks, 2)))
    with closing(LocalEngine(settings, 2)) as engine:
        records = []
        for record in engine.run(jobs_of(tasks, 2)):
            if len(records) == 3:
                engine._processes[0].process.kill()
            records.append(record)
    assert rows_of(records) == expected
    assert len(records) == len(expected)


def test_a_file_that_no_worker_survives_is_an_error(tasks, settings, videos):
    # Its worker is killed each time, as a crash of a library would end it.
    path = videos / "facenetpt_video.mp4"
    trap = Task.of(ArchiveFile("trap.mp4", str(path), path.stat().st_size, 0, False), settings)
    with closing(LocalEngine(settings, 1)) as engine:
        ended = threading.Event()

        def kill():
            while not ended.wait(0.02):
                for process in list(engine._processes):
                    if process.tasks and process.tasks[0].key == trap.key and not process.starting:
                        process.process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            records = list(engine.run([(trap, *tasks[:3])]))
        finally:
            ended.set()
            killer.join()
    rows = rows_of(records)
    assert len(records) == 4
    failed, ((table, values),) = rows[trap.key]
    assert (failed, table, values["error"]) == (True, "errors", "WorkerDied")
    assert "SIGKILL" in values["message"]
    assert not any(rows[task.key][0] for task in tasks[:3])


def test_a_model_that_is_gone_ends_the_scan(tasks, settings, tmp_path):
    gone = replace(settings, model=str(tmp_path / "gone.onnx"))
    with closing(LocalEngine(gone, 1)) as engine, pytest.raises(ModelFileError):
        list(engine.run(jobs_of(tasks, 2)))


def test_workers_that_cannot_start_are_no_fault_of_files(tasks, settings, monkeypatch):
    monkeypatch.setattr("smilecam.scan.local_engine._serve", os._exit)  # a connection is no exit code: it raises
    with closing(LocalEngine(settings, 1)) as engine, pytest.raises(WorkerDied, match="while they start"):
        list(engine.run(jobs_of(tasks, 2)))


def test_a_worker_that_is_ended_leaves_no_copy_of_a_file(tasks, settings, videos, tmp_path, monkeypatch):
    pytest.importorskip("fsspec", reason='needs the "scan" extra')
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    path = videos / "facenetpt_video.mp4"
    video = ArchiveFile("video.mp4", path.as_uri(), path.stat().st_size, 0, False, is_url=True)
    with closing(LocalEngine(settings, 1)) as engine:
        next(engine.run([(tasks[0], Task.of(video, settings))]))
        until = time.monotonic() + 30
        while not list(temporary.rglob("*.mp4")) and time.monotonic() < until:
            time.sleep(0.01)
        assert list(temporary.rglob("*.mp4"))
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_end_with_their_parent(tasks, settings, tmp_path):
    """Also in the middle of a file, and although nobody told them."""
    program = (
        "import os, sys, json\n"
        "from smilecam.scan.local_engine import LocalEngine\n"
        "from smilecam.scan.task import *\n"
        "if __name__ == '__main__':\n"
        "    settings = ScanSettings.of_dict(json.loads(sys.argv[1]))\n"
        "    engine = LocalEngine(settings, 1)\n"
        "    task = Task.of(ArchiveFile('clip', sys.argv[2], 1, 0, True), settings)\n"
        "    for _ in engine.run([(task,)]):\n"
        "        print(engine._processes[0].process.pid, flush=True)\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(program)
    image = next(task for task in tasks if task.file.name == "00.jpg")
    done = subprocess.run(
        [sys.executable, script, json.dumps(settings.as_dict()), image.file.location],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    worker, until = Path(f"/proc/{int(done.stdout)}"), time.monotonic() + 5
    while _runs(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(process):
    """Whether a process runs; one that has ended may wait for somebody to take note of it."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
