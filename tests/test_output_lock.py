"""The lock of an output, and how a file of lines gives it up."""

import os

import pytest

from smilecam.errors import OutputError
from smilecam.output_lock import OutputLock
from smilecam.sinks.text_file import LineFile
from smilecam.storage import PendingFile


def test_one_holder_at_a_time_and_nothing_is_left(tmp_path):
    first = OutputLock(tmp_path / "out.csv")
    with pytest.raises(OutputError, match=f"process {os.getpid()}"):
        OutputLock(tmp_path / "out.csv")
    first.release()
    first.release()
    assert list(tmp_path.iterdir()) == []
    second = OutputLock(tmp_path / "out.csv")
    assert second.held
    second.release()


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="the system always follows links")
def test_a_link_in_place_of_the_lock_empties_no_file(tmp_path):
    other = tmp_path / "thesis.txt"
    other.write_text("years of work")
    (tmp_path / ".out.csv.lock").symlink_to(other)
    lock = OutputLock(tmp_path / "out.csv")
    assert not lock.held
    lock.release()
    assert other.read_text() == "years of work"


def test_a_first_line_that_did_not_fit_leaves_nothing(tmp_path, monkeypatch):
    """The temporary file is closed before it is removed: Windows removes no open file."""
    out = LineFile(tmp_path / "out.csv")

    def full(_file, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("smilecam.sinks.text_file._write_all", full)
    with pytest.raises(OutputError, match="No space left"):
        out.write(b"a line\n")
    file, drop = out._file, PendingFile.drop

    def drop_closed(pending):
        assert file is not None
        assert file.closed
        drop(pending)

    monkeypatch.setattr(PendingFile, "drop", drop_closed)
    assert out.close() is False
    assert list(tmp_path.iterdir()) == []
