"""Single values of results, checked: a file of results may be damaged, or of another program."""

from __future__ import annotations

import math
import re
from typing import Any

from smilecam.types import Box

LARGEST = 1e9
"""Of seconds, pixels and numbers of frames: no result has larger ones, and a page could not show them."""

_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates, but for those that stand for the undecodable bytes of a file's name."""

Row = dict[str, Any]


def number(row: Row, key: str, low: float = 0.0, high: float = LARGEST) -> float:
    """A number of a row.

    Raises:
        KeyError: it is not there.
        ValueError: it is something else, or out of range.
    """
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{key} is no number from {low:g} to {high:g}")
    return float(value)


def optional_number(row: Row, key: str, low: float = 0.0, high: float = LARGEST) -> float | None:
    """A number of a row, or None where there is none; raises ValueError as ``number`` does."""
    return None if row.get(key) is None else number(row, key, low, high)


def whole(row: Row, key: str, low: float = 0.0) -> int:
    """A whole number of a row; raises as ``number`` does."""
    value = number(row, key, low)
    if not math.isclose(value, int(value)):
        raise ValueError(f"{key} is no whole number")
    return int(value)


def optional_whole(row: Row, key: str) -> int | None:
    """A whole number of a row, or None where there is none; raises ValueError as ``whole`` does."""
    return None if row.get(key) is None else whole(row, key)


def text(row: Row, key: str) -> str:
    """A text of a row, without halves of characters that no file can hold; raises as ``number`` does."""
    value = row[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is no text")
    return _HALVES.sub("\ufffd", value)


def flag(row: Row, key: str) -> bool:
    """True or false; raises as ``number`` does."""
    value = row[key]
    if not isinstance(value, bool):
        raise ValueError(f"{key} is neither true nor false")
    return value


def probability_of_face(face: Row) -> float:
    """Of a face in either form of results, 0 to 1: over time where it is known, as in videos; raises as ``number``."""
    smoothed = optional_number(face, "smoothed", 0, 1)
    return number(face, "smile", 0, 1) if smoothed is None else smoothed


def box_of(row: Row) -> Box:
    """A box in four columns; raises as ``number`` does."""
    return Box(*(whole(row, key, -LARGEST) for key in ("x1", "y1", "x2", "y2")))


def box_in_list(row: Row) -> Box:
    """A box as a list of four numbers; raises as ``number`` does."""
    return box_of(dict(zip(("x1", "y1", "x2", "y2"), row["box"], strict=True)))
