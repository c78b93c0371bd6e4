"""``--mqtt``, on a real broker: what Home Assistant would see, through restarts of the broker and of ourselves."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.errors import UsageProblem
from smilecam.notify.broker import parse_broker
from smilecam.results import FrameResult
from smilecam.types import Box, EventKind, Face

REQUIRED = os.environ.get("SMILECAM_TEST_DATA_REQUIRED")
PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
MOSQUITTO, MOSQUITTO_PASSWD = (shutil.which(name, path=PATH) for name in ("mosquitto", "mosquitto_passwd"))

paho = pytest.importorskip("paho.mqtt.client", reason='needs the "mqtt" extra')
mqtt = pytest.importorskip("smilecam.notify.mqtt", reason='needs the "mqtt" extra')

USER, PASSWORD = "anna", "geheim"


class Broker:
    """A mosquitto on loopback that can be stopped and started again."""

    def __init__(self, folder, *options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", *options]
        if os.name == "posix" and os.geteuid() == 0:
            lines.append("user root")  # else it could not read this folder
        self.config.write_text("\n".join(lines) + "\n")
        self.process = None

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}/home"

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.config], stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError("mosquitto does not start")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@contextmanager
def brokers(folder, *options):
    if MOSQUITTO is None:
        (pytest.fail if REQUIRED else pytest.skip)("mosquitto is not installed")
    broker = Broker(folder, *options)
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def broker(tmp_path):
    with brokers(tmp_path, "allow_anonymous true") as broker:
        yield broker.start()


class Subscriber:
    """Everything that the broker has and gets: the newest payload of each topic, and all in order."""

    def __init__(self, port, **login):
        self.newest, self.all, self._changed = {}, [], threading.Condition()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_message = self._take
        self.client.reconnect_delay_set(1, 1)
        if login:
            self.client.username_pw_set(**login)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _take(self, _client, _data, message):
        with self._changed:
            self.newest[message.topic] = message.payload.decode()
            self.all.append((message.topic, message.payload.decode(), message.retain))
            self._changed.notify_all()

    def wait(self, topic, payload, seconds=20):
        with self._changed:
            assert self._changed.wait_for(lambda: self.newest.get(topic) == payload, seconds), self.newest

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def subscribed(broker, **login):
    subscriber = Subscriber(broker.port, **login)
    try:
        yield subscriber
    finally:
        subscriber.close()


def publisher(url, warned, password=None, context=None):
    return mqtt.MqttPublisher(parse_broker(url, password, context), "homeassistant", "1.2", warned.append)


def seen(smiling):
    face = Face(Box(0, 0, 9, 9), 1.0, 0.9 if smiling else 0.1, smiling, 1, 0.5, 0.9)
    return FrameResult("camera:0", 0, 1.0, (face,))


STATE, AVAILABILITY, EVENT = (f"home/camera0/{end}" for end in ("smile", "availability", "event"))


def test_home_assistant_discovers_a_sensor_that_follows_the_smiles(broker, warned, camera, smile):
    sink = publisher(broker.url, warned)
    with subscribed(broker) as subscriber:
        sink.begin(camera)
        subscriber.wait(AVAILABILITY, "online")
        for smiling in (False, True, True, False, True):
            sink.write(None, seen(smiling))
        sink.event(smile())
        sink.event(smile(kind=EventKind.SOURCE_LOST))
        subscriber.wait(AVAILABILITY, "offline")
        sink.event(smile(kind=EventKind.SOURCE_RESTORED))
        subscriber.wait(AVAILABILITY, "online")
        sink.end()
        subscriber.wait(AVAILABILITY, "offline")
        assert [payload for topic, payload, _ in subscriber.all if topic == STATE] == ["OFF", "ON", "OFF", "ON", "OFF"]
        events = [json.loads(payload) for topic, payload, _ in subscriber.all if topic == EVENT]
        assert [event["event"] for event in events] == ["smile_start", "source_lost", "source_restored"]
        assert events[0] == smile().as_dict()
    with subscribed(broker) as later:  # what is retained, as Home Assistant finds it after a restart
        later.wait(AVAILABILITY, "offline")
        later.wait(STATE, "OFF")
        assert EVENT not in later.newest
        (topic,) = (topic for topic in later.newest if topic.startswith("homeassistant/"))
        config = json.loads(later.newest[topic])
    assert topic == f"homeassistant/binary_sensor/{config['unique_id']}/config"
    assert (config["state_topic"], config["availability_topic"]) == (STATE, AVAILABILITY)
    assert (config["payload_on"], config["payload_off"]) == ("ON", "OFF")
    assert (config["payload_available"], config["payload_not_available"]) == ("online", "offline")
    assert config["device"]["name"] == "smilecam camera:0"
    assert config["origin"] == {"name": "smilecam", "sw_version": "1.2"}
    assert warned == []


def test_a_restart_of_the_broker_brings_the_present_back(broker, warned, camera):
    sink = publisher(broker.url, warned)
    sink.begin(camera)
    with subscribed(broker) as subscriber:
        subscriber.wait(AVAILABILITY, "online")
    broker.stop()
    began = time.monotonic()
    for number in range(1000):
        sink.write(None, seen(number % 2 == 0))
    sink.write(None, seen(True))
    assert time.monotonic() - began < 1
    broker.start()  # it has forgotten everything
    with subscribed(broker) as subscriber:
        subscriber.wait(STATE, "ON")
        subscriber.wait(AVAILABILITY, "online")
        assert len([topic for topic in subscriber.newest if topic.startswith("homeassistant/")]) == 1
        assert [payload for topic, payload, _ in subscriber.all if topic == STATE] == ["ON"]
    sink.end()
    shown = f"--mqtt 127.0.0.1:{broker.port}"
    assert warned == [f"{shown}: the connection is lost; trying again", f"{shown}: connected"]


def test_a_broker_that_is_down_at_the_start_holds_nobody_up(tmp_path, warned, camera, smile):
    with brokers(tmp_path, "allow_anonymous true") as broker:
        sink = publisher(broker.url, warned)
        began = time.monotonic()
        sink.begin(camera)
        for number in range(1000):
            sink.write(None, seen(number % 2 == 0))
            sink.event(smile(number))
        assert time.monotonic() - began < 2
        while not warned:
            time.sleep(0.02)
        assert warned == [f"--mqtt 127.0.0.1:{broker.port}: no connection: Connection refused; trying again"]
        broker.start()
        with subscribed(broker) as subscriber:
            subscriber.wait(STATE, "OFF")
        sink.end()
        began = time.monotonic()
        broker.stop()
        away = publisher(broker.url, warned)
        away.begin(camera)
        away.end()
        assert time.monotonic() - began < 4


def test_a_process_that_is_killed_leaves_its_camera_unavailable(broker, tmp_path):
    """The broker's last will; and the retained state of the next run."""
    arguments = ["detect", "synthetic:face:320x240@15?smile=always&seconds=600", "--realtime", "--detector", "haar"]
    command = [sys.executable, "-m", "smilecam", *arguments, "--mqtt", broker.url]
    topic = "home/synthetic_face_320x240_15_smile_always_seconds_600"
    with subscribed(broker) as subscriber:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            subscriber.wait(f"{topic}/smile", "ON", 40)
            assert subscriber.newest[f"{topic}/availability"] == "online"
        finally:
            process.kill()
            process.communicate()
        subscriber.wait(f"{topic}/availability", "offline")
        again = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            subscriber.wait(f"{topic}/availability", "online", 40)
            again.send_signal(signal.SIGINT)
            began = time.monotonic()
            assert again.wait(20) == exit_codes.INTERRUPTED
            assert time.monotonic() - began < 10
        finally:
            again.kill()
            again.communicate()
        subscriber.wait(f"{topic}/availability", "offline")
        subscriber.wait(f"{topic}/smile", "OFF")


def test_several_cameras_are_several_sensors(broker, capfd):
    names = ["synthetic:face:320x240@15?seconds=2", "synthetic:face:320x240@15?seconds=3"]
    arguments = ["--parallel", "--realtime", "--detector", "haar", "--mqtt", broker.url]
    assert call(["detect", *names, *arguments]) == exit_codes.DONE
    with subscribed(broker) as subscriber:
        for seconds in (2, 3):
            subscriber.wait(f"home/synthetic_face_320x240_15_seconds_{seconds}/availability", "offline")
        assert len([topic for topic in subscriber.newest if topic.startswith("homeassistant/")]) == 2
    capfd.readouterr()
    assert call(["detect", names[0], "--detector", "haar", "--mqtt", broker.url]) == exit_codes.DONE
    assert f"--mqtt is for live sources: {names[0]} is not published" in capfd.readouterr().err


def test_a_password_is_asked_for_and_never_shown(tmp_path, warned, camera, capfd, monkeypatch):
    (tmp_path / "users").touch(0o600)
    with brokers(tmp_path, f"password_file {tmp_path / 'users'}", "allow_anonymous false") as broker:
        subprocess.run([MOSQUITTO_PASSWD, "-b", tmp_path / "users", USER, PASSWORD], check=True, capture_output=True)
        broker.start()
        wrong = publisher(broker.url.replace("//", f"//{USER}:falsch@"), warned)
        wrong.begin(camera)
        while not warned:
            time.sleep(0.02)
        wrong.end()
        assert [line.lower() for line in warned] == [
            f"--mqtt 127.0.0.1:{broker.port}: the broker refuses the connection: not authorized; trying again"
        ]
        (tmp_path / "secret").write_text(PASSWORD + "\n")
        named = broker.url.replace("//", f"//{USER}@")
        arguments = ["detect", "synthetic:face:320x240@15?seconds=2", "--realtime", "--detector", "haar"]
        with subscribed(broker, username=USER, password=PASSWORD) as subscriber:
            file = ["--mqtt-password-file", str(tmp_path / "secret"), "--mqtt-discovery", ""]
            assert call([*arguments, "--mqtt", named, *file]) == exit_codes.DONE
            subscriber.wait("home/synthetic_face_320x240_15_seconds_2/availability", "offline")
            assert not [topic for topic in subscriber.newest if topic.startswith("homeassistant")]
            seen_before = len(subscriber.all)
            monkeypatch.setenv("SMILECAM_MQTT_PASSWORD", PASSWORD)
            assert call([*arguments, "--mqtt", named]) == exit_codes.DONE
            deadline = time.monotonic() + 10
            while len(subscriber.all) < seen_before + 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert len(subscriber.all) >= seen_before + 3
        out, err = capfd.readouterr()
        assert PASSWORD not in out + err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the library's socket, unclosed
@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")
def test_the_broker_must_show_a_certificate_that_is_trusted(tmp_path, warned, camera):
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*make, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True)
    options = [f"certfile {tmp_path / 'cert.pem'}", f"keyfile {tmp_path / 'key.pem'}", "allow_anonymous true"]
    with brokers(tmp_path, *options) as broker:
        broker.start()
        url = f"mqtts://localhost:{broker.port}/home"
        strict = publisher(url, warned)
        strict.begin(camera)
        while not warned:
            time.sleep(0.02)
        strict.end()
        assert "certificate verify failed" in warned[0]
        warned.clear()
        trusting = publisher(url, warned, context=ssl.create_default_context(cafile=tmp_path / "cert.pem"))
        trusting.begin(camera)
        deadline = time.monotonic() + 10
        while not trusting._connection._client.is_connected() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert trusting._connection._client.is_connected()
        trusting.end()
        assert warned == []


@pytest.mark.parametrize(
    "url",
    ["", "host", "http://host", "mqtt://", "mqtt://host:99999", "mqtt://host/a/#", "mqtt://host?x", "mqtt://:pw@host"],
)
def test_addresses_that_are_none(url, capsys):
    with pytest.raises(UsageProblem, match="--mqtt"):
        parse_broker(url, "x" if ":pw@" in url else None, None)
    assert call(["detect", "synthetic:face?seconds=1", "--mqtt", url]) == exit_codes.USAGE
    assert "pw" not in capsys.readouterr().err


def test_an_address_says_where_and_as_whom():
    broker = parse_broker("mqtts://anna:ge%40heim@house/living/room", None, None)
    assert (broker.host, broker.port, broker.user, broker.password) == ("house", 8883, "anna", "ge@heim")
    assert broker.topic == "living/room"
    assert broker.context is not None
    assert "heim" not in broker.shown
    plain = parse_broker("mqtt://house", None, None)
    assert (plain.port, plain.context, plain.user) == (1883, None, None)
    assert plain.topic.startswith("smilecam/")
