"""The top of the command line: the group of commands, errors into one line, exit codes."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from smilecam import __version__, interrupts
from smilecam.cli import exit_codes
from smilecam.cli.best import best
from smilecam.cli.cameras import cameras
from smilecam.cli.data import data
from smilecam.cli.demo import demo
from smilecam.cli.detect import detect
from smilecam.cli.doctor import doctor
from smilecam.cli.evaluate import evaluate
from smilecam.cli.highlights import highlights
from smilecam.cli.models import models
from smilecam.cli.report import report
from smilecam.cli.scan import scan
from smilecam.cli.text import one_line
from smilecam.cli.train import export, train
from smilecam.cli.watch import watch
from smilecam.errors import SmilecamError

CODES = ", ".join(f"{code} {meaning}" for code, meaning in exit_codes.MEANINGS.items())


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=f"Exit codes: {CODES}.")
@click.version_option(__version__, prog_name="smilecam")
@click.option("--debug", is_flag=True, help="Show a traceback on errors.")
def main(debug: bool) -> None:
    """Detect smiles in images, videos, cameras and streams.

    Smilecam reports visible smiles. It infers no emotion, identifies nobody, and sends nothing but what you ask for.
    """


for command in (
    detect, scan, highlights, best, report, watch, cameras, doctor, demo, train, export, evaluate, data, models,
):  # fmt: skip
    main.add_command(command)


def call(arguments: Sequence[str]) -> int:
    """Run one command and turn whatever happens into an exit code.

    Args:
        arguments: as after the program's name.

    Returns:
        One of ``smilecam.cli.exit_codes``.
    """
    try:
        # Not main(): on an interrupt it prints by itself, and it takes the end of any file for one.
        with main.make_context("smilecam", list(arguments)) as context:
            result = main.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as done:  # --help and --version
        return done.exit_code
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return exit_codes.USAGE if isinstance(error, click.UsageError) else exit_codes.FAILURE
    except (click.Abort, KeyboardInterrupt):
        interrupts.report()
        return exit_codes.INTERRUPTED
    except SmilecamError as error:
        return _report(error, arguments, exit_codes.exit_code(error))
    except BrokenPipeError:
        _forget_standard_output()
        return exit_codes.FAILURE
    except Exception as error:  # noqa: BLE001 - the outermost function: report, never a bare traceback
        if interrupts.requested():  # libraries make other errors of an interrupt
            interrupts.report()
            return exit_codes.INTERRUPTED
        return _report(error, arguments, exit_codes.FAILURE)
    return result if isinstance(result, int) else exit_codes.DONE


def _forget_standard_output() -> None:
    """Nobody reads it any more: keep Python from failing when it closes it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception, arguments: Sequence[str], code: int) -> int:
    if "--debug" in arguments:
        text = "".join(traceback.format_exception(error)).rstrip()
    elif isinstance(error, SmilecamError):
        text = f"smilecam: {one_line(str(error))}"
    elif isinstance(error, OSError) and sys.stdout is not None and _is_of_standard_output(error):
        text = f"smilecam: cannot write standard output: {error.strerror or error}"
        _forget_standard_output()
    else:
        text = f"smilecam: {one_line(_described(error))} (--debug shows more)"
    with contextlib.suppress(OSError):
        click.echo(text, err=True)
    return code


def _is_of_standard_output(error: OSError) -> bool:
    """Whether an error without a file's name was raised where lines for people are printed, or flushed above."""
    if error.filename is not None or error.__traceback__ is None:
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(last.filename) in (Path(__file__), Path(inspect.getfile(click.echo)))


def _described(error: Exception) -> str:
    """An error that is none of ours: of the system, or else of smilecam itself."""
    what = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {str(error.filename)[:200]}" if error.filename else "")
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "new thread" in what):
        return f"this system gives no more memory, or no further thread: {what or 'out of memory'}"
    return f"internal error, {type(error).__name__}: {what}"
