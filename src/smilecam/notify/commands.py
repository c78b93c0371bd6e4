"""Commands of the user's that run when somebody smiles: ``--on-smile`` and ``--on-smile-end``."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from smilecam.errors import UsageProblem
from smilecam.notify.notifier import IMAGE_SMILE, Notice, Notifier
from smilecam.notify.outbox import Outbox, Warn
from smilecam.types import EventKind

AT_ONCE = 4
"""Commands that run at the same time; further ones wait."""

TIME_LIMIT = 60.0
"""Seconds after which a command is ended."""

KEYS = ("event", "source", "time", "frame", "track", "since", "peak", "smiling")
"""What a command can be given of an event: ``{time}`` in an argument, ``SMILECAM_TIME`` in its environment."""

STARTS = (EventKind.SMILE_START.value, IMAGE_SMILE)
ENDS = (EventKind.SMILE_END.value,)

_BATCH_SUFFIXES = (".bat", ".cmd")


def parse_command(option: str, line: str) -> list[str]:
    """Split a command into its program and arguments, as a shell does; no shell runs it.

    On Windows a backslash is an ordinary character.

    Raises:
        UsageProblem: it is empty, a quotation mark is missing, there is no such program, or it is a batch file, whose
            arguments Windows would interpret.
    """
    splitter = shlex.shlex(line, posix=True, punctuation_chars=False)
    splitter.whitespace_split, splitter.commenters = True, ""
    if os.name == "nt":
        splitter.escape = ""
    try:
        words = list(splitter)
    except ValueError as error:
        raise UsageProblem(f"{option}: the command cannot be split: {str(error).lower()}") from error
    if not words:
        raise UsageProblem(f"{option}: the command is empty")
    program = shutil.which(words[0])
    if program is None:
        raise UsageProblem(f"{option}: there is no program {words[0]}")
    if program.lower().endswith(_BATCH_SUFFIXES):
        raise UsageProblem(f"{option}: {words[0]} is a batch file: name the program that it starts")
    return [program, *words[1:]]


class CommandRunner(Notifier):
    """Starts a command for each of certain events: ``AT_ONCE`` at the same time, each for ``TIME_LIMIT`` at most."""

    def __init__(self, option: str, command: Sequence[str], kinds: Sequence[str], warn: Warn) -> None:
        """Prepare; nothing runs yet.

        Args:
            option: that names the command, for warnings.
            command: program and arguments, from ``parse_command``.
            kinds: of the events.
            warn: takes warnings: exit codes other than 0, and commands that are ended.
        """
        self._command, self._kinds = list(command), kinds
        self._outbox = Outbox(option, self._run, warn, AT_ONCE)
        self._shown = Path(command[0]).name

    def notify(self, notice: Notice) -> None:
        """Have the command run, if it is for such events."""
        if notice["event"] in self._kinds:
            self._outbox.put(notice)

    def close(self) -> None:
        """Wait a moment for commands that run; then they are left to themselves."""
        self._outbox.close()

    def _run(self, notice: Notice) -> None:
        values = {key: str(notice.get(key, "")) for key in KEYS}
        environment = {**os.environ, **{f"SMILECAM_{key.upper()}": value for key, value in values.items()}}
        output = _standard_error()
        process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            [self._command[0], *(_filled(part, values) for part in self._command[1:])],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us; a group of its own ends together
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # likewise on Windows
        )
        try:
            code = process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            _end(process)
            self._outbox.warn(f"{self._shown} was ended after {TIME_LIMIT:g} s")
            return
        if code != 0:
            self._outbox.warn(f"{self._shown} ended with exit code {code}")


def _filled(part: str, values: dict[str, str]) -> str:
    """An argument with its values, in none of which anything is replaced again."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), part)


def _standard_error() -> IO[str] | int:
    """Where a command's own output goes: never among our results."""
    try:
        sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return subprocess.DEVNULL
    return sys.stderr


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with everything that it started, where the system has groups of processes."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
