import json
from pathlib import Path

import numpy as np
import pytest

from smilecam.errors import OutputError, UsageProblem
from smilecam.outputs.annotated import plan_names
from smilecam.outputs.jsonl import JsonLines
from smilecam.outputs.summary import SmileSpans, Summary, picture_line, state
from smilecam.pipeline import SmileDetector
from smilecam.session import Outcome, read_sources
from smilecam.types import Box, Face, FrameResult
from smilecam.video.sources import Frame, Kind, SourceRef

SMILE = Face(Box(1, 2, 3, 4), 0.9876543, 0.93, smiling=True)
NO_SMILE = Face(Box(1, 2, 3, 4), 0.5, 0.07, smiling=False)
FRAME = Frame(0, None, np.zeros((2, 2, 3), np.uint8))


def result(*faces, time=None, frame=0):
    return FrameResult("clip.mp4", frame, time, faces)


def picture(name):
    return SourceRef(name, Kind.PICTURE, Path(name))


def video(name):
    return SourceRef(name, Kind.VIDEO, Path(name))


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


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        ((), "no face"),
        ((SMILE,), "smile"),
        ((NO_SMILE,), "no smile"),
        ((SMILE, NO_SMILE), "1 of 2 faces smile"),
    ],
)
def test_state(faces, words):
    assert state(result(*faces)) == words


def test_picture_lines():
    assert picture_line(result()) == "clip.mp4: no face"
    assert picture_line(result(SMILE)) == "clip.mp4: 1 face: smile 93%"
    assert picture_line(result(SMILE, NO_SMILE)) == "clip.mp4: 2 faces: smile 93%, no smile 7%"


class Opened:
    def __init__(self, ref, expected=None):
        self.ref, self.expected, self.missing = ref, expected, 0


def test_changes_of_a_camera_are_told_as_they_come():
    said = []
    summary = Summary(said.append)
    summary.begin(Opened(CAMERA))
    for number, faces in enumerate([(), (), (NO_SMILE,), (SMILE,), (SMILE,), (NO_SMILE,)]):
        summary.write(FRAME, result(*faces, time=number / 10, frame=number))
    assert [line.split("s  ")[1] for line in said] == ["no face", "no smile", "smile", "no smile"]
    summary.end()
    assert said[-1] == "camera:0: 6 frames, 0.50 s; a face in 4, a smile in 2: 0.30-0.40 s"


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
        read_sources([ref], SmileDetector(), [Notes(True), Notes(True), Notes(False)], Outcome(), max_frames=1)
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


def test_one_file_for_one_source():
    assert plan_names(Path("out.png"), [picture("a.jpg")], into_folder=False) == {picture("a.jpg"): Path("out.png")}


@pytest.mark.parametrize(
    ("target", "refs", "words"),
    [
        ("out.mp4", [video("a.mp4"), video("b.mp4")], "several sources need a folder"),
        ("out.jpg", [video("a.mp4")], "for a video"),
        ("out.mp4", [picture("a.jpg")], "for a picture"),
        ("out.png", [CAMERA], "for a camera"),
    ],
)
def test_impossible_names(target, refs, words):
    with pytest.raises(UsageProblem, match=words):
        plan_names(Path(target), refs, into_folder=False)
