"""The folder of data sets and detector files."""

import sys
from pathlib import Path

import pytest

from smilecam.storage import data_folder


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in ("SMILECAM_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_smilecam_data_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("SMILECAM_DATA", "~/mine")
    assert data_folder() == Path.home() / "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of Linux")
def test_the_cache_of_linux(monkeypatch, tmp_path):
    assert data_folder() == tmp_path / ".cache" / "smilecam"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert data_folder() == tmp_path / "xdg" / "smilecam"


@pytest.mark.skipif(sys.platform != "darwin", reason="the folder of macOS")
def test_the_cache_of_macos(tmp_path):
    assert data_folder() == tmp_path / "Library" / "Caches" / "smilecam"


@pytest.mark.skipif(sys.platform != "win32", reason="the folder of Windows")
def test_the_cache_of_windows():
    folder = data_folder()
    assert folder.name == "smilecam"
    assert folder.parent.name == "Local"
