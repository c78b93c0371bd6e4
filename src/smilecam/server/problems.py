"""Errors for clients: a code for programs and a sentence for people, never a library's message."""

from __future__ import annotations

from typing import Any

from smilecam.errors import SmilecamError


class Problem(SmilecamError):
    """A refused request or message.

    Attributes:
        status: of the HTTP response.
        code: stable identifier for programs.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        """Describe what is wrong.

        Args:
            status: 400 to 599.
            code: lower case, with underscores.
            message: one sentence.
        """
        super().__init__(message)
        self.status, self.code = status, code

    def as_dict(self) -> dict[str, Any]:
        """The body of an error response: ``{"error": {"code": ..., "message": ...}}``."""
        return {"error": self.inner()}

    def inner(self) -> dict[str, Any]:
        """Code and message."""
        return {"code": self.code, "message": str(self)}


def internal_error() -> Problem:
    """An unexpected error, without any detail of it."""
    return Problem(500, "internal", "The server made a mistake.")
