"""Requests without the token: so many a second, all together; further ones wait, and too many are refused."""

from __future__ import annotations

import asyncio
import time

from smilecam.server.problems import Problem

BURST_SECONDS = 2.0
"""As much time's requests are answered at once."""

MAX_WAIT_SECONDS = 2.0


class Strangers:
    """A bucket of tokens that fills with time: each request takes one, or waits for it."""

    def __init__(self, rate: float) -> None:
        """Begin with a full bucket.

        Args:
            rate: requests a second.
        """
        self._rate = rate
        self._due = 0.0

    async def wait(self) -> None:
        """Wait for the turn of one request.

        Raises:
            Problem: too many wait already.
        """
        now = time.monotonic()
        self._due = max(self._due, now - BURST_SECONDS) + 1 / self._rate
        wait = self._due - now
        if wait > MAX_WAIT_SECONDS:
            self._due -= 1 / self._rate
            await asyncio.sleep(MAX_WAIT_SECONDS)
            raise Problem(503, "busy", "There are too many requests without a token: try again later.")
        if wait > 0:
            await asyncio.sleep(wait)
