"""Options that several commands share, added as a group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Command = TypeVar("Command", bound=Callable[..., Any])


def add_options(command: Command, options: Sequence[Callable[[Any], Any]]) -> Command:
    """Add options to a command, which lists them in this order."""
    for option in reversed(options):
        command = option(command)
    return command
