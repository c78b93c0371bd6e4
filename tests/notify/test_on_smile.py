"""``--on-smile``: commands that run when somebody smiles, bounded in number and time, and never in the way."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.errors import UsageProblem
from smilecam.notify import commands, outbox
from smilecam.notify.commands import ENDS, STARTS, CommandRunner, parse_command

posix_only = pytest.mark.skipif(os.name == "nt", reason="signals and shells of POSIX")
FACE = "synthetic:face:320x240@15?seconds=8"

NOTE = (
    "import json, os, sys; open(sys.argv[1], 'a').write(json.dumps([sys.argv[2:], "
    "{k: v for k, v in os.environ.items() if k.startswith('SMILECAM_')}]) + '\\n')"
)


def runner(warned, code, *arguments, kinds=STARTS):
    return CommandRunner("--on-smile", [sys.executable, "-c", code, *map(str, arguments)], kinds, warned.append)


@posix_only
def test_a_command_is_split_as_a_shell_does_and_no_shell_runs_it():
    assert parse_command("--on-smile", "echo 'a b' \"c d\" e#f $HOME;x | y")[1:] == [
        "a b", "c d", "e#f", "$HOME;x", "|", "y",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"), [("", "empty"), ("  ", "empty"), ("echo 'a", "no closing"), ("no-such-program x", "no program")]
)
def test_commands_that_cannot_run_are_refused_at_once(line, words, capsys):
    with pytest.raises(UsageProblem, match=words):
        parse_command("--on-smile", line)
    assert call(["detect", FACE, "--on-smile", line]) == exit_codes.USAGE
    assert words in capsys.readouterr().err


def test_a_batch_file_is_refused(monkeypatch):
    monkeypatch.setattr(commands.shutil, "which", lambda _name: r"C:\tools\run.BAT")
    with pytest.raises(UsageProblem, match="batch file"):
        parse_command("--on-smile", "run x")


def test_backslashes_are_ordinary_on_windows(monkeypatch):
    monkeypatch.setattr(commands.os, "name", "nt")
    monkeypatch.setattr(commands.shutil, "which", lambda name: name)
    assert parse_command("--on-smile", r'"C:\my tools\lamp.exe" C:\x') == [r"C:\my tools\lamp.exe", r"C:\x"]


def test_arguments_and_environment_of_an_event(tmp_path, warned, smile):
    notes = tmp_path / "notes"
    start = runner(warned, NOTE, notes, "{event}", "{time}", '{"track": {track}, "x": {other}}', "${peak}")
    start.event(smile(2.5))
    start.event(smile(3.5, end=True))
    start.close()
    ((arguments, environment),) = map(json.loads, notes.read_text().splitlines())
    assert arguments == ["smile_start", "2.5", '{"track": 1, "x": {other}}', "$0.9"]
    wanted = {"EVENT": "smile_start", "SOURCE": "camera:0", "TIME": "2.5", "FRAME": "25", "TRACK": "1", "SINCE": "2.4"}
    assert {f"SMILECAM_{key}": value for key, value in wanted.items()}.items() <= environment.items()
    assert warned == []


def test_the_whole_program_runs_them(tmp_path, smilecam_command):
    (tmp_path / "note.py").write_text(NOTE)
    line = f"'{sys.executable}' note.py notes {{event}} {{since}}"
    arguments = ["--on-smile", line, "--on-smile-end", line, "--jsonl", "-", "--detector", "haar"]
    done = smilecam_command("detect", FACE, *arguments)
    assert done.returncode == exit_codes.DONE
    events = [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "event"]
    noted = [json.loads(line)[0] for line in (tmp_path / "notes").read_text().splitlines()]
    assert len(events) == 4
    assert sorted(noted) == sorted([event["event"], str(event["since"])] for event in events)


def test_images_with_a_smile(tmp_path, photos, capsys):
    (tmp_path / "note.py").write_text(NOTE)
    notes = tmp_path / "notes"
    line = f"'{sys.executable}' '{tmp_path / 'note.py'}' '{notes}' {{source}} {{event}} {{smiling}} {{time}}"
    assert call(["detect", str(photos), "--detector", "haar", "--on-smile", line]) == exit_codes.DONE
    ((arguments, _),) = map(json.loads, notes.read_text().splitlines())
    assert arguments == [str(photos / "astronaut.jpg"), "smile_image", "1", ""]


@posix_only
def test_output_of_commands_never_mixes_with_results(smilecam_command):
    done = smilecam_command("detect", FACE, "--on-smile", "echo seen", "--jsonl", "-", "--detector", "haar")
    assert all(line.startswith("{") for line in done.stdout.splitlines())
    assert done.stderr.splitlines().count("seen") == 2


def test_exit_codes_are_warnings_and_equal_ones_are_counted(warned, smile):
    failing = runner(warned, "raise SystemExit(3)", kinds=ENDS)
    for number in range(3):
        failing.event(smile(number, end=True))
    failing.close()
    name = os.path.basename(sys.executable)  # noqa: PTH119 - a name
    assert warned == [f"--on-smile: {name} ended with exit code 3", "--on-smile: further warnings like these: 2"]


@posix_only
def test_a_command_that_takes_too_long_is_ended_with_what_it_started(warned, smile, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "TIME_LIMIT", 1.0)
    child = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    slow = runner(warned, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
    slow.event(smile())
    slow.close()
    assert [line.partition(" was ")[2] for line in warned] == ["ended after 1 s"]
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        if not status or status.startswith("Z"):
            break
        time.sleep(0.05)
    assert not status or status.startswith("Z")


def test_many_events_are_bounded_and_slow_commands_hold_nobody_up(warned, smile, monkeypatch):
    monkeypatch.setattr(outbox, "WAITING", 5)
    monkeypatch.setattr(outbox, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(commands, "TIME_LIMIT", 5.0)
    slow = runner(warned, "import time; time.sleep(30)")
    began = time.monotonic()
    for number in range(50):
        slow.event(smile(number))
    slow.close()
    assert time.monotonic() - began < 3
    assert warned[0] == "--on-smile: more than 5 notifications wait: the oldest are dropped"
    assert warned[-1] == "--on-smile: 50 not delivered at the end"


def test_at_most_a_few_run_at_once(warned, smile, tmp_path):
    code = "import sys, time; open(sys.argv[1], 'a').write('+'); time.sleep(.2); open(sys.argv[1], 'a').write('-')"
    few = runner(warned, code, tmp_path / "notes")
    for number in range(12):
        few.event(smile(number))
    few.close()
    running = most = 0
    for mark in (tmp_path / "notes").read_text():
        running += 1 if mark == "+" else -1
        most = max(most, running)
    assert (tmp_path / "notes").read_text().count("-") == 12
    assert 1 < most <= commands.AT_ONCE


@posix_only
@pytest.mark.parametrize("timeout", [(), ("--timeout", "3")])
def test_an_interrupt_does_not_wait_for_a_command_that_runs(tmp_path, timeout):
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(20)"
    (tmp_path / "slow.py").write_text(code)
    arguments = [
        "detect",
        "synthetic:face:320x240@15?smile=always&seconds=600",
        "--realtime",
        "--detector",
        "haar",
        *timeout,
    ]
    command = [sys.executable, "-m", "smilecam", *arguments, "--on-smile", f"'{sys.executable}' slow.py"]
    with (tmp_path / "err").open("w") as err:  # no pipe: the command that is left holds its other end
        process = subprocess.Popen(command, cwd=tmp_path, stdout=err, stderr=err)
    try:
        for _ in range(400):
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                break
            time.sleep(0.05)
        if not timeout:
            process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.wait(20)
        assert time.monotonic() - began < 10
        assert process.returncode == (exit_codes.DONE if timeout else exit_codes.INTERRUPTED)
        assert "--on-smile: 1 not delivered at the end" in (tmp_path / "err").read_text()
    finally:
        process.kill()
        process.wait(10)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)  # it was left to itself


def test_a_name_with_braces_is_left_as_it_is():
    values = {"source": "{time} {peak} {other}", "time": "1.5", "peak": "1"}
    assert commands._filled("{source} at {time} {other} {}", values) == "{time} {peak} {other} at 1.5 {other} {}"
