"""The line that adds an extra: for each way in which smilecam can be installed."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from smilecam import installation

METADATA = """Metadata-Version: 2.1
Name: smilecam
Version: 0
Provides-Extra: web
Requires-Dist: numpy<3,>=1.26
Requires-Dist: starlette<2,>=1.0.1; extra == "web"
Requires-Dist: uvicorn<1,>=0.54; extra == "web"
Requires-Dist: smilecam[web]; extra == "all"
Requires-Dist: pillow-heif<2,>=1; extra == "all"
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Have smilecam be installed as a direct_url.json says: gives the arguments of pip install for an extra."""

    def arguments(direct_url, extra="web"):
        folder = tmp_path / "site"
        info = folder / "smilecam-0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(METADATA)
        if direct_url is not None:
            (info / "direct_url.json").write_text(direct_url if isinstance(direct_url, str) else json.dumps(direct_url))
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(installation, "find_spec", lambda _name: object())  # as in an environment with pip
        command = shlex.split(installation.install_command(extra))
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        return command[4:]

    return arguments


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "my clone"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


posix_only = pytest.mark.skipif(os.name == "nt", reason="splits the line as a POSIX shell does")


@posix_only
@pytest.mark.parametrize("editable", [True, False])
def test_a_folder(installed, checkout, editable):
    noted = {"url": checkout.as_uri(), "dir_info": {"editable": True} if editable else {}}
    assert installed(noted) == [*(["-e"] if editable else []), f"{checkout}[web]"]


@posix_only
def test_an_archive(installed, tmp_path):
    wheel = tmp_path / "smilecam-0-py3-none-any.whl"
    noted = {"url": wheel.as_uri(), "archive_info": {}}
    assert installed(noted) == ["starlette<2,>=1.0.1", "uvicorn<1,>=0.54"]
    wheel.touch()
    assert installed(noted) == [f"{wheel}[web]"]
    noted["url"] = "https://host/smilecam-0-py3-none-any.whl"
    assert installed(noted) == ["smilecam[web] @ https://host/smilecam-0-py3-none-any.whl"]


@posix_only
def test_a_repository(installed):
    noted = {"url": "https://host/smilecam", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    assert installed(noted) == ["smilecam[web] @ git+https://host/smilecam@abc"]


@posix_only
@pytest.mark.parametrize("noted", [None, "{", "[]", {"url": "file:///gone", "dir_info": {}}])
def test_anything_else_names_the_packages(installed, noted):
    assert installed(noted) == ["starlette<2,>=1.0.1", "uvicorn<1,>=0.54"]
    assert installed(noted, "all") == ["starlette<2,>=1.0.1", "uvicorn<1,>=0.54", "pillow-heif<2,>=1"]


@posix_only
def test_an_environment_without_pip(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "find_spec", lambda _name: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    line = installation.package_command("av>=15,<19")
    assert line == f"python3 -m pip --python {shlex.quote(sys.executable)} install 'av>=15,<19'"
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.1\n")
    assert installation.package_command("av").startswith("uv pip install --python ")


def test_the_line_of_this_environment_is_understood_by_pip(tmp_path):
    """Pip resolves the requirement of the printed line, without packages of others and without installing."""
    pytest.importorskip("pip", reason="needs pip in this environment")
    line = installation.install_command("web")
    options = ["--dry-run", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [*(shlex.split(line) if os.name != "nt" else line.split()), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    # An installation that is found by its sources alone gets the requirements, which are met here.
    understood = ("Would install smilecam", "Requirement already satisfied", "setuptools")
    assert any(text in done.stdout + done.stderr for text in understood), done.stderr
