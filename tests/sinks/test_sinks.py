import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smilecam.errors import OutputError, UsageProblem
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run_sources import RunReport, run_sources
from smilecam.results import FrameResult
from smilecam.sinks.annotated import plan_names
from smilecam.sinks.csv import CsvTable
from smilecam.sinks.jsonl import JsonLines
from smilecam.sinks.summary import SmileSpans, Summary, image_line
from smilecam.sources.base import Kind, SourceRef
from smilecam.sources.frame import Frame
from smilecam.types import Box, Event, EventKind, Face, StreamStats

SMILE = Face(Box(1, 2, 3, 4), 0.9876543, 0.93, smiling=True)
NO_SMILE = Face(Box(1, 2, 3, 4), 0.5, 0.07, smiling=False)
FRAME = Frame(0, None, np.zeros((2, 2, 3), np.uint8))


def result(*faces, time=None, frame=0):
    return FrameResult("clip.mp4", frame, time, faces)


def picture(name):
    return SourceRef(name, Kind.IMAGE, Path(name))


def video(name):
    return SourceRef(name, Kind.VIDEO, Path(name))


def stream(name):
    return SourceRef(name, Kind.STREAM)


CAMERA = SourceRef("camera:0", Kind.CAMERA, index=0)


def test_a_line_has_the_published_form(tmp_path):
    path = tmp_path / "out.jsonl"
    lines = JsonLines(str(path))
    lines.write(FRAME, result(SMILE, time=0.4, frame=12))
    # Readable before it is closed: every line is flushed.
    (line,) = path.read_text("utf-8").splitlines()
    lines.close()
    assert json.loads(line) == {
        "type": "frame",
        "source": "clip.mp4",
        "frame": 12,
        "time": 0.4,
        "faces": [{"box": [1, 2, 3, 4], "confidence": 0.9877, "smile": 0.93, "smiling": True}],
    }


@pytest.mark.parametrize("sink", [JsonLines, CsvTable])
def test_a_file_counts_as_written_once_it_is_closed(tmp_path, capsys, sink):
    opened, to_output = sink(str(tmp_path / "out")), sink("-")
    opened.write(FRAME, result(SMILE, time=0.4))
    assert opened.written == []
    opened.close()
    to_output.close()
    assert opened.written == [tmp_path / "out"]
    assert to_output.written == []


def test_time_of_a_picture_is_null(tmp_path):
    lines = JsonLines(str(tmp_path / "out.jsonl"))
    lines.write(FRAME, result())
    lines.close()
    assert json.loads((tmp_path / "out.jsonl").read_text())["time"] is None


def test_lines_need_a_folder(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        JsonLines(str(tmp_path / "none" / "out.jsonl"))


def test_spans():
    spans = SmileSpans()
    for number, smiling in enumerate([False, True, True, False, True]):
        spans.add(result(SMILE if smiling else NO_SMILE, time=number / 10))
    assert spans.spans == [(0.1, 0.2), (0.4, 0.4)]
    assert str(spans) == "0.10-0.20 s, 0.40-0.40 s"


def test_image_lines():
    assert image_line(result()) == "clip.mp4: no face"
    assert image_line(result(SMILE)) == "clip.mp4: 1 face: smile 93%"
    assert image_line(result(SMILE, NO_SMILE)) == "clip.mp4: 2 faces: smile 93%, no smile 7%"


class Opened:
    def __init__(self, ref, expected=None):
        self.ref, self.expected, self.missing, self.live = ref, expected, 0, ref.kind is Kind.CAMERA


def event(kind, time, track=None, since=None, peak=None):
    return Event(kind, "clip.mp4", time, round(time * 10), track, since, peak)


def test_what_happens_at_a_camera_is_told_as_it_comes():
    said = []
    summary = Summary(said.append)
    summary.begin(Opened(CAMERA))
    happened = {
        3: event(EventKind.SMILE_START, 0.3, 2, 0.1, 0.8),
        5: event(EventKind.SOURCE_LOST, 0.5),
        7: event(EventKind.SOURCE_RESTORED, 0.7),
        20: event(EventKind.SMILE_END, 2.0, 2, 1.5, 0.974),
    }
    for number in range(21):
        face = replace(SMILE, track=2) if 3 <= number < 20 else replace(NO_SMILE, track=2)
        summary.write(FRAME, result(face, time=number / 10, frame=number))
        if number in happened:
            summary.event(happened[number])
    assert said == [
        "    0.30 s  person 2 smiles",
        "    0.50 s  source lost",
        "    0.70 s  source restored",
        "    2.00 s  person 2 stops smiling (1.4 s, peak 97 %)",
    ]
    summary.end()
    assert said[4:] == ["camera:0: 21 frames, 2.00 s; a face in 21, a smile in 17: 0.10-1.50 s"]


def test_spans_of_several_people_are_joined():
    said = []
    summary = Summary(said.append)
    summary.begin(Opened(video("clip.mp4")))
    for number in range(100):
        summary.write(FRAME, result(replace(SMILE, track=1), time=number / 10, frame=number))
    for track, start, end in ((1, 1.0, 3.0), (2, 2.0, 4.0), (3, 6.0, 7.0)):
        summary.event(event(EventKind.SMILE_START, start + 0.2, track, start))
        summary.event(event(EventKind.SMILE_END, end + 0.2, track, end))
    summary.event(event(EventKind.SMILE_START, 9.2, 1, 9.0))
    summary.end()
    assert [line.split("smile in ")[1] for line in said] == ["100: 1.00-4.00 s, 6.00-7.00 s, 9.00-9.90 s"]


def test_without_tracks_the_frames_are_told():
    said = []
    summary = Summary(said.append)
    summary.begin(Opened(video("clip.mp4")))
    for number, face in enumerate([NO_SMILE, SMILE, SMILE, NO_SMILE]):
        summary.write(FRAME, result(face, time=number / 10, frame=number))
    summary.end()
    assert said == ["clip.mp4: 4 frames, 0.30 s; a face in 4, a smile in 2: 0.10-0.20 s"]


def test_every_sink_is_ended_and_closed_though_one_fails(clip):
    calls = []

    class Notes:
        def __init__(self, fails):
            self.fails = fails

        def begin(self, _source):
            pass

        def write(self, _frame, _result):
            pass

        def end(self):
            calls.append("end")
            if self.fails:
                raise BrokenPipeError

        def close(self):
            calls.append("close")

    ref = SourceRef(str(clip), Kind.VIDEO, clip)
    with pytest.raises(BrokenPipeError):
        run_sources([ref], SmileDetector(), [Notes(True), Notes(True), Notes(False)], RunReport(), max_frames=1)
    assert calls == ["end", "end", "end", "close", "close", "close"]


def test_names_in_a_folder_never_collide():
    refs = [picture("a/x.jpg"), picture("b/x.jpg"), picture("b/X.JPG"), video("x.gif"), picture("p.ppm"), CAMERA]
    names = plan_names(Path("out"), refs, into_folder=True)
    assert [path.name for path in names.values()] == [
        "x_smiles.jpg",
        "x_smiles_2.jpg",
        "X_smiles_3.JPG",
        "x_smiles.mp4",
        "p_smiles.png",
        "camera0_smiles.mp4",
    ]


def test_addresses_become_names():
    names = plan_names(Path("out"), [stream("rtsp://door:554/live?a=1/../x"), stream("x" * 500)], into_folder=True)
    assert [path.name for path in names.values()] == [
        "rtsp_door_554_live_a_1_.._x_smiles.mp4",
        f"{'x' * 100}_smiles.mp4",
    ]
    assert {path.parent for path in names.values()} == {Path("out")}


def test_one_file_for_one_source():
    assert plan_names(Path("out.png"), [picture("a.jpg")], into_folder=False) == {picture("a.jpg"): Path("out.png")}


@pytest.mark.parametrize(
    ("target", "refs", "words"),
    [
        ("out.mp4", [video("a.mp4"), video("b.mp4")], "several sources need a folder"),
        ("out.jpg", [video("a.mp4")], "for videos"),
        ("out.mp4", [picture("a.jpg")], "for images"),
        ("out.png", [CAMERA], "for cameras"),
    ],
)
def test_impossible_names(target, refs, words):
    with pytest.raises(UsageProblem, match=words):
        plan_names(Path(target), refs, into_folder=False)


def test_figures_stand_in_a_live_recording(tmp_path, clip):
    from smilecam.opencv import cv2
    from smilecam.sinks.annotated import AnnotatedOutput

    output = AnnotatedOutput({CAMERA: tmp_path / "out.mp4"})
    opened = Opened(CAMERA)
    opened.fps = 10.0
    output.begin(opened)
    grey = np.full((240, 480, 3), 128, np.uint8)
    for number in range(4):
        output.write(Frame(number, number / 10, grey), result(time=number / 10, frame=number))
        if number == 1:
            output.stats(StreamStats(2, 2, 0, 0, 10.0, 10.0, (1.0, 2.0, 3.0)))
    output.end()
    capture = cv2.VideoCapture(str(output.written[0]))
    corners = [float(capture.read()[1][:20, :200].std()) for _ in range(4)]
    assert max(corners[:2]) < 5 < 30 < min(corners[2:])
