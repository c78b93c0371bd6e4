"""Folders with links: each real folder once, and loops end."""

import glob
import os

import pytest

from smilecam.errors import SourceEmpty
from smilecam.sources.resolve import find_sources
from smilecam.sources.walk import FolderWalk, expand_pattern


def link(path, target):
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this user may not make links here")


@pytest.fixture
def tree(tmp_path):
    """Files in folders, hidden ones among them."""
    for name in ("a/1.jpg", "a/b/2.jpg", "a/b/c/3.jpg", "d/4.png", "d/.5.jpg", ".e/6.jpg", "7.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.fixture
def two_loops(tree):
    """Two links to the top: along them lead more paths than anyone can count."""
    link(tree / "a" / "loop", tree)
    link(tree / "d" / "loop", tree)
    return tree


def names(paths, base):
    return [path.relative_to(base).as_posix() for path in paths]


def test_two_loops_end_and_each_file_comes_once(two_loops):
    assert names(FolderWalk().files(two_loops), two_loops) == [
        "7.jpg",
        "a/1.jpg",
        "a/b/2.jpg",
        "a/b/c/3.jpg",
        "d/4.png",
    ]


@pytest.mark.parametrize("pattern", ["**", "**/*.jpg", "a/**/*.jpg", "a/loop/**/*.jpg"])
def test_patterns_end_in_two_loops(two_loops, pattern):
    found = find_sources(str(two_loops / pattern))
    assert len({os.path.realpath(ref.path) for ref in found}) == len(found) > 0


@pytest.mark.parametrize(
    "pattern",
    ["*", "*.jpg", "**", "**/*.jpg", "a/**/*.jpg", "**/b/*", "*/*.png", "[ad]/?.*", "d/.*", "none/*.jpg", "**/c/**"],
)
def test_patterns_match_as_those_of_the_standard_library(tree, monkeypatch, pattern):
    monkeypatch.chdir(tree)
    expected = {os.path.normpath(path) for path in glob.glob(pattern, recursive=True)}  # noqa: PTH207 - it is the standard
    assert {str(path) for path in expand_pattern(pattern)} - {"."} == expected - {"."}
    assert {str(path) for path in expand_pattern(str(tree / pattern)) if path != tree} == {
        str(tree / path) for path in expected if path != "."
    }


def test_files_behind_links_have_their_real_names(tree, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "8.jpg").write_bytes(b"x")
    link(tree / "a" / "0-linked", elsewhere)
    link(tree / "a" / "0-again", tree / "a" / "b")
    found = names(FolderWalk().files(tree), tree)
    assert found[-1] == "a/0-linked/8.jpg"
    assert found.count("a/b/2.jpg") == 1
    assert not [name for name in found if name.startswith("a/0-again")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable_folder_is_reported_and_the_rest_goes_on(tree):
    (tree / "a").chmod(0)
    errors = []
    try:
        assert names(FolderWalk(errors.append).files(tree), tree) == ["7.jpg", "d/4.png"]
    finally:
        (tree / "a").chmod(0o700)
    assert [error.filename for error in errors] == [str(tree / "a")]


def test_recursive_folder_with_loops(two_loops):
    assert len(find_sources(two_loops, recursive=True)) == 5
    with pytest.raises(SourceEmpty):
        find_sources(str(two_loops / "**" / "*.mp4"))


@pytest.mark.parametrize("argument", ["a", "a/*", "**/*"])
def test_a_link_that_cannot_be_followed_costs_no_other_file(tree, argument):
    try:
        (tree / "a" / "0.jpg").symlink_to("x" * 300)
        (tree / "a" / "00").symlink_to("x" * 300)
    except OSError:
        pytest.skip("this user may not make links here")
    found = find_sources(tree / argument, recursive=True)
    assert "a/1.jpg" in names([ref.path for ref in found], tree)
