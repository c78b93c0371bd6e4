"""What is refused, and how it is said: a code for programs and a sentence for people, never a library's text."""

from __future__ import annotations

from typing import Any

from smilecam.errors import SmilecamError


class Problem(SmilecamError):
    """A request that is refused.

    Attributes:
        status: of the HTTP response.
        code: a word that programs may rely on.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        """Say what is wrong.

        Args:
            status: 400 to 599.
            code: lower case, with underscores.
            message: one sentence.
        """
        super().__init__(message)
        self.status, self.code = status, code

    def as_dict(self) -> dict[str, Any]:
        """The body of an error response."""
        return {"error": self.inner()}

    def inner(self) -> dict[str, Any]:
        """Code and message."""
        return {"code": self.code, "message": str(self)}
