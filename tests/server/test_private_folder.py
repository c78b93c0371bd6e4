"""Folders of servers that live, that are starting, and that were killed."""

import os
import tempfile
import time

import pytest

from smilecam.output_lock import OutputLock
from smilecam.server.private_folder import LOCKED, PREFIX, UNLOCKED_SECONDS, private_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Of another server."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"{PREFIX}other"
    folder.mkdir()
    (folder / "upload").write_bytes(b"a video")
    return folder


def is_kept(folder):
    with private_folder() as own:
        assert own.is_dir()
        kept = folder.is_dir()
    assert not own.exists()
    assert not kept or (folder / "upload").exists()
    return kept


def test_a_killed_servers_folder_is_removed(folder):
    (folder / f".{LOCKED}.lock").write_text("12345")
    assert not is_kept(folder)


def test_a_living_servers_folder_stays(folder):
    lock = OutputLock(folder / LOCKED)
    assert is_kept(folder)
    lock.release()


def test_a_server_that_is_about_to_lock_its_folder_keeps_it(folder):
    assert is_kept(folder)
    (folder / f".{LOCKED}.lock").touch()  # opened, and not locked yet
    assert is_kept(folder)


def test_a_folder_that_was_never_locked_is_removed_later(folder):
    before = time.time() - UNLOCKED_SECONDS - 1
    os.utime(folder, (before, before))
    assert not is_kept(folder)
