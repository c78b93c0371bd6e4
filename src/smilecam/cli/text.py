"""Text for a terminal."""

from __future__ import annotations


def one_line(text: str) -> str:
    """The text with line breaks and other control characters, as file names may hold them, written as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
