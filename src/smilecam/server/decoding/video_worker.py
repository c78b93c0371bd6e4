"""The worker process that processes one uploaded video."""

from __future__ import annotations

from multiprocessing.connection import Connection


def serve_video(connection: Connection) -> None:
    """Process the video of one ``VideoTask``: give ``Progress`` on the way, and an ``Answer`` at the end."""
    from smilecam.server.decoding.video_run import process

    process(connection.recv(), connection.send)
