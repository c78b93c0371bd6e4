"""Every limit on what clients may send and occupy."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on everything that comes from outside.

    Attributes:
        frame_bytes: size of one compressed stream frame.
        message_bytes: size of one WebSocket message; a longer one closes the connection.
        text_bytes: size of one WebSocket text message.
        messages_per_second: on one connection; more close it.
        bad_messages: unusable messages in a row that close a connection.
        image_bytes: size of one uploaded image.
        images: number of images in one request.
        images_bytes: size of one request with images.
        upload_bytes: size of one request with a video.
        preview_bytes: size of the copy of an uploaded video that browsers play.
        pixels: of an image or frame, by its header and before it is decoded.
        video_seconds: length of an uploaded video.
        video_frames: number of its frames.
        sessions: streams and viewers open at a time.
        connections: sockets open at a time.
        address_connections: of these from one address of another machine.
        open_requests: requests a second without the token, all together, beyond which they wait.
        uploads: requests whose files are being received at a time.
        waiting_images: image requests being processed or waiting for it.
        jobs: videos processed at a time.
        kept_jobs: videos whose results are kept.
        kept_seconds: how long they are kept.
        frame_decode_seconds: that decoding a stream frame may take.
        image_decode_seconds: that decoding an uploaded image may take.
        stall_seconds: that a video may take to its first, or its next, frame.
        header_seconds: until a request's header must have arrived.
        body_seconds: between two chunks of a request's body.
        slow_seconds: that a body may take, beyond what it takes at ``body_rate``.
        body_rate: bytes a second.
        upload_seconds: until a request's body must have arrived.
        unread_seconds: until a client must have taken enough of an answer for the rest to be sent.
        idle_seconds: without a message, after which a stream is closed.
        send_seconds: until a client must have taken a message.
    """

    frame_bytes: int = 2 * MIB
    message_bytes: int = 4 * MIB
    text_bytes: int = 4096
    messages_per_second: int = 500
    bad_messages: int = 20
    image_bytes: int = 32 * MIB
    images: int = 16
    images_bytes: int = 64 * MIB
    upload_bytes: int = 256 * MIB
    preview_bytes: int = 256 * MIB
    pixels: int = 25_000_000
    video_seconds: int = 600
    video_frames: int = 72_000
    sessions: int = 32
    connections: int = 128
    address_connections: int = 64
    open_requests: float = 50.0
    uploads: int = 16
    waiting_images: int = 8
    jobs: int = 2
    kept_jobs: int = 8
    kept_seconds: float = 1800.0
    frame_decode_seconds: float = 2.0
    image_decode_seconds: float = 10.0
    stall_seconds: float = 30.0
    header_seconds: float = 10.0
    body_seconds: float = 15.0
    slow_seconds: float = 30.0
    body_rate: int = 32 * 1024
    upload_seconds: float = 600.0
    unread_seconds: float = 10.0
    idle_seconds: float = 300.0
    send_seconds: float = 20.0
