"""Servers whose answers come slowly or without end hold no request longer than is allowed."""

import contextlib
import socket
import ssl
import threading
import time
import urllib.request

import pytest

from smilecam.timed_http import TimedOpener

ANSWERS = {
    "http, endless 100 Continue": ("http", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.0),
    "http, endless headers byte by byte": ("http", b"H", 0.05),
    "https, a handshake byte by byte": ("https", b"\x16\x03\x03\x40\x00" + bytes(1), 0.05),
    "http, nothing": ("http", b"", 0.05),
}


@contextlib.contextmanager
def answering(content, pace):
    """Sends the same again and again to whoever connects, and where it is paced, its last byte again and again."""
    ending = threading.Event()

    def answer(connection):
        with connection, contextlib.suppress(OSError):
            connection.sendall(content)
            while not ending.wait(pace):
                connection.sendall(content[-1:] if pace else content)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        ending.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_has_a_time_limit(case):
    scheme, content, pace = ANSWERS[case]
    threads = threading.active_count()
    with answering(content, pace) as port:
        began = time.monotonic()
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}/", b"event", method="POST")
        with pytest.raises(TimeoutError):
            TimedOpener(ssl.create_default_context()).open(request, 10, 0.7)
        assert time.monotonic() - began < 8
    deadline = time.monotonic() + 10
    while threading.active_count() > threads:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_answer_in_time_is_not_cut_afterwards():
    with answering(b"HTTP/1.0 200 OK\r\n\r\n" + b"x", 0.05) as port:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/")
        with TimedOpener(ssl.create_default_context()).open(request, 10, 0.5) as answer:
            time.sleep(0.8)
            assert answer.status == 200
            assert len(answer.read(10)) == 10
