"""Text for a terminal."""

from __future__ import annotations


def one_line(text: str) -> str:
    """The text with line breaks and other control characters, as file names may hold them, written as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def counted(number: int, what: str) -> str:
    """A number of things, as "1 video" and "2 videos"."""
    return f"{number} {what}{'' if number == 1 else 's'}"
