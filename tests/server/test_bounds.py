"""Bounds on time and number that would take minutes to reach on a real server, or another machine."""

import asyncio
import socket
import time

import pytest
from served import serving

from smilecam.server.metrics import Metrics
from smilecam.server.problems import Problem
from smilecam.server.security.access import Access
from smilecam.server.security.guard import Guard
from smilecam.server.security.limits import Limits
from smilecam.server.security.strangers import BURST_SECONDS, MAX_WAIT_SECONDS, Strangers

TOKEN = "for this test only"


def request(body_bytes, limits):
    """The status of a POST whose body comes in pieces of so many bytes, 20 a second, and how long it took."""
    statuses = []

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive(left=[20]):  # noqa: B006 - counts down
        await asyncio.sleep(0.05)
        left[0] -= 1
        return {"type": "http.request", "body": bytes(body_bytes), "more_body": left[0] > 0}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/videos",
        "query_string": b"",
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {TOKEN}".encode())],
    }
    guard = Guard(app, Access(TOKEN, "127.0.0.1"), limits, Metrics(), lambda error: pytest.fail(repr(error)))
    asyncio.run(guard(scope, receive, send))
    return statuses


def test_a_trickled_body_is_ended_and_a_steady_one_is_not():
    limits = Limits(slow_seconds=0.3, body_rate=1000)
    assert request(1, limits) == [408]
    assert request(100, limits) == [200]


def test_strangers_wait_for_each_other_and_too_many_are_refused():
    rate = 20.0
    strangers = Strangers(rate)

    async def one():
        began = time.monotonic()
        try:
            await strangers.wait()
        except Problem as problem:
            return problem.status, 0.0
        return 200, time.monotonic() - began

    async def crowd():
        return await asyncio.gather(*(one() for _ in range(round(2 * rate * (BURST_SECONDS + MAX_WAIT_SECONDS)))))

    answers = asyncio.run(crowd())
    admitted = [wait for status, wait in answers if status == 200]
    assert {status for status, _ in answers} == {200, 503}
    assert len(admitted) == pytest.approx(rate * (BURST_SECONDS + MAX_WAIT_SECONDS), abs=3)
    assert sum(wait < 0.01 for wait in admitted) >= rate * BURST_SECONDS / 2


def own_address():
    """An address of this machine that other machines see; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def test_one_other_machine_gets_half_of_the_connections(tmp_path, smiling):
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    with serving(tmp_path, "--host", "0.0.0.0", "--token", "x" * 20) as server:
        raws = [socket.create_connection((address, server.port), 5) for _ in range(80)]
        try:
            time.sleep(0.5)
            refused = 0
            for raw in raws:
                raw.setblocking(False)
                try:
                    refused += raw.recv(100).startswith(b"HTTP/1.1 503")
                except BlockingIOError:
                    continue
            assert refused == 16
            assert server.still_serves(smiling)
        finally:
            for raw in raws:
                raw.close()
