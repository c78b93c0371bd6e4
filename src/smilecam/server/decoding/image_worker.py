"""The worker process that decodes single images."""

from __future__ import annotations

from multiprocessing.connection import Connection

MEMORY_BYTES = 768 * 2**20
"""For a progressive image of 25 megapixels: its coefficients and its pixels, twice."""


def serve_images(connection: Connection) -> None:
    """Decode images one after another.

    First comes None, once the process is loaded. Each request is two messages, whether to decode to grey, and the
    file; each answer the shape of the image, and then its bytes, or None where it cannot be decoded.
    """
    from smilecam.server.decoding.confine import confine
    from smilecam.server.decoding.decode import decode

    confine(MEMORY_BYTES)
    connection.send(None)
    while True:
        grey = connection.recv()
        image = decode(connection.recv_bytes(), grey=grey)
        connection.send(None if image is None else image.shape)
        if image is not None:
            connection.send_bytes(image.reshape(-1).data)
