import csv
from dataclasses import replace

import numpy as np
import pytest

from smilecam.errors import OutputError
from smilecam.results import FrameResult
from smilecam.sinks.csv import COLUMNS, CsvTable
from smilecam.sources.frame import Frame
from smilecam.types import Box, Face

FRAME = Frame(0, None, np.zeros((2, 2, 3), np.uint8))
FACE = Face(Box(1, 2, 30, 40), 0.98765432, 0.93, smiling=True)


def test_a_row_for_each_face_at_once(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("of an earlier run")
    table = CsvTable(str(path))
    assert path.read_text() == "of an earlier run"
    table.write(FRAME, FrameResult("first.jpg", 0, None, ()))
    assert path.read_text() == ",".join(COLUMNS) + "\n"
    other = replace(FACE, smiling=False, track=3, intensity=0.25, smoothed=0.4, interpolated=True)
    table.write(FRAME, FrameResult('a "b", c.mp4', 7, 0.28, (FACE, other)))
    table.write(FRAME, FrameResult("empty.jpg", 0, None, ()))
    table.write(FRAME, FrameResult("p.jpg", 0, None, (FACE,)))
    with path.open(newline="") as file:  # before it is closed: rows are flushed
        rows = list(csv.DictReader(file))
    table.close()
    assert [row["source"] for row in rows] == ['a "b", c.mp4', 'a "b", c.mp4', "p.jpg"]
    assert list(rows[1].values())[1:] == [
        "7", "0.28", "3", "1", "2", "30", "40", "0.9877", "0.93", "false", "0.25", "0.4", "true"
    ]  # fmt: skip
    assert (rows[0]["track"], rows[0]["intensity"], rows[0]["smiling"]) == ("", "", "true")
    assert (rows[0]["smoothed"], rows[0]["interpolated"]) == ("", "false")
    assert rows[2]["time"] == ""


def test_standard_output(capsys):
    table = CsvTable("-")
    table.write(FRAME, FrameResult("x.mp4", 1, 0.5, (FACE,)))
    table.close()
    assert capsys.readouterr().out.splitlines()[1] == "x.mp4,1,0.5,,1,2,30,40,0.9877,0.93,true,,,false"


def test_names_that_are_no_text(tmp_path):
    table = CsvTable(str(tmp_path / "out.csv"))
    table.write(FRAME, FrameResult("a\udcff.mp4", 1, 0.5, (FACE,)))
    table.close()
    assert b"\na\xff.mp4,1," in (tmp_path / "out.csv").read_bytes()


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        CsvTable(str(tmp_path / "none" / "out.csv"))


def test_a_name_with_ends_of_lines_stays_in_its_cell(tmp_path):
    """Unquoted, a carriage return ends the row for a spreadsheet, and a formula could begin the next one."""
    table = CsvTable(str(tmp_path / "out.csv"))
    for name in ("a\r=1+1.jpg", "b\n=1+1.jpg", "c\r\n=1+1.jpg"):
        table.write(FRAME, FrameResult(name, 1, 0.5, (FACE,)))
    table.close()
    content = (tmp_path / "out.csv").read_bytes()
    assert b'\n"a\r=1+1.jpg",1,' in content
    assert b'\n"b\n=1+1.jpg",1,' in content
    assert b'\n"c\r\n=1+1.jpg",1,' in content
