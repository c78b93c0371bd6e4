"""Which files there are: each once, under its own name."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from smilecam.scan.listing import list_files


def names(listing, base):
    return [os.path.relpath(file.name, base).replace(os.sep, "/") for file in listing.files]


@pytest.fixture
def folder(tmp_path):
    for name in ("a/1.jpg", "a/2.mp4", "b/3.PNG", "b/4.txt", "b/.5.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_folders_patterns_and_files_give_each_file_once(folder):
    listing = list_files([str(folder), str(folder / "a"), str(folder / "**" / "*.jpg"), str(folder / "a" / "1.jpg")])
    assert names(listing, folder) == ["a/1.jpg", "a/2.mp4", "b/3.PNG"]
    assert [file.is_image for file in listing.files] == [True, False, True]
    assert listing.duplicates == {}
    assert listing.failures == []


def test_a_second_name_is_a_duplicate(folder):
    try:
        (folder / "a" / "0-link.jpg").symlink_to(folder / "a" / "1.jpg")
        os.link(folder / "a" / "2.mp4", folder / "b" / "hard.mp4")
        (folder / "b" / "up").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("this user may not make links here")
    listing = list_files([str(folder)])
    assert names(listing, folder) == ["a/1.jpg", "a/2.mp4", "b/3.PNG"]
    assert listing.duplicates == {
        str(folder / "a" / "0-link.jpg"): str(folder / "a" / "1.jpg"),
        str(folder / "b" / "hard.mp4"): str(folder / "a" / "2.mp4"),
    }


def test_what_is_not_there_is_a_failure(folder):
    try:
        (folder / "a" / "broken.jpg").symlink_to(folder / "gone.jpg")
    except OSError:
        pytest.skip("this user may not make links here")
    listing = list_files([str(folder), "nothing.jpg", str(folder / "*.gif"), "x" * 5000, "a\0b", "nosuch://bucket/x"])
    assert names(listing, folder) == ["a/1.jpg", "a/2.mp4", "b/3.PNG"]
    assert [failure.error for failure in listing.failures] == [
        "SourceNotFound", "SourceNotFound", "SourceEmpty", "SourceUnreadable", "SourceUnreadable", "SourceUnreadable",
    ]  # fmt: skip
    assert all("\n" not in failure.message for failure in listing.failures)


def test_the_folder_of_the_results_is_left_out(folder):
    assert names(list_files([str(folder)], leave_out=folder / "b"), folder) == ["a/1.jpg", "a/2.mp4"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of other bytes exist on Linux")
def test_names_that_are_no_unicode_are_shown(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/a/\xff.jpg")).write_bytes(b"x")
    listing = list_files([str(folder / "a")])
    assert [file.name for file in listing.files if not file.location.isascii()] == [str(folder / "a" / "\\xff.jpg")]


def test_file_urls_are_files(folder):
    listing = list_files([folder.as_uri(), (folder / "b" / "4.txt").as_uri()])
    assert [file.name.rpartition("/")[2] for file in listing.files] == ["1.jpg", "2.mp4", "3.PNG", "4.txt"]
    assert {file.size for file in listing.files} == {7}
    assert all(file.is_url and file.modified for file in listing.files)


def test_file_systems_that_number_no_files(folder, monkeypatch):
    expected = [file.name for file in list_files([str(folder)]).files]
    of_file = Path.stat

    def without_index(path, **options):
        status = of_file(path, **options)
        names = ("st_dev", "st_mode", "st_size", "st_mtime_ns")
        return SimpleNamespace(st_ino=0, **{name: getattr(status, name) for name in names})

    monkeypatch.setattr(Path, "stat", without_index)
    assert [file.name for file in list_files([str(folder)]).files] == expected


@pytest.mark.parametrize("argument", ["", "*", "**/*"])
def test_a_link_that_leads_nowhere_costs_no_other_file(folder, argument):
    try:
        (folder / "a" / "0.jpg").symlink_to(folder / "gone.jpg")
        (folder / "a" / "00").symlink_to("x" * 300)
    except OSError:
        pytest.skip("this user may not make links here")
    listing = list_files([str(folder / argument)])
    assert set(names(listing, folder)) == {"a/1.jpg", "a/2.mp4", "b/3.PNG"}
    assert "SourceNotFound" in {failure.error for failure in listing.failures}


def test_images_of_phones_are_images(tmp_path):
    (tmp_path / "IMG_1.HEIC").write_bytes(b"x")
    assert [file.is_image for file in list_files([str(tmp_path)]).files] == [True]
