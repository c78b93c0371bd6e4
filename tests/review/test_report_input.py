"""Results read for a report: JSON lines of detect, and the tables of a scan."""

import json

import pytest

from smilecam.cli.main import call
from smilecam.errors import DataError
from smilecam.review.report.data import PROBABILITY_BINS, Curve, ReportedSmile, ReportedVideo
from smilecam.review.report.load import load_results
from smilecam.types import Box


def test_lines_of_detect(archive):
    data = load_results(archive / "results.jsonl")
    assert [(image.path, image.faces, image.smiling) for image in data.images] == [
        ("astronaut & co.png", 1, 1),
        ("hopper.jpg", 1, 0),
    ]
    (video,) = data.videos
    assert (video.path, video.frames) == ("a film.webm", 60)
    assert video.duration == pytest.approx(5.9)
    assert [(smile.start, smile.end) for smile in video.smiles] == [
        (pytest.approx(start, abs=0.11), pytest.approx(end, abs=0.11)) for start, end in ((1.0, 2.5), (4.0, 5.0))
    ]
    assert video.smile_time == pytest.approx(2.5, abs=0.3)
    assert all(smile.peak > 0.9 and smile.start <= smile.peak_time <= smile.end for smile in video.smiles)
    assert all(50 < smile.box.width < 200 for smile in video.smiles)
    assert sum(data.probabilities) == 2 + 60


def test_the_curve_of_a_video(archive):
    (video,) = load_results(archive / "results.jsonl").videos
    times = {place * video.curve.step: value for place, value in video.curve.points.items()}
    for at, smiles in {0.2: False, 0.6: False, 1.7: True, 3.2: False, 4.5: True, 5.5: False}.items():
        assert (times[min(times, key=lambda time: abs(time - at))] > 0.5) == smiles, at


def test_a_smile_that_nobody_ended(tmp_path):
    lines = [
        {"type": "frame", "source": "live", "frame": n, "time": n / 10, "faces": [
            {"box": [1, 2, 31, 32], "confidence": 0.9, "smile": 0.5 + n / 100, "smiling": True, "track": 1}]}
        for n in range(10)
    ]  # fmt: skip
    lines.insert(1, {"type": "event", "event": "smile_start", "source": "live", "time": 0.0, "track": 1, "since": 0.0})
    lines.append({"type": "event", "event": "source_lost", "source": "live", "time": 0.95})
    lines.append({"type": "figures", "source": "live", "frames": 10})
    path = tmp_path / "live.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (video,) = load_results(path).videos
    assert video.smiles == [ReportedSmile(1, 0.0, 0.9, None, 0.9, Box(1, 2, 31, 32))]


TABLES = {
    "images": [
        {"path": "a.jpg", "size": 1, "modified": None, "width": 640, "height": 480, "faces": 2, "smiling": 1,
         "smile": 0.9},
        {"path": "b.jpg", "size": 1, "modified": None, "width": 640, "height": 480, "faces": 0, "smiling": 0,
         "smile": None},
    ],
    "videos": [
        {"path": "c.mp4", "size": 1, "modified": None, "width": 64, "height": 48, "fps": 25.0, "frames": 100,
         "duration": 4.0, "tracks": 2, "smiles": 2, "smile_time": 1.5, "corrupt": 0, "missing": 0, "pieces": 1},
    ],
    "frames": [
        {"path": "c.mp4", "frame": 0, "time": 0.0, "faces": 0, "smiling": 0, "smile": None},
        {"path": "c.mp4", "frame": 25, "time": 1.0, "faces": 1, "smiling": 1, "smile": 0.8},
    ],
    "faces": [
        {"path": "a.jpg", "frame": None, "time": None, "track": None, "x1": 1, "y1": 2, "x2": 33, "y2": 34,
         "confidence": 0.9, "smile": 0.9, "smiling": True, "intensity": None, "smoothed": None},
        {"path": "a.jpg", "frame": None, "time": None, "track": None, "x1": 50, "y1": 2, "x2": 80, "y2": 34,
         "confidence": 0.9, "smile": 1.0, "smiling": False, "intensity": None, "smoothed": None},
    ],
    "smiles": [
        {"path": "c.mp4", "track": 2, "start": 1.5, "end": 2.5, "peak": 0.7, "peak_time": 2.0, "peak_frame": 50,
         "x1": 5, "y1": 6, "x2": 25, "y2": 26},
        {"path": "c.mp4", "track": 1, "start": 1.0, "end": 2.0, "peak": 0.9, "peak_time": 1.2, "peak_frame": 30,
         "x1": 1, "y1": 2, "x2": 21, "y2": 22},
    ],
    "errors": [
        {"path": "d.jpg", "size": 0, "modified": None, "error": "SourceUnreadable", "message": "d.jpg is empty"},
    ],
}  # fmt: skip


def write_scan(folder, tables=TABLES, form="jsonl"):
    folder.mkdir()
    for name, rows in tables.items():
        if form == "jsonl":
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        else:
            pyarrow = pytest.importorskip("pyarrow")
            from pyarrow import parquet

            parquet.write_table(pyarrow.Table.from_pylist(rows), folder / f"{name}.parquet")
    settings = {"model": "smilenet", "decision": {"smoothing": 0.12}}
    (folder / "summary.json").write_text(json.dumps({"settings": settings, "smilecam": "0.1.0"}))
    return folder


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_tables_of_a_scan(tmp_path, form):
    data = load_results(write_scan(tmp_path / "scanned", form=form))
    assert data.name == "scanned"
    assert [(image.path, image.faces, image.smiling, image.smile) for image in data.images] == [
        ("a.jpg", 2, 1, pytest.approx(0.9)),
        ("b.jpg", 0, 0, None),
    ]
    assert data.images[0].boxes == [(Box(1, 2, 33, 34), True), (Box(50, 2, 80, 34), False)]
    (video,) = data.videos
    assert [smile.track for smile in video.smiles] == [1, 2], "in order of their starts"
    assert video.smile_time == pytest.approx(1.5), "overlapping smiles count once"
    assert video.curve.points == {0: 0.0, 10: pytest.approx(0.8)}
    assert data.errors == [("d.jpg", "d.jpg is empty")]
    assert data.settings == {"model": "smilenet", "decision smoothing": 0.12, "smilecam": "0.1.0"}
    assert data.probabilities[int(0.9 * PROBABILITY_BINS)] == data.probabilities[-1] == 1


def test_what_is_no_result(tmp_path):
    def file(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    unfinished = write_scan(tmp_path / "unfinished")
    (unfinished / "summary.json").unlink()
    cases = {
        unfinished: "or the scan has not ended",
        write_scan(
            tmp_path / "part", {name: rows for name, rows in TABLES.items() if name != "smiles"}
        ): "no table smiles",
        file("cut.jsonl", '{"type": "frame", "sou'): "line 1: no JSON, or cut short",
        file("other.jsonl", '{"a": 1}\n'): "damaged, or not results of smilecam",
        file("list.jsonl", "[1, 2]\n"): "damaged, or not results of smilecam",
        file("empty.jsonl", ""): "holds no lines of smilecam detect",
        file("odd.jsonl", '{"type": "frame", "source": "a", "time": null, "faces": [{}]}\n'): "damaged",
        tmp_path / "nothing.jsonl": "cannot be read: No such file",
    }
    for path, message in cases.items():
        with pytest.raises(DataError, match=message):
            load_results(path)


def test_a_curve_stays_small_and_keeps_its_peaks():
    curve = Curve()
    for number in range(200_000):
        curve.add(number / 25, 1.0 if number == 123_456 else 0.1)
    assert len(curve.points) <= 600
    assert max(curve.points, key=curve.points.get) == int(123_456 / 25 / curve.step)
    assert max(curve.points.values()) == 1.0


def test_time_with_a_smile_counts_overlaps_once():
    spans = [(0, 2), (1, 3), (1.5, 1.8), (5, 6)]
    video = ReportedVideo("a", smiles=[ReportedSmile(n, *span, 0.9, 0, None) for n, span in enumerate(spans)])
    video.settle()
    assert video.smile_time == pytest.approx(4.0)


def test_a_report_of_a_scan_shows_what_a_report_of_detect_shows(archive, tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyarrow", reason='needs the "scan" extra')
    monkeypatch.chdir(archive)
    out = tmp_path / "scanned"
    names = ["a film.webm", "astronaut & co.png", "hopper.jpg"]
    assert call(["scan", *names, "--out", str(out), "--every", "0", "--workers", "1", "--detector", "haar"]) == 0
    assert call(["report", str(out), "--thumbnails", "5"]) == 0
    assert "wrote" in capsys.readouterr().out
    assert (tmp_path / "scanned.html").read_text("utf-8").count("data:image/jpeg") == 4
    scanned, detected = load_results(out), load_results(archive / "results.jsonl")
    assert scanned.images == detected.images
    (one,), (other,) = scanned.videos, detected.videos
    assert (one.path, one.frames, one.tracks) == (other.path, other.frames, other.tracks)
    assert (one.duration, one.smile_time) == pytest.approx((other.duration, other.smile_time))
    assert [(smile.start, smile.end) for smile in one.smiles] == [(smile.start, smile.end) for smile in other.smiles]
    assert one.curve.points == pytest.approx(other.curve.points, abs=1e-3)
    assert scanned.probabilities == detected.probabilities


FRAME = {"type": "frame", "source": "a.mp4", "frame": 0, "time": 0.0, "faces": [
    {"box": [0, 0, 9, 9], "confidence": 1.0, "smile": 0.5, "smiling": True, "track": 1, "intensity": 0.1}]}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time": 10**400}, "time is no number"),
        ({"time": float("inf")}, "time is no number"),
        ({"time": -1}, "time is no number"),
        ({"source": ["a"]}, "source is no text"),
        ({"faces": [FRAME["faces"][0] | {"smile": 3}]}, "smile is no number from 0 to 1"),
        ({"faces": [FRAME["faces"][0] | {"intensity": 10**400}]}, "intensity is no number"),
        ({"faces": [FRAME["faces"][0] | {"box": [0, 0, "9", 9]}]}, "x2 is no number"),
        ({"faces": [FRAME["faces"][0] | {"smiling": "yes"}]}, "smiling is neither true nor false"),
    ],
)
def test_values_that_no_result_has(tmp_path, change, reason):
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps(FRAME | change) + "\n")
    with pytest.raises(DataError, match=reason):
        load_results(path)


def test_a_name_that_no_file_can_hold(tmp_path, capsys):
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps(FRAME | {"source": "a\ud800.mp4"}) + "\n")
    assert call(["report", str(path), "--media", str(tmp_path)]) == 0
    assert "a\ufffd.mp4" in (tmp_path / "odd.html").read_text("utf-8")
