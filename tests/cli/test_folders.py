"""What ``smilecam detect`` prints about folders of photos."""

import re
import sys

import numpy as np
import pytest

from smilecam import SyntheticFace
from smilecam.cli import exit_codes
from smilecam.sinks.summary import image_line
from smilecam.sinks.totals import ImageTotals
from smilecam.sources.images import save_image


@pytest.fixture
def album(photos):
    """The two portraits, one photo of five drawn faces, and files that are no sources."""
    smiling, serious = (SyntheticFace(960, 360, faces=number).image(smile) for number, smile in ((3, 1.0), (2, 0.0)))
    save_image(photos / "group.jpg", np.concatenate([smiling, serious]))
    for name in ("IMG_1.CR2", "IMG_2.nef", "notes.txt", ".hidden"):
        (photos / name).write_text("none")
    return photos


def test_an_album_is_counted(command, album):
    code, out, err = command("detect", album, "--detector", "haar", "--save", "marked", "--csv", "out.csv")
    assert code == exit_codes.DONE
    assert err == ""
    lines = out.splitlines()
    assert [re.sub(r"\d+%", "N%", line).replace(f"{album}/", "") for line in lines[:3]] == [
        "astronaut.jpg: 1 face: smile N%",
        "group.jpg: 5 faces, 3 smile",
        "hopper.png: 1 face: no smile N%",
    ]
    assert re.fullmatch(r"3 images: 7 faces, 4 smile; a smile in 2; [\d.]+ images a second", lines[3])
    assert lines[-1] == "skipped: 2 RAW images (convert to JPEG first), 1 file that is no image or video"


def test_many_files_have_one_closing_line(command, photos, noise):
    for number in range(6):
        save_image(photos / f"noise{number}.png", noise)
    code, out, _ = command("detect", photos, "--detector", "haar", "--save", "marked", "--jsonl", "out.jsonl")
    assert code == exit_codes.DONE
    assert [line for line in out.splitlines() if "wrote" in line] == ["wrote 8 files in marked", "wrote out.jsonl"]


def test_the_counts_go_where_people_read(command, album):
    _, out, err = command("detect", album, "--detector", "haar", "--jsonl", "-")
    assert all(line.startswith("{") for line in out.splitlines())
    assert "3 images: 7 faces" in err
    assert "skipped: 2 RAW images" in err


def test_subfolders_that_hold_images_are_named(command, photos, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    photos.rename(tmp_path / "deep" / "er" / "photos")
    code, _, err = command("detect", "deep")
    assert code == exit_codes.SOURCE
    assert err == (
        "smilecam: no images or videos in deep; subfolders of deep hold images or videos: -r includes them\n"
    )
    code, out, _ = command("detect", "deep", "-r", "--detector", "haar")
    assert code == exit_codes.DONE
    assert "subfolders" not in out
    (tmp_path / "deep" / "er" / "photos" / "hopper.png").rename(tmp_path / "deep" / "hopper.png")
    _, out, _ = command("detect", "deep", "--detector", "haar")
    assert out.splitlines()[-1] == "subfolders of deep hold images or videos: -r includes them"


def test_heic_without_its_extra_is_one_line_and_one_code(command, photos, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for name in ("a.heic", "b.HEIC", "c.heif"):
        (photos / name).write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 16)
    code, out, err = command("detect", photos, "--detector", "haar")
    assert code == exit_codes.SOME_FAILED
    assert err.count("\n") == 1
    assert err.startswith('smilecam: 3 images are in the format HEIC: reading them needs the "heif" extra: ')
    assert "2 images: 2 faces" in out


def test_totals_leave_out_what_they_cannot_know(clip, command, photos):
    _, out, _ = command("detect", photos, clip, "--detector", "haar")
    assert "2 images: 2 faces, 1 smiles; a smile in 1\n" in out
    _, out, _ = command("detect", photos / "hopper.png", "--detector", "haar")
    assert out.count("\n") == 1
    _, out, _ = command("detect", photos, "--parallel", "--detector", "haar")
    assert out.count("2 images: 2 faces, 1 smiles; a smile in 1; ") == 1


def test_the_rate_is_of_images_and_seconds(album, command):
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.pipeline.run_sources import RunReport, collect_sources, run_sources

    times = iter([10.0, 11.0, 12.0, 12.0, 16.0, 99.0])
    said = []
    totals = ImageTotals(said.append, lambda: next(times))
    report = RunReport()
    run_sources(collect_sources([str(album)], False, report), SmileDetector(detector="haar"), [totals], report)
    assert said == ["3 images: 7 faces, 4 smile; a smile in 2; 1.5 images a second"]
    assert report.skipped.raw == 2


def test_the_line_of_a_crowd():
    from smilecam.results import FrameResult
    from smilecam.types import Box, Face

    def faces(smiling, others):
        return FrameResult("p.jpg", 0, None, (Face(Box(0, 0, 9, 9), 1, 0.9, True),) * smiling
                           + (Face(Box(0, 0, 9, 9), 1, 0.1, False),) * others)  # fmt: skip

    assert image_line(faces(3, 13)) == "p.jpg: 16 faces, 3 smile"
    assert image_line(faces(1, 3)) == "p.jpg: 4 faces, 1 smiles"
    assert image_line(faces(0, 4)) == "p.jpg: 4 faces, none smiles"
    assert image_line(faces(1, 2)) == "p.jpg: 3 faces: smile 90%, no smile 10%, no smile 10%"
