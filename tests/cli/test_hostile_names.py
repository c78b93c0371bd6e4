"""Files whose names are chosen to do harm: in messages, tables, subtitles and reports they are text."""

import csv
import json
import re
import shutil
import sys
from html.parser import HTMLParser

import pytest

from smilecam.cli import exit_codes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not allow")

NAMES = (
    "\x1b[31mred\x1b]0;title\x07.jpg",
    "=1+1.jpg",
    "\r=2.jpg",
    "a\nb --> c.jpg",
    "<script>alert(1)<\u2215script>.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "\u202egpj.exe.jpg",
    "-rf.jpg",
)
ELSEWHERE = ("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//evil.example/x.jpg", "\\\\evil\\x.jpg")


class Links(HTMLParser):
    """What a page links to or shows, and its elements."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.elements = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.targets += [value for name, value in attrs if name in ("href", "src")]


def check_page(path, thumbnails):
    links = Links(path.read_text("utf-8"))
    assert not any("onerror" in attributes for _, attributes in links.elements)
    assert sum(tag == "script" for tag, _ in links.elements) == 1
    assert sum(tag == "img" for tag, _ in links.elements) == thumbnails
    assert all(re.match(r"#|photos/|data:image/", target) for target in links.targets), links.targets


def test_names_in_messages_tables_and_reports(smilecam_command, photos, tmp_path):
    astronaut = (photos / "astronaut.jpg").read_bytes()
    shutil.rmtree(photos)
    photos.mkdir()
    for name in NAMES:
        (photos / name).write_bytes(astronaut)
    (photos / "\x1b[2Jbroken.jpg").write_bytes(b"no image")
    outputs = ("--jsonl", "out.jsonl", "--csv", "out.csv", "--save", "saved")
    done = smilecam_command("detect", "photos", "--detector", "haar", *outputs)
    assert done.returncode == exit_codes.SOME_FAILED, done.stderr
    assert all(char.isprintable() for char in (done.stdout + done.stderr).replace("\n", ""))
    assert done.stdout.count("\n") == len(NAMES) + 4
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert {row["source"] for row in csv.DictReader(file)} == {f"photos/{name}" for name in NAMES}
    assert len(list((tmp_path / "saved").iterdir())) == len(NAMES)
    done = smilecam_command("report", "out.jsonl", "-o", "out.html")
    assert done.returncode == exit_codes.DONE, done.stderr
    check_page(tmp_path / "out.html", len(NAMES))


def test_results_that_name_other_places_lead_to_none(smilecam_command, tmp_path):
    face = {"box": [1, 1, 50, 50], "confidence": 0.9, "smile": 0.9, "smiling": True}
    lines = [{"type": "frame", "source": name, "frame": 0, "time": None, "faces": [face]} for name in ELSEWHERE]
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = smilecam_command("report", "out.jsonl", "-o", "out.html")
    assert done.returncode == exit_codes.DONE, done.stderr
    check_page(tmp_path / "out.html", 0)


def test_a_name_in_subtitles(smilecam_command, clip, tmp_path):
    name = "x\n\n00:00.000 --> 00:09.000\n<b>evil\r.mp4"
    shutil.copyfile(clip, tmp_path / name)
    done = smilecam_command("detect", name, "--detector", "haar", "--webvtt", "out.vtt")
    assert done.returncode == exit_codes.DONE, done.stderr
    assert "evil" not in (tmp_path / "out.vtt").read_text("utf-8")
