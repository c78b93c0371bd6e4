"""The lines of docs/integrations.md do what it says."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from smilecam.cli import exit_codes
from smilecam.cli.main import call

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"
LINES = re.findall(r"^smilecam (detect (?:clip\.mp4|photos/) --on-smile.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
FACE = "synthetic:face:320x240@15?seconds=4"

posix_only = pytest.mark.skipif(os.name == "nt", reason="the page uses programs of POSIX systems")


@posix_only
@pytest.mark.parametrize("line", LINES)
def test_commands(line, clip, photos, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "smiling").mkdir()
    arguments = shlex.split(line.partition("  #")[0])
    assert call([*arguments, "--detector", "haar"]) == exit_codes.DONE
    done = [re.findall("person 1 smiles at|it lasted until 0.9", capfd.readouterr().err), (tmp_path / "smiles.log")]
    assert done[0] or done[1].exists() or [path.name for path in (tmp_path / "smiling").iterdir()] == ["astronaut.jpg"]


def test_there_are_lines():
    assert len(LINES) == 4


def test_the_receiver_takes_genuine_messages_only(smilecam_command, tmp_path):
    (code,) = re.findall(r"```python\n(import base64.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "SMILECAM_WEBHOOK_SECRET": "secret of this test"}
    assert code.count("8080") == 1
    receiver = subprocess.Popen(
        [sys.executable, "-c", code.replace("8080", str(port))], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        arguments = ["detect", FACE, "--detector", "haar", "--webhook", f"http://127.0.0.1:{port}/smiles"]
        done = smilecam_command(*arguments, env=environment)
        assert (done.returncode, [line for line in done.stderr.splitlines() if "trying again" not in line]) == (0, [])
        taken = [receiver.stdout.readline() for _ in range(2)]
        assert ["smile_start" in taken[0], "smile_end" in taken[1]] == [True, True]
        wrong = smilecam_command(*arguments, env={**environment, "SMILECAM_WEBHOOK_SECRET": "another"})
        assert "the server answers 401; the event is dropped" in wrong.stderr
        forged = urllib.request.Request(f"http://127.0.0.1:{port}/", json.dumps({}).encode(), method="POST")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(forged, timeout=10)
    finally:
        receiver.kill()
        receiver.wait(10)
        receiver.stdout.close()
