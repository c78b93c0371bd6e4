"""Commands, run in this process."""

import pytest

from smilecam.cli.main import call
from smilecam.opencv import cv2


@pytest.fixture
def command(capfd, tmp_path, monkeypatch):
    """Run a command in this process, in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = call([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture
def photos(tmp_path, astronaut, hopper):
    """A folder with an image of each portrait."""
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "astronaut.jpg"), astronaut)
    cv2.imwrite(str(folder / "hopper.png"), hopper)
    return folder
