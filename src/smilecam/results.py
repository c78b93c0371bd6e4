"""What was seen: results that a program reads, draws and shows."""

from __future__ import annotations

from smilecam.types import FrameResult

__all__ = ["FrameResult"]
