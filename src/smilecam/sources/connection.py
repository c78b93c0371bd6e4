"""What is behind an address as bytes: for FFmpeg to read again as a file, once it is known what they are."""

from __future__ import annotations

from typing import Any, cast

from av.container import InputContainer

RAW = "data"
"""FFmpeg's name for whatever comes."""

RAW_OPTIONS = {"raw_packet_size": str(2**16)}
"""Bytes that are read at once, at most."""


class Connection:
    """What a connection gives, as a file that cannot seek."""

    name = "connection"

    def __init__(self, container: InputContainer, beginning: bytes = b"") -> None:
        """Take over a connection.

        Args:
            container: of raw data.
            beginning: bytes that have been read from it.
        """
        self._container, self._rest = container, beginning
        self._packets = container.demux()

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end.

        Raises:
            av.FFmpegError: it breaks off, or is silent for longer than the limit.
        """
        while not self._rest:
            packet = next(self._packets, None)
            if packet is None:
                return b""
            self._rest = bytes(cast(Any, packet))
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def cancel(self) -> None:
        """Nothing cuts a read short: its time is limited."""

    def close(self) -> None:
        """Close it; no thread may be reading it."""
        self._container.close()
