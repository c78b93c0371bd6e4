"""``smilecam scan``: exit codes, lists of files, and scans that are killed."""

import json
import random
import shutil
import subprocess
import sys
import time

import pytest

from smilecam.cli import exit_codes

pytest.importorskip("pyarrow", reason='needs the "scan" extra')
pytest.importorskip("fsspec", reason='needs the "scan" extra')

QUICK = ("--detector", "haar", "--detection-size", "240", "--workers", "1")


def read(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_folder_and_a_list_of_files(command, photos, clip, tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfphotos/hopper.png\r\n" + str(clip).encode() + b"\n\n")
    code, out, err = command(
        "scan", "photos/*.jpg", "--files-from", "list.txt", "--out", "out", "--every", "500ms", *QUICK
    )
    assert (code, err) == (exit_codes.DONE, "")
    assert out.startswith("2 images: 2 faces, 1 smiling; 1 video of 0.00 h: 1 smile\nwrote out in ")
    assert [row["path"] for row in read(tmp_path / "out" / "images.jsonl")] == [
        "photos/astronaut.jpg",
        "photos/hopper.png",
    ]
    assert [row["time"] for row in read(tmp_path / "out" / "frames.jsonl")] == [0.0, 0.5, 1.0, 1.5]
    assert (tmp_path / "out" / "images.parquet").exists()


def test_some_failed_all_failed_and_nothing_there(command, photos, tmp_path):
    (photos / "empty.jpg").touch()
    code, out, err = command("scan", photos, "nothing", "--out", "out", "--format", "jsonl", *QUICK)
    assert code == exit_codes.SOME_FAILED
    assert err == "smilecam: no file at nothing\n"
    assert "2 failed: see the table of errors\n" in out
    assert [row["message"] for row in read(tmp_path / "out" / "errors.jsonl")] == [
        f"{photos / 'empty.jpg'} is empty", "no file at nothing",
    ]  # fmt: skip
    assert not list((tmp_path / "out").glob("*.parquet"))
    assert command("scan", photos / "empty.jpg", "--out", "other", *QUICK)[0] == exit_codes.SOURCE
    code, _, err = command("scan", "nothing", "--out", "third", *QUICK)
    assert code == exit_codes.SOURCE
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--out", "out"), ("", "--out", "out"), ("photos", "--out", ""), ("photos",),
        ("photos", "--out", "out", "--every", "soon"), ("photos", "--out", "out", "--every", "-1"),
        ("photos", "--out", "out", "--workers", "0"),
    ],
)  # fmt: skip
def test_usage(command, photos, tmp_path, arguments):
    assert command("scan", *arguments)[0] == exit_codes.USAGE
    assert not (tmp_path / "out").exists()


def test_results_that_cannot_be_written(command, photos, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = command("scan", photos, "--out", tmp_path / "file", *QUICK)
    assert code == exit_codes.FAILURE
    assert err.startswith("smilecam: cannot make the folder")


def test_a_scan_killed_anywhere_gives_the_same_tables(photos, clip, tmp_path):
    for number in range(12):
        shutil.copyfile(photos / "astronaut.jpg", photos / f"{number:02}.jpg")
    shutil.copyfile(clip, photos / "clip.mp4")
    program = [sys.executable, "-m", "smilecam", "scan", "photos", "--format", "jsonl", *QUICK[:-1], "2", "--out"]
    whole = subprocess.run([*program, "whole"], cwd=tmp_path, timeout=120, check=True, capture_output=True)
    assert whole.returncode == 0
    manifest, kills = tmp_path / "out" / "manifest.json", random.Random(2)
    for _ in range(2):
        manifest.unlink(missing_ok=True)
        scan = subprocess.Popen([*program, "out"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not manifest.exists() and scan.poll() is None:
            time.sleep(0.01)
        time.sleep(kills.uniform(0, 3))
        scan.kill()
        scan.wait()
    subprocess.run([*program, "out"], cwd=tmp_path, timeout=120, check=True, capture_output=True)
    tables = sorted(path.name for path in (tmp_path / "whole").glob("*.jsonl"))
    assert len(tables) == 8
    for name in tables:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
