"""``--mqtt``, on brokers that send what nobody has asked for: little of it is taken, and the stream goes on."""

import contextlib
import socket
import threading
import time

import psutil
import pytest

from smilecam.notify.broker import parse_broker

mqtt = pytest.importorskip("smilecam.notify.mqtt", reason='needs the "mqtt" extra')

CONNACK, ANNOUNCED = b"\x20\x02\x00\x00", b"\x80\xe5\x9a\x77"  # 250,000,000, the form of MQTT
LETTER = b"\x34\xed\x07\x00\x01a"  # the head of a message of 1,000 bytes for "a", which is to be acknowledged twice
FLOODS = {
    "a message of 250 MB": (CONNACK + b"\x30" + ANNOUNCED, lambda _: bytes(2**16)),
    "an answer of 250 MB": (b"\x20" + ANNOUNCED, lambda _: bytes(2**16)),
    "messages without end": (
        CONNACK,
        lambda turn: b"".join(
            LETTER + (1 + (64 * turn + at) % 65535).to_bytes(2, "big") + bytes(1000) for at in range(64)
        ),
    ),
    "nothing": (CONNACK, None),
}


class Flooding:
    """Answers a connection with a beginning, and then floods it, or closes it."""

    def __init__(self, beginning, flood):
        self.beginning, self.flood = beginning, flood
        self.connections = self.sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(self.beginning)
            turn = 0
            while self.flood:
                content = self.flood(turn)
                connection.sendall(content)
                self.sent, turn = self.sent + len(content), turn + 1

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@pytest.mark.parametrize("flood", FLOODS)
def test_a_broker_that_floods_is_one_that_breaks_off(flood, warned, camera):
    broker = Flooding(*FLOODS[flood])
    url = f"mqtt://127.0.0.1:{broker.listener.getsockname()[1]}/home"
    sink = mqtt.MqttPublisher(parse_broker(url, None, None), "homeassistant", "1.2", warned.append)
    before = psutil.Process().memory_info().rss
    sink.begin(camera)
    deadline = time.monotonic() + 30
    while broker.connections < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert psutil.Process().memory_info().rss - before < 60e6
    began = time.monotonic()
    sink.end()
    assert time.monotonic() - began < 4
    broker.stop()
    assert broker.sent < 30e6  # most of it lay in buffers of the system
    assert len(warned) <= 2  # though it comes and goes all the time
