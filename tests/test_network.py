"""Only commands that are about the network open a connection beyond this machine."""

import sys

import pytest

from smilecam.cli import exit_codes

GUARD = """
import socket, sys
from pathlib import Path
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"):
        Path({log!r}).open("a").write(f"{{event}} {{arguments[1:] if event.startswith('socket.c') else arguments}}\\n")
sys.addaudithook(note)
"""


@pytest.fixture
def guarded(smilecam_command, tmp_path, monkeypatch):
    """Run a command, and give the lines about each address that Python was asked to reach or to listen on."""
    log = tmp_path / "addresses.txt"
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD.format(log=str(log)))
    monkeypatch.syspath_prepend(tmp_path / "guard")
    import os

    paths = [str(tmp_path / "guard"), *filter(None, [os.environ.get("PYTHONPATH")])]

    def run(*arguments):
        done = smilecam_command(*arguments, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
        return done, log.read_text().splitlines() if log.exists() else []

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("detect", "{clip}", "--save", "out.mp4", "--jsonl", "out.jsonl"),
        ("detect", "synthetic:320x240@30?seconds=1"),
        ("models", "list"),
        ("cameras",),
        ("doctor",),
        ("data", "audit", "--data", "none"),
        ("train", "--recipe", "classic", "--data", "none"),
        ("evaluate", "none", "--model", "none"),
        ("detect", "{clip}", "--on-smile", "{python} -c pass"),
        ("--help",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_other_command_reaches_for_the_network(guarded, clip, arguments):
    _, addresses = guarded(*(argument.format(clip=clip, python=sys.executable) for argument in arguments))
    assert addresses == []


@pytest.mark.skipif(sys.platform == "win32", reason="a refused connection takes seconds there")
def test_a_command_about_the_network_is_noticed(guarded):
    """What proves that the others would be."""
    done, addresses = guarded("models", "fetch", "yunet", "--from", "http://127.0.0.1:9/none.onnx")
    assert done.returncode == exit_codes.FAILURE
    assert any("127.0.0.1" in line for line in addresses)


@pytest.mark.parametrize("option", [("--webhook", "http://127.0.0.1:9/"), ("--mqtt", "mqtt://127.0.0.1:9")])
def test_only_the_named_server_is_notified(guarded, option):
    pytest.importorskip("paho.mqtt.client", reason='needs the "mqtt" extra')
    source = "synthetic:face:320x240@15?seconds=3"
    done, addresses = guarded("detect", source, "--realtime", "--detector", "haar", *option)
    assert done.returncode == exit_codes.DONE
    reached = {line for line in addresses if line.startswith("socket.connect ")}
    assert any("('127.0.0.1', 9)" in line for line in reached)
    assert all("('127.0.0.1', " in line for line in reached)  # the MQTT library wakes its thread by a socket of its own
