"""``smilecam doctor``: what works and what is broken is found, and a bug report holds nothing personal."""

import getpass
import json
import sys
import tomllib
from pathlib import Path

import pytest

from smilecam.cli import exit_codes


def report_of(text):
    return {finding["name"]: finding for finding in json.loads(text)["findings"]}


def test_a_working_installation(smilecam_command, tmp_path):
    done = smilecam_command("doctor")
    assert done.returncode == exit_codes.DONE, done.stdout
    assert "ok       whole pass: 60 frames of a drawn face, 1 smiles" in done.stdout
    assert "problem" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_bug_report_holds_nothing_personal(command, tmp_path, monkeypatch):
    monkeypatch.setenv("SMILECAM_DATA", str(tmp_path / "hidden-place"))
    code, out, _ = command("doctor", "--json")
    assert code == exit_codes.DONE
    found = report_of(out)
    assert found["whole pass"]["frames"] == 60
    assert set(found["models"]["sha256"]) == {"lenet", "smilenet"}
    assert "/" not in out
    for private in (str(Path.home()), str(tmp_path), "hidden-place", sys.prefix):
        assert private not in out
    user = getpass.getuser()
    assert user == "root" or user not in out


def test_a_damaged_detector_file_is_a_problem_with_a_way_out(command, damaged_yunet):
    code, out, _ = command("doctor")
    assert code == exit_codes.FAILURE
    assert "problem  face detectors" in out
    assert "-> smilecam models fetch yunet" in out
    code, out, _ = command("doctor", "--json")
    assert report_of(out)["face detectors"]["damaged"] == ["yunet"]


def test_extras_are_those_that_can_be_installed():
    from smilecam import doctor

    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    named = set(declared["project"]["optional-dependencies"])
    assert set(doctor.OPTIONAL) == named - {"all", "dev", "demo", "docs", "video"}


@pytest.mark.parametrize("broken", ["_whole_pass", "_codecs"])
def test_a_check_that_fails_by_itself_is_a_problem_and_the_others_go_on(command, monkeypatch, broken):
    from smilecam import doctor

    def fail():
        raise ImportError("libGL.so.1: cannot open shared object file")

    name = {"_whole_pass": "whole pass", "_codecs": "codecs"}[broken]
    monkeypatch.setitem(doctor.CHECKS, name, fail)
    code, out, _ = command("doctor")
    assert code == exit_codes.FAILURE
    assert f"problem  {name}: ImportError: libGL.so.1" in out
    assert "folders: " in out
