"""Local video files, opened by PyAV in a way that can be interrupted."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait

import av
from av.container import InputContainer

from smilecam.opencv import max_pixels
from smilecam.sources.base import CONTAINERS
from smilecam.sources.release import CancellableFile

BUFFER_BYTES = 256 * 1024
"""Each read costs a little Python; with FFmpeg's own 32 KiB there are eight times as many."""

POLL_SECONDS = 0.5
"""On Windows, no signal interrupts a wait, so waits are short."""

OPTIONS = {"protocol_whitelist": "none", "format_whitelist": CONTAINERS}
"""Whatever a file says, no other file and no address is opened for it."""


COMMON_DECODERS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mjpeg", "gif", "theora", "wmv3")
"""Decoders of the videos that people have."""


def missing_decoders() -> list[str]:
    """Names of common decoders that FFmpeg was built without."""
    return [name for name in COMMON_DECODERS if not _has_decoder(name)]


def _has_decoder(name: str) -> bool:
    try:
        av.Codec(name, "r")
    except ValueError:
        return False
    return True


def open_container(file: CancellableFile) -> InputContainer:
    """Open a video file; an interrupt ends even an opening that scans a large file.

    FFmpeg runs in a thread, since Python cannot interrupt a thread that is inside a library.

    Args:
        file: to be closed by the caller, after the container. Only an interrupt has it closed here.

    Raises:
        av.FFmpegError: it is no video.
        ValueError: as above.
    """
    opening: Future[InputContainer] = Future()
    thread = threading.Thread(target=_open, args=(file, opening), name="smilecam-open", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system gives no further thread
        file.close()
        raise
    try:
        while not opening.done():
            wait([opening], POLL_SECONDS)
    except BaseException:
        file.cancel()
        opening.add_done_callback(lambda _: file.close())  # by the thread, once it is out of FFmpeg
        wait([opening], POLL_SECONDS)
        raise
    return opening.result()


def _open(file: CancellableFile, opening: Future[InputContainer]) -> None:
    options = OPTIONS | {"max_pixels": str(max_pixels())}
    try:
        opening.set_result(av.open(file, "r", options=options, metadata_errors="replace", buffer_size=BUFFER_BYTES))
    except BaseException as error:  # noqa: BLE001 - the thread's edge: raised where the file is opened
        opening.set_exception(error)
