"""Untrusted images: refused by their header, or decoded where they can do no harm."""

from __future__ import annotations

import math
import threading
import time

import numpy as np

from smilecam.server.decoding.decode import decode
from smilecam.server.decoding.header import MAX_SCANS, ImageHeader, read_header
from smilecam.server.decoding.image_worker import serve_images
from smilecam.server.decoding.worker import Worker, WorkerFailed
from smilecam.server.problems import Problem
from smilecam.types import Image

FORMATS = "JPEG, PNG or WebP"

START_SECONDS = 30.0
"""A worker process is loaded by then, also on a machine that is busy otherwise."""


def check_header(content: bytes, pixels: int) -> ImageHeader:
    """What an image declares.

    Args:
        content: a whole file.
        pixels: how many it may have.

    Raises:
        Problem: it is not one of ``FORMATS``, or has too many pixels or scans.
    """
    header = read_header(content)
    if header is None:
        raise Problem(415, "bad_image", f"The image is not a {FORMATS}.")
    if header.pixels > pixels:
        raise Problem(413, "too_many_pixels", f"The image has more than {pixels:,} pixels.")
    if header.scans > MAX_SCANS:
        raise Problem(422, "bad_image", f"The image has more than {MAX_SCANS} scans.")
    return header


class ImageDecoder:
    """Decodes images for any number of threads.

    A small sequential JPEG, as browsers send, takes little time and memory whatever is in it, and is decoded in the
    calling thread. Everything else goes to a worker process, one for each thread that needs one at a time, which is
    killed when it takes too long.
    """

    def __init__(self, pixels: int, seconds: float) -> None:
        """Prepare; processes start when they are needed.

        Args:
            pixels: how many an image may have.
            seconds: that decoding one may take.
        """
        self._pixels, self._seconds = pixels, seconds
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False

    def __call__(self, content: bytes, *, grey: bool = False) -> Image:
        """Decode an image, rotated by its EXIF orientation.

        Args:
            content: a whole file.
            grey: decode to grey only, which is faster.

        Returns:
            uint8 (height, width, 3) in BGR order, or (height, width).

        Raises:
            Problem: it is refused by its header, is damaged or truncated, or needs too much time or memory.
        """
        return self.decode(content, check_header(content, self._pixels), grey=grey)

    def decode(self, content: bytes, header: ImageHeader, *, grey: bool) -> Image:
        """Decode an image whose header has been checked; raises as a call does."""
        image = decode(content, grey=grey) if header.simple else self._in_worker(content, grey=grey)
        if image is None:
            raise Problem(422, "bad_image", "The image is damaged or truncated.")
        if image.shape[0] * image.shape[1] > self._pixels:  # the header understated it
            raise Problem(413, "too_many_pixels", f"The image has more than {self._pixels:,} pixels.")
        return image

    def close(self) -> None:
        """End all processes, also those that are decoding."""
        with self._lock:
            self._closed = True
            workers = [*self._idle, *self._busy]
        for worker in workers:
            worker.kill()

    def _in_worker(self, content: bytes, *, grey: bool) -> Image | None:
        worker = self._take()
        good = False
        try:
            image = _exchange(worker, content, grey=grey, seconds=self._seconds)
            good = True
        except TimeoutError:
            raise Problem(422, "bad_image", "The image takes too long to decode.") from None
        except WorkerFailed as failure:
            if self._closed:
                raise _stopping() from None
            reason = "needs too much memory" if failure.memory else "cannot be decoded"
            raise Problem(422, "bad_image", f"The image {reason}.") from None
        finally:
            self._give_back(worker, good=good)
        return image

    def _take(self) -> Worker:
        with self._lock:
            if self._closed:
                raise _stopping()
            try:
                worker = self._living() or Worker(serve_images, self._pixels)
            except OSError:  # no memory or no file descriptor is left
                raise Problem(503, "busy", "The server cannot decode this now: try again later.") from None
            self._busy.add(worker)
            return worker

    def _living(self) -> Worker | None:
        """A worker that waits, if there is one; those that have ended meanwhile are no fault of the next image."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            worker.close()
        return None

    def _give_back(self, worker: Worker, *, good: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            if good and not self._closed:
                self._idle.append(worker)
                return
        worker.close()


def _exchange(worker: Worker, content: bytes, *, grey: bool, seconds: float) -> Image | None:
    if not worker.loaded:  # which is not the image's fault
        worker.receive(START_SECONDS)
        worker.loaded = True
    deadline = time.monotonic() + seconds
    worker.send(grey)
    worker.send_bytes(content)
    shape: tuple[int, ...] | None = worker.receive(deadline - time.monotonic())
    if shape is None:
        return None
    pixels = np.empty(math.prod(shape), np.uint8)
    worker.receive_into(pixels.data, deadline - time.monotonic())
    return pixels.reshape(shape)


def _stopping() -> Problem:
    return Problem(503, "stopping", "The server is about to end.")
