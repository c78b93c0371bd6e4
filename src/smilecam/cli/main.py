"""The top of the command line: the group of commands, errors into one line, exit codes."""

from __future__ import annotations

import io
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from smilecam import __version__
from smilecam.cli import exit_codes
from smilecam.cli.data import data
from smilecam.cli.demo import demo
from smilecam.cli.detect import detect
from smilecam.cli.evaluate import evaluate
from smilecam.cli.train import export, train
from smilecam.errors import SmilecamError

CODES = ", ".join(f"{code} {meaning}" for code, meaning in exit_codes.MEANINGS.items())


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=f"Exit codes: {CODES}.")
@click.version_option(__version__, prog_name="smilecam")
@click.option("--debug", is_flag=True, help="On an error, show where in the code it came from.")
def main(debug: bool) -> None:
    """Detect smiles in pictures, video files and cameras.

    Smilecam reports what is visible; it infers no emotion, identifies nobody and sends nothing anywhere.
    """


for command in (detect, demo, train, export, evaluate, data):
    main.add_command(command)


def run() -> NoReturn:
    """Run the command line of this process, and end it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        # File names may hold what the terminal's encoding cannot say.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(call(sys.argv[1:]))


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Treat a request to end like Ctrl-C, so that open results are finished."""
    raise KeyboardInterrupt


def call(arguments: Sequence[str]) -> int:
    """Run one command and turn whatever happens into an exit code.

    Args:
        arguments: as after the program's name.

    Returns:
        One of ``smilecam.cli.exit_codes``.
    """
    try:
        result = main.main(list(arguments), prog_name="smilecam", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return exit_codes.USAGE if isinstance(error, click.UsageError) else exit_codes.FAILURE
    except (click.Abort, KeyboardInterrupt):
        click.echo("smilecam: interrupted", err=True)
        return exit_codes.INTERRUPTED
    except SmilecamError as error:
        return _report(error, arguments, exit_codes.exit_code(error))
    except Exception as error:  # noqa: BLE001 - the outermost function: report, never a bare traceback
        return _report(error, arguments, exit_codes.FAILURE)
    return result if isinstance(result, int) else exit_codes.DONE


def _report(error: Exception, arguments: Sequence[str], code: int) -> int:
    if "--debug" in arguments:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    elif isinstance(error, SmilecamError):
        click.echo(f"smilecam: {error}", err=True)
    else:
        text = " ".join(str(error).split())
        click.echo(f"smilecam: internal error, {type(error).__name__}: {text} (--debug shows more)", err=True)
    return code
