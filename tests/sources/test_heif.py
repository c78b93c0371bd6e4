"""Images as phones write them: HEIC, and the orientation of every format."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest

from smilecam import load_image
from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.errors import SourceUnreadable
from smilecam.opencv import cv2
from smilecam.sources.base import Kind
from smilecam.sources.heif import is_heif
from smilecam.sources.resolve import find_sources

pillow_heif = pytest.importorskip("pillow_heif", reason='needs the "heif" extra')
pil_image = pytest.importorskip("PIL.Image")

STORED = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
          6: np.rot90, 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, -1)}  # fmt: skip
"""EXIF orientation -> how an upright image is stored under it."""


def exif(orientation):
    tags = pil_image.Exif()
    tags[0x112] = orientation
    return tags.tobytes()


def heic(image, orientation=1, mode="BGR"):
    file = pillow_heif.from_bytes(mode, (image.shape[1], image.shape[0]), np.ascontiguousarray(image).tobytes())
    content = io.BytesIO()
    file.save(content, quality=90, exif=exif(orientation))
    return content.getvalue()


@pytest.fixture(scope="module")
def upright(astronaut):
    return np.ascontiguousarray(astronaut[:320, 60:300])


def difference(image, other):
    assert image.shape == other.shape
    return np.abs(image.astype(int) - other).mean()


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".heic"])
def test_every_orientation_of_every_format_is_upright(tmp_path, upright, suffix, orientation):
    stored = np.ascontiguousarray(STORED[orientation](upright))
    path = tmp_path / f"photo{suffix}"
    if suffix == ".heic":
        path.write_bytes(heic(stored, orientation))
    else:
        tags = {"tiffinfo": {0x112: orientation}} if suffix == ".tif" else {"exif": exif(orientation)}
        pil_image.fromarray(stored[..., ::-1]).save(path, **tags)
    assert difference(load_image(path), upright) < 5


@pytest.mark.parametrize("name", ["photo.heic", "PHOTO.HEIF", "photo.hif", "renamed.jpg", "no_suffix"])
def test_heic_is_read_under_any_name(tmp_path, upright, name):
    path = tmp_path / name
    path.write_bytes(heic(upright))
    (ref,) = find_sources(path)
    assert ref.kind is Kind.IMAGE
    assert difference(load_image(path), upright) < 5


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("BGRA", 4)])
def test_grey_and_transparent_ones_have_three_channels(tmp_path, upright, mode, channels):
    grey = cv2.cvtColor(upright, cv2.COLOR_BGR2GRAY)
    image = grey if channels == 1 else np.dstack([upright, np.full(grey.shape, 255, np.uint8)])
    path = tmp_path / "photo.heic"
    path.write_bytes(heic(image, mode=mode))
    expected = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR) if channels == 1 else upright
    assert difference(load_image(path), expected) < 5


@pytest.mark.parametrize("share", [0.01, 0.2, 0.6, 0.99])
def test_a_file_that_is_cut_short_is_unreadable(tmp_path, upright, share):
    content = heic(upright)
    path = tmp_path / "cut.heic"
    path.write_bytes(content[: max(20, int(len(content) * share))])
    with pytest.raises(SourceUnreadable, match=r"cut\.heic is not an image, or is damaged"):
        load_image(path)


def test_pixels_are_counted_before_decoding(tmp_path, upright, monkeypatch):
    path = tmp_path / "large.heic"
    path.write_bytes(heic(upright))
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", str(240 * 320 - 1))
    with pytest.raises(SourceUnreadable, match="more than 76,799 pixels"):
        load_image(path)


def test_videos_are_no_heif(clip):
    assert not is_heif(clip.read_bytes()[:16])


def test_a_folder_with_heic_and_a_damaged_file(tmp_path, upright, capsys):
    (tmp_path / "a.heic").write_bytes(heic(upright))
    (tmp_path / "b.heic").write_bytes(b"")
    lines = tmp_path / "lines.jsonl"
    assert call(["detect", "--detector", "haar", str(tmp_path), "--jsonl", str(lines)]) == exit_codes.SOME_FAILED
    assert "b.heic is empty" in capsys.readouterr().err
    (line,) = map(json.loads, lines.read_text("utf-8").splitlines())
    assert [face["smiling"] for face in line["faces"]] == [True]


def test_without_the_extra_one_line_names_it(tmp_path, upright):
    path = tmp_path / "photo.heic"
    path.write_bytes(heic(upright))
    code = "import sys; sys.modules['pillow_heif'] = None; import smilecam; smilecam.load_image(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert 'photo.heic is in the format HEIC: reading it needs the "heif" extra' in done.stderr.splitlines()[-1]
