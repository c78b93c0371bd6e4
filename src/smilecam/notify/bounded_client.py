"""An MQTT client that takes little from its broker: nothing is subscribed to, and yet the library keeps what comes."""

from __future__ import annotations

import time
from typing import Any

from paho.mqtt.client import Client

AT_ONCE = 4096
"""Bytes that are read at once: the library asks for as many as a packet announces, up to 256 MiB."""

MOST_BYTES, SECONDS = 2**16, 30.0
"""So much a broker may send in so long. It has a few bytes to say to each message of ours, and to each sign of life."""


class BoundedClient(Client):
    """Takes a broker that sends more than ``MOST_BYTES`` in ``SECONDS`` for one that has broken off.

    The library has no such limit, so its one function that receives is replaced. Where a later version has another one,
    the test of hostile brokers fails.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on as they are
        """Begin without a connection; the arguments are the library's."""
        super().__init__(*arguments, **options)
        self._since, self._taken = float("-inf"), 0

    def _sock_recv(self, bufsize: int) -> bytes:
        now = time.monotonic()
        if now - self._since >= SECONDS:
            self._since, self._taken = now, 0
        content = super()._sock_recv(min(bufsize, AT_ONCE))
        self._taken += len(content)
        if self._taken > MOST_BYTES:
            raise ConnectionError("the broker sends too much")
        return content
