"""Options that have a new name: the old one still works, and no help text shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


class RenamedOption(click.Option):
    """An option whose former names stay as hidden aliases for one release."""

    def __init__(self, declarations: Sequence[str], formerly: Sequence[str] = (), **settings: Any) -> None:  # noqa: ANN401 - click's own
        """Take what ``click.Option`` takes.

        Args:
            declarations: present names.
            formerly: names of the release before.
            **settings: of ``click.Option``.
        """
        super().__init__([*declarations, *formerly], **settings)
        self._formerly = frozenset(formerly)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Show the present names only."""
        every = self.opts
        self.opts = [name for name in every if name not in self._formerly]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every
