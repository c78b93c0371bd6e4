"""The command line: parse, call one function, print. Each file here holds the commands of one subject."""

from smilecam.cli.main import run

__all__ = ["run"]
