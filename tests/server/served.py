"""A real server in a process of its own, and ways to talk to it. No test."""

from __future__ import annotations

import json
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from smilecam.opencv import cv2


def jpeg(image, size=None):
    image = cv2.resize(image, size) if size else image
    return cv2.imencode(".jpg", image)[1].tobytes()


def frame(seq, seconds, picture):
    return struct.pack("!Id", seq, seconds) + picture


@dataclass
class Server:
    process: subprocess.Popen
    base: str
    token: str
    errors: Path

    @property
    def port(self) -> int:
        return int(self.base.rsplit(":", 1)[1])

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=self.base, headers=self.bearer, timeout=30, **options)

    def get(self, path, **options) -> httpx.Response:
        with self.client() as client:
            return client.get(path, **options)

    def socket(self, path="/v1/stream", headers=None, **options) -> ClientConnection:
        given = self.bearer if headers is None else headers
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers=given,
            compression=None,
            proxy=None,
            open_timeout=20,
            **options,
        )

    def socket_in_the_end(self) -> ClientConnection:
        """A WebSocket, after 503 as often as the server is still busy."""
        for _ in range(20):
            try:
                return self.socket()
            except InvalidStatus as error:
                if error.response.status_code != 503:
                    raise
                time.sleep(0.5)
        return self.socket()

    def stop(self) -> tuple[int, float]:
        """Ctrl-C; its exit code, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(10)
        return code, time.monotonic() - began

    def still_serves(self, picture) -> bool:
        """It reads a face over both ways in, once whatever came before is done."""
        with self.socket_in_the_end() as stream:
            answers = [ask(stream, frame(number, number * 0.1, picture)) for number in range(2)]
        with self.client() as client:
            done = client.post("/v1/detect", files={"image": picture}).json()
        return all(answer["type"] == "result" for answer in answers) and len(done["results"][0]["faces"]) >= 1


@contextmanager
def serving(folder: Path, *arguments, environment=None, browser=False):
    errors = folder / f"errors-{time.monotonic_ns()}.txt"
    # With the default detector, a line on standard error would offer YuNet's file; see test_startup.py.
    options = ["--port", "0", "--detector", "haar", *([] if browser else ["--no-browser"])]
    command = [sys.executable, "-m", "smilecam", "watch", *options, *map(str, arguments)]
    with errors.open("w") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment)
    too_late = threading.Timer(60, process.kill)
    too_late.start()
    try:
        line = process.stdout.readline()
        too_late.cancel()
        found = re.search(r"(https?://\S+?)/\?token=(\S+)", line)
        assert found, f"no address in {line!r}: {errors.read_text()}"
        yield Server(process, found[1], found[2], errors)
    finally:
        too_late.cancel()
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stdout.close()


def ask(stream: ClientConnection, message, timeout=20) -> dict:
    stream.send(message)
    return hear(stream, timeout)


def hear(stream: ClientConnection, timeout=20) -> dict:
    return json.loads(stream.recv(timeout))


def until(client, key, wanted, seconds=60):
    """The state of an uploaded video once it is one of those wanted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = client.get(f"/v1/videos/{key}").json()
        if state["status"] in wanted:
            return state
        time.sleep(0.1)
    raise AssertionError(f"still {state}")


def shown(message: bytes) -> tuple[dict, bytes]:
    """Head and picture of what a viewer gets."""
    length = int.from_bytes(message[:4], "big")
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def counter(server: Server, name: str) -> float:
    (value,) = re.findall(rf"^smilecam_{name} (\S+)$", server.get("/metrics").text, re.MULTILINE)
    return float(value)
