"""Real servers of streams, for the tests beside this file."""

import base64
import contextlib
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from clips import graded
from smilecam.opencv import cv2

SYSTEM_PYTHON = Path("/usr/bin/python3")


class Pages(BaseHTTPRequestHandler):
    """An MJPEG camera with its moods, and files."""

    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        page = self.path.partition("?")[0]
        if page == "/hang":
            self.server.closing.wait(20)
        elif page == "/private" and self.headers.get("Authorization") != self.server.authorization:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
        elif page in ("/camera", "/private", "/stall", "/short"):
            self.show({"/stall": 10, "/short": 10}.get(page, 10_000))
            if page == "/stall":
                self.server.closing.wait(20)
        elif page[1:] in self.server.files:
            self.give(self.server.files[page[1:]])
        else:
            self.send_error(404)

    def give(self, content):
        """A file, or its rest from a given byte on."""
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if first else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content[first:])

    def show(self, frames):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(frames):
            picture = cv2.imencode(".jpg", graded(number))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
            try:
                self.wfile.write(head + picture + b"\r\n")
            except OSError:
                return
            if self.server.closing.wait(0.02):
                return


class WebServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Pages)
        self.asked, self.files, self.closing = [], {}, threading.Event()
        self.authorization = "Basic " + base64.b64encode(b"anna:geheim").decode()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def handle_error(self, *_):
        """Viewers leave in the middle."""

    def url(self, page, user=""):
        return f"http://{user}127.0.0.1:{self.server_port}/{page}"

    def stop(self):
        self.closing.set()
        self.shutdown()
        self.server_close()
        self.thread.join()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class RtspServer:
    """GStreamer's RTSP server in a process of its own; it can be killed and comes back at the same address."""

    def __init__(self):
        self.port, self.process = free_port(), None

    def url(self, user="", page="test"):
        return f"rtsp://{user}127.0.0.1:{self.port}/{page}"

    def start(self):
        script = Path(__file__).with_name("rtsp_server.py")
        command = [str(SYSTEM_PYTHON), str(script), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.stdout.close()
            self.process.wait()
            self.process = None


def wait_until(condition, seconds=5.0):
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
