"""Scans from files to tables, with the worker of all engines in this process."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from smilecam.errors import OutputError
from smilecam.pipeline.detector import SmileDetector
from smilecam.scan.listing import list_files
from smilecam.scan.manifest import earlier_version
from smilecam.scan.rows import TABLES, Row, timestamp
from smilecam.scan.run_scan import run_scan
from smilecam.scan.tables import Tables
from smilecam.sources.images import load_image

pyarrow = pytest.importorskip("pyarrow", reason='needs the "scan" extra')
parquet = pytest.importorskip("pyarrow.parquet", reason='needs the "scan" extra')


@pytest.fixture
def scan(inline_engine, settings, archive, tmp_path):
    """Scan the archive, and give the report and the engine."""

    def run(chosen=settings, formats=("parquet", "jsonl"), **options):
        engine = inline_engine(chosen)
        return run_scan(list_files([str(archive)]), chosen, engine, tmp_path / "out", formats, **options), engine

    return run


def contents(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in {".jsonl", ".parquet"}}


def test_an_archive_becomes_tables(scan, archive, tmp_path, read_table):
    seen = []
    report, _ = scan(progress=lambda file, share: seen.append(file))
    out = tmp_path / "out"
    assert (report.files, report.images, report.videos, report.failed) == (8, 3, 1, 4)
    assert [file.name for file in sorted(seen, key=lambda file: file.name)] == sorted(
        str(path) for path in archive.rglob("*.*") if path.suffix != ".txt"
    )
    assert json.loads((out / "summary.json").read_text())["failed"] == 4

    images = read_table(out, "images")
    assert [row["path"] for row in images] == sorted(row["path"] for row in images)
    assert [
        (row["width"], row["height"], row["faces"], row["smiling"]) for row in images if "astro" in row["path"]
    ] == [(512, 512, 1, 1)]
    assert [row["smiling"] for row in images if "ホッパー" in row["path"]] == [0]
    for row in images:
        assert row["size"] == Path(row["path"]).stat().st_size
    errors = {Path(row["path"]).name: row for row in read_table(out, "errors")}
    assert set(errors) == {"empty.jpg", "empty.mp4", "text.png", "cut.mp4"}
    assert {row["error"] for row in errors.values()} == {"SourceUnreadable"}
    assert errors["empty.jpg"]["size"] == 0


def test_rows_are_what_the_detector_gives(scan, settings, archive, clip, tmp_path, read_table):
    scan()
    out = tmp_path / "out"
    with SmileDetector(threshold=settings.threshold, detector="haar") as detector:
        result = detector(load_image(archive / "astronaut.jpg"))
        items = list(detector.stream(clip))
    (face,) = [row for row in read_table(out, "faces") if row["path"].endswith("astronaut.jpg")]
    assert [face[name] for name in ("x1", "y1", "x2", "y2")] == list(result.faces[0].box)
    assert face["smile"] == pytest.approx(result.faces[0].smile, abs=1e-4)

    frames = read_table(out, "frames")
    assert [row["time"] for row in frames] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8]
    by_number = {item.frame: item for item in items}
    for row in frames:
        faces = by_number[row["frame"]].faces
        assert (row["faces"], row["smiling"]) == (len(faces), sum(face.smiling for face in faces))
        assert [
            (other["track"], other["interpolated"])
            for other in read_table(out, "faces")
            if other["frame"] == row["frame"]
        ] == [(face.track, face.interpolated) for face in faces]
    events = [event for item in items for event in item.events]
    assert [(row["event"], row["since"], row["frame"]) for row in read_table(out, "events")] == [
        (event.kind.value, event.since, event.frame) for event in events
    ]
    (smile,) = read_table(out, "smiles")
    assert (smile["start"], smile["end"]) == (events[0].since, events[1].since)
    assert smile["peak"] == pytest.approx(events[1].peak, abs=1e-4)
    best = max((item for item in items if item.smiling), key=lambda item: round(item.faces[0].smoothed, 4))
    assert smile["start"] <= smile["peak_time"] <= smile["end"]
    assert best.faces[0].smoothed == pytest.approx(smile["peak"], abs=1e-4)
    (video,) = read_table(out, "videos")
    assert (video["frames"], video["tracks"], video["smiles"], video["pieces"]) == (20, 2, 1, 1)
    assert video["smile_time"] == pytest.approx(smile["end"] - smile["start"])


def test_parquet_and_json_lines_hold_the_same(scan, tmp_path, read_table):
    scan()
    for table, columns in TABLES.items():
        stored = parquet.read_table(tmp_path / "out" / f"{table}.parquet")
        assert stored.column_names == list(columns)
        lines = read_table(tmp_path / "out", table)
        assert stored.num_rows == len(lines)
        again = [
            {name: value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if name == "modified" and value else value
             for name, value in row.items()}
            for row in stored.to_pylist()
        ]  # fmt: skip
        for row, line in zip(again, lines, strict=True):
            assert row == pytest.approx(line, rel=1e-6) if all_numbers(line) else equal(row, line)
    assert pyarrow.types.is_timestamp(parquet.read_schema(tmp_path / "out" / "images.parquet").field("modified").type)


def all_numbers(row):
    return all(isinstance(value, int | float) for value in row.values())


def equal(row, line):
    return all(
        row[name] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)
        for name, value in line.items()
    )


def test_a_second_run_processes_what_is_new_changed_or_failed(scan, archive, tmp_path, read_table):
    first, engine = scan()
    before = contents(tmp_path / "out")
    report, engine = scan()
    assert report == first
    assert {Path(task.file.name).name for task in engine.done} == {
        "empty.jpg",
        "empty.mp4",
        "text.png",
        "cut.mp4",
    }
    assert contents(tmp_path / "out") == before

    shutil.copyfile(archive / "astronaut.jpg", archive / "text.png")
    shutil.copyfile(archive / "astronaut.jpg", archive / "new.jpg")
    (archive / "clip.mp4").unlink()
    report, engine = scan()
    assert {Path(task.file.name).name for task in engine.done} == {
        "new.jpg", "text.png", "empty.jpg", "empty.mp4", "cut.mp4",
    }  # fmt: skip
    assert (report.images, report.videos, report.failed) == (5, 0, 3)
    assert read_table(tmp_path / "out", "frames") == []


def test_other_settings_are_other_results(scan, settings, tmp_path, read_table):
    scan()
    _, engine = scan(replace(settings, every=0.0), formats=("jsonl",))
    assert len(engine.done) == 8
    assert len(read_table(tmp_path / "out", "frames")) == 20
    assert not list((tmp_path / "out").glob("*.parquet")), "they would be those of the first scan"
    _, engine = scan(formats=("jsonl",))
    assert len(engine.done) == 4
    assert len(read_table(tmp_path / "out", "frames")) == 10


def test_results_of_another_version_are_not_reused(scan, settings, tmp_path, read_table):
    _, first = scan(replace(settings, version="0.0.9"))
    out = tmp_path / "out"
    assert json.loads((out / "manifest.json").read_text())["smilecam"] == "0.0.9"
    assert earlier_version(out, settings) == "0.0.9"
    _, second = scan()
    assert len(second.done) == len(first.done)
    assert json.loads((out / "summary.json").read_text())["smilecam"] == settings.version
    assert earlier_version(out, settings) is None
    _, third = scan(replace(settings, version="0.0.9"))  # those of both stay, and each finds its own
    assert len(third.done) == len(first.done) - len(read_table(out, "images")) - len(read_table(out, "videos"))


def test_an_interrupted_scan_goes_on(inline_engine, settings, archive, tmp_path):
    listing = list_files([str(archive)])
    run_scan(listing, settings, inline_engine(settings), tmp_path / "whole")

    class Interrupted(inline_engine):
        def run(self, jobs):
            for count, record in enumerate(super().run(jobs)):
                if count == 3:
                    raise KeyboardInterrupt
                yield record

    with pytest.raises(KeyboardInterrupt):
        run_scan(listing, settings, Interrupted(settings), tmp_path / "out")
    assert not (tmp_path / "out" / "summary.json").exists()
    engine = inline_engine(settings)
    run_scan(listing, settings, engine, tmp_path / "out")
    assert len(engine.done) < 8
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_times_of_change_of_any_year():
    assert timestamp(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"
    assert timestamp(-11_644_473_600 * 10**9) == "1601-01-01T00:00:00.000000Z", "where Windows begins to count"
    assert timestamp(253_402_300_800 * 10**9) is None, "the year 10000"


def test_tables_that_cannot_be_completed_leave_those_that_are_there(tmp_path, monkeypatch):
    row = Row("errors", {"error": "SourceEmpty", "message": "first"})
    with Tables(tmp_path, ["jsonl"]) as tables:
        tables.add(row, {"path": "a"})
    before = contents(tmp_path)

    def full(_rows):
        raise OSError(28, os.strerror(28))

    with pytest.raises(OutputError), Tables(tmp_path, ["jsonl"]) as tables:
        monkeypatch.setattr(tables._writers["errors"][0], "write", full)
        tables.add(row, {"path": "b"})
    assert contents(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == len(TABLES)


@pytest.mark.parametrize("name", ["events.jsonl", "manifest.json", "images.parquet"])
def test_files_that_are_of_no_scan_stay(scan, tmp_path, name):
    taken = tmp_path / "out" / name
    taken.parent.mkdir()
    taken.write_text('{"name": "a page"}')
    with pytest.raises(OutputError, match="of no scan"):
        scan(formats=["jsonl"])
    assert [path.name for path in taken.parent.iterdir()] == [name]
    assert taken.read_text() == '{"name": "a page"}'


def test_a_second_run_into_the_folder_is_refused(scan, tmp_path):
    refused = []

    def again(*_):
        if not refused:
            with pytest.raises(OutputError, match="another run"):
                scan()
            refused.append(True)

    scan(progress=again)
    assert refused
    scan()


def test_what_killed_runs_left_is_removed(scan, tmp_path):
    scan()
    out = tmp_path / "out"
    expected = sorted(path.name for path in out.iterdir())
    for name in (".images-0123abcd.part.jsonl", ".events-0123abcd.part.parquet", "shards/.some-0123abcd.part.gz"):
        (out / name).write_text("the beginning")
    scan()
    assert sorted(path.name for path in out.iterdir()) == expected
    assert not list((out / "shards").glob(".*"))
