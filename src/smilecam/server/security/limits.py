"""What a stranger may ask of the server, in one place."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of everything that comes from outside.

    Attributes:
        frame_bytes: of one compressed frame of a stream.
        message_bytes: of one WebSocket message; a longer one ends the connection.
        text_bytes: of one WebSocket message of text.
        messages_per_second: on one connection; more end it.
        bad_messages: so many in a row that cannot be used end a connection.
        picture_bytes: of one uploaded picture.
        pictures: in one request.
        pictures_bytes: of one request with pictures.
        upload_bytes: of one request with a video.
        pixels: of a picture or frame, by its header and before it is decoded.
        video_seconds: length of an uploaded video.
        video_frames: number of its frames.
        sessions: streams and viewers at a time.
        connections: open sockets at a time.
        waiting_pictures: requests with pictures at a time.
        jobs: videos that are being read at a time.
        kept_jobs: videos whose results are kept.
        kept_seconds: how long they are kept.
        header_seconds: until a request's header must have arrived.
        body_seconds: between two pieces of a request's body.
        upload_seconds: until a request's body must have arrived.
        idle_seconds: without a message, after which a stream is ended.
        send_seconds: until a client must have taken a message.
    """

    frame_bytes: int = 2 * MIB
    message_bytes: int = 4 * MIB
    text_bytes: int = 4096
    messages_per_second: int = 500
    bad_messages: int = 20
    picture_bytes: int = 32 * MIB
    pictures: int = 16
    pictures_bytes: int = 64 * MIB
    upload_bytes: int = 256 * MIB
    pixels: int = 25_000_000
    video_seconds: int = 600
    video_frames: int = 72_000
    sessions: int = 32
    connections: int = 128
    waiting_pictures: int = 8
    jobs: int = 2
    kept_jobs: int = 8
    kept_seconds: float = 1800.0
    header_seconds: float = 10.0
    body_seconds: float = 15.0
    upload_seconds: float = 600.0
    idle_seconds: float = 300.0
    send_seconds: float = 20.0
