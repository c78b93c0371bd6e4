"""Commands, run in this process."""

import pytest

from smilecam.cli.main import call


@pytest.fixture
def command(capfd, tmp_path, monkeypatch):
    """Run a command in this process, in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = call([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run
