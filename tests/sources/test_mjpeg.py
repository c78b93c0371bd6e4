"""MJPEG cameras: parts of every form, parts that never end, connections that break off all the time."""

import contextlib
import socket
import threading
import time
from itertools import islice

import psutil
import pytest
from servers import wait_until

from clips import graded, recording
from smilecam.errors import SourceError, SourceUnreadable
from smilecam.opencv import cv2
from smilecam.sources.base import SourceOptions
from smilecam.sources.mjpeg import PartReader, begins_multipart, is_decisive
from smilecam.sources.network import open_stream
from smilecam.sources.resolve import find_sources
from smilecam.sources.threaded import Backoff, ThreadedSource
from smilecam.types import Event

OPTIONS = SourceOptions(open_timeout=5, read_timeout=2)
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
WITH_LENGTH = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 3000000000\r\n\r\n")
JPEGS = [cv2.imencode(".jpg", graded(number))[1].tobytes() for number in range(4)]


def part(jpeg, length=None):
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (length or len(jpeg)) + jpeg + b"\r\n"


class Camera:
    """Answers every connection with the same bytes, and counts connections and bytes; without a head, not over HTTP."""

    def __init__(self, answer, then=b"", pace=0.0, head=HEAD, silent=False):
        self.answer, self.then, self.pace, self.head, self.silent = answer, then, pace, head, silent
        self.connections = self.sent = 0
        self.ending = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.ending.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self.listener.accept()
                with connection:
                    self.connections += 1
                    if self.head:
                        connection.recv(4096)
                        connection.sendall(self.head)
                    self.send_to(connection)

    def send_to(self, connection):
        for piece in self.answer.split(b"--frame")[1:] if self.pace else [self.answer]:
            connection.sendall(b"--frame" * bool(self.pace) + piece)
            self.ending.wait(self.pace)
        self.ending.wait(30 if self.silent else 0)
        while self.then and not self.ending.is_set():
            self.sent += connection.send(self.then)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)

    @property
    def url(self):
        return f"{'http' if self.head else 'tcp'}://127.0.0.1:{self.listener.getsockname()[1]}/"

    def open(self):
        return open_stream(find_sources(self.url)[0], self.url, OPTIONS)


def fed(content, step, **limits):
    reader = PartReader(**limits)
    return [jpeg for at in range(0, len(content), step) for jpeg in reader.feed(content[at : at + step])]


FORMS = {
    "lengths": b"".join(map(part, JPEGS)),
    "no lengths": b"".join(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n" for jpeg in JPEGS)
    + b"--frame--\r\n",
    "line feeds alone": b"".join(b"--frame\nContent-type: image/jpg\n\n" + jpeg + b"\n" for jpeg in JPEGS) + b"--frame",
    "something before it": b"\r\n\r\n" + b"".join(map(part, JPEGS)),
    "other parts between": b"".join(
        part(jpeg) + b"--frame\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok\r\n" for jpeg in JPEGS
    ),
    "a boundary that is quoted, and ends in spaces": b"".join(
        b'--"a b" \r\nX-Time: 1\r\ncontent-type:image/jpeg\r\nCONTENT-LENGTH:%d\r\n\r\n' % len(jpeg) + jpeg
        for jpeg in JPEGS
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_parts_of_every_form(form, step):
    assert fed(FORMS[form], step) == JPEGS
    assert begins_multipart(FORMS[form][:200])
    assert is_decisive(FORMS[form][:200])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (part(b"x", 10**18), "announces an image of 1,000,000,000,000,000,000 bytes"),
        (b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + b"x" * 3000, "more than 1,000 bytes"),
        (b"--frame\r\n" + b"X-Header: 1\r\n" * 3000, "no image between"),
    ],
)
def test_parts_that_are_too_large(content, reason):
    with pytest.raises(SourceUnreadable, match=reason):
        fed(content, 500, max_part=1000)


def test_what_is_no_camera_is_told_by_its_first_bytes():
    for content in (b"G\x40\x00\x10" * 50, b"FLV\x01", b"#EXTM3U\n", b"<html>", b"\xff\xd8\xff"):
        assert is_decisive(content)
        assert not begins_multipart(content)
    assert not is_decisive(b"\r\n--fra")
    assert not begins_multipart(b"--frame\r\nContent-Type: text/html\r\n\r\n")


HEADS = {"http": HEAD, "http, announced as a file": WITH_LENGTH, "tcp": b""}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("before", [b"", part(JPEGS[0])])
def test_a_part_that_announces_gigabytes_is_not_collected(before, head):
    announced = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 2000000000\r\n\r\n"
    process = psutil.Process()
    with Camera(before + announced, b"x" * 2**20, head=head) as camera:
        memory = process.memory_info().rss
        with pytest.raises(SourceError, match="announces an image of 2,000,000,000 bytes"), camera.open() as source:
            for _ in source:
                pass
        assert process.memory_info().rss - memory < 60e6
        assert camera.sent < 60e6


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_part_without_an_end_is_not_collected(head):
    with Camera(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", b"x" * 2**20, head=head) as camera:
        with pytest.raises(SourceError, match="an image of more than 67,108,864 bytes"), camera.open() as source:
            for _ in source:
                pass
        assert camera.sent < 150e6


def test_a_camera_over_tcp_is_read_by_its_only_connection():
    with Camera(b"".join(map(part, JPEGS)), head=b"") as camera, camera.open() as source:
        frames = list(source)
    assert [frame.time for frame in frames] == [None] * len(JPEGS)
    assert camera.connections == 1
    assert source.live


def test_other_video_over_tcp_is_read_by_its_only_connection(tmp_path):
    recording(tmp_path / "clip.ts", frames=30)
    with Camera((tmp_path / "clip.ts").read_bytes(), head=b"") as camera, camera.open() as source:
        frames = list(source)
    assert len(frames) == 30
    assert camera.connections == 1
    assert source.live
    assert frames[-1].time - frames[0].time == pytest.approx(29 / 25, abs=0.05)


def test_silence_over_tcp_ends_it_within_the_time_limit(tmp_path):
    recording(tmp_path / "clip.ts")
    with Camera((tmp_path / "clip.ts").read_bytes(), head=b"", silent=True) as camera, camera.open() as source:
        began = time.monotonic()
        with pytest.raises(SourceUnreadable, match="broke off"):
            list(source)
    assert OPTIONS.read_timeout - 0.5 < time.monotonic() - began < 20


def test_what_is_no_video_over_tcp_is_told():
    with Camera(b"no video" * 1000, head=b"") as camera, pytest.raises(SourceError, match="no video"):
        camera.open()


def test_damaged_images_are_counted_and_left_out():
    with Camera(part(JPEGS[0]) + part(b"no JPEG") + part(JPEGS[1])) as camera, camera.open() as source:
        frames = list(source)
    assert [frame.number for frame in frames] == [0, 1]
    assert [frame.time for frame in frames] == [None, None]
    assert source.counts.corrupt == 1
    assert abs(frames[1].image.mean() - graded(1).mean()) < 3


def test_images_that_are_none_end_it():
    camera = Camera(part(JPEGS[0]) + part(b"no JPEG") * 150)
    with camera, camera.open() as source, pytest.raises(SourceUnreadable, match="what is no JPEG"):
        list(source)


def test_a_camera_that_breaks_off_all_the_time_leaves_no_thread_and_no_connection():
    process = psutil.Process()
    with Camera(part(JPEGS[0]) + part(JPEGS[1])) as camera:
        ref = find_sources(camera.url)[0]
        source = ThreadedSource(
            ref, lambda: open_stream(ref, camera.url, OPTIONS), OPTIONS, backoff=Backoff(0.001, 0.002)
        )
        with source:
            items = iter(source)
            taken = sum(not isinstance(item, Event) for item in islice(items, 30))
            threads, handles = process.num_threads(), process.num_fds()
            wait_until(lambda: next(items) and camera.connections >= 60, 30)
            assert process.num_threads() <= threads + 1
            assert process.num_fds() <= handles + 2
        assert taken > 5
    assert source.counts.reconnects > 30


def test_the_pauses_of_such_a_camera_grow():
    """Whatever it sends before it breaks off: only a connection that lasts starts them anew."""
    pauses = []

    class Watched(Backoff):
        def pause(self):
            pauses.append(super().pause())
            return 0.0

    with Camera(part(JPEGS[0])) as camera:
        ref = find_sources(camera.url)[0]
        with ThreadedSource(ref, camera.open, OPTIONS, backoff=Watched(chance=lambda: 1.0)) as source:
            items = iter(source)
            wait_until(lambda: next(items) and len(pauses) >= 8, 30)
    assert pauses[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_camera_that_sends_byte_by_byte_is_lost_and_opened_anew():
    class Dripping(Camera):
        def send_to(self, connection):
            connection.sendall(self.answer)
            while not self.ending.wait(0.1):
                connection.sendall(b"x")

    quick = SourceOptions(open_timeout=5, read_timeout=0.5)
    with Dripping(part(JPEGS[0]) + part(JPEGS[1])[:200]) as camera:
        ref = find_sources(camera.url)[0]
        source = ThreadedSource(ref, lambda: open_stream(ref, camera.url, quick), quick, backoff=Backoff(0.01, 0.02))
        with source:
            kinds = [item.kind.value if isinstance(item, Event) else "frame" for item in islice(source, 5)]
        assert camera.connections >= 2
    assert kinds[:4] == ["frame", "source_lost", "source_restored", "frame"]
