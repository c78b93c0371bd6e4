"""Live sources on an MQTT broker, as sensors that Home Assistant discovers: ``--mqtt`` (extra: mqtt)."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from smilecam.notify.bounded_client import BoundedClient
from smilecam.notify.broker import Broker, topic_level
from smilecam.notify.outbox import Warn
from smilecam.results import FrameResult
from smilecam.sinks.base import Sink
from smilecam.sinks.output_paths import stem_of
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.types import Event, EventKind

KEEPALIVE_SECONDS = 30
CONNECT_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 1, 30
"""Seconds to the next attempt to connect: doubled each time."""

LAST_SECONDS = 1.0
"""At the end, so long the last messages may take, and so long the connection to close."""

QUIET_SECONDS = 60.0
"""After a warning, so long there is none: a broker may come and go every second."""

UNSENT_MESSAGES = 100
"""Messages that wait for a connection that does not take them; further ones are dropped by the library."""

ONLINE, OFFLINE, ON, OFF = "online", "offline", "ON", "OFF"


class MqttPublisher(Sink):
    """Publishes a live source while it is read, by a connection of its own; recorded ones are left out.

    The broker has the newest state, not a history: what happens without a connection is not sent later. A broker that
    is away is tried again for as long as the source is read.
    """

    uses_images = False

    def __init__(self, broker: Broker, discovery: str, version: str, warn: Warn) -> None:
        """Prepare; nothing is connected yet.

        Args:
            broker: where to publish.
            discovery: Home Assistant's discovery prefix; empty for no discovery.
            version: of this program, for Home Assistant.
            warn: takes a line about each new trouble with the broker, and about its end.
        """
        self._broker, self._discovery, self._version, self._warn = broker, discovery, version, warn
        self._connection: _Connection | None = None

    def begin(self, source: Source) -> None:
        """Connect, in a thread of its own, if the source is live."""
        if source.live:
            self._connection = _Connection(self._broker, self._discovery, self._version, source, self._warn)
        else:
            self._warn(f"--mqtt is for live sources: {source.ref.name} is not published (--realtime plays it as one)")

    def write(self, frame: Frame, result: FrameResult) -> None:  # noqa: ARG002 - sinks are called alike
        """Publish whether somebody smiles, where that has changed."""
        if self._connection is not None:
            self._connection.set_smiling(result.smiling)

    def event(self, event: Event) -> None:
        """Publish an event; a lost source is not available."""
        if self._connection is None:
            return
        if event.kind in (EventKind.SOURCE_LOST, EventKind.SOURCE_RESTORED):
            self._connection.set_available(event.kind is EventKind.SOURCE_RESTORED)
        self._connection.publish_event(event)

    def end(self) -> None:
        """The source is not available any more; disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Connection:
    """The connection for one source."""

    def __init__(self, broker: Broker, discovery: str, version: str, source: Source, warn: Warn) -> None:
        self._broker, self._warn = broker, warn
        self._name = source.ref.name
        base = f"{broker.topic}/{topic_level(stem_of(source.ref))}"
        self._state, self._availability, self._events = (f"{base}/{end}" for end in ("smile", "availability", "event"))
        key = f"smilecam_{hashlib.sha256(f'{base} {self._name}'.encode()).hexdigest()[:12]}"
        self._config = (f"{discovery}/binary_sensor/{key}/config", self._describe(key, version)) if discovery else None
        self._smiling, self._available = False, True
        self._trouble = self._notified = False
        self._quiet_until = float("-inf")
        self._lock = threading.Lock()  # a state is published after it has been set, also while we connect
        self._client = self._make_client()
        self._client.connect_async(broker.host, broker.port, KEEPALIVE_SECONDS)
        self._client.loop_start()

    def set_smiling(self, smiling: bool) -> None:
        """Publish whether somebody smiles, where that has changed."""
        with self._lock:
            changed, self._smiling = smiling != self._smiling, smiling
            if changed:
                self._publish(self._state, ON if smiling else OFF, retain=True)

    def set_available(self, available: bool) -> None:
        """Publish whether the source gives frames."""
        with self._lock:
            self._available = available
            self._publish(self._availability, ONLINE if available else OFFLINE, retain=True)

    def publish_event(self, event: Event) -> None:
        """Publish an event."""
        self._publish(self._events, json.dumps(event.as_dict()), retain=False)

    def close(self) -> None:
        """Leave the source as not available, and disconnect; takes ``LAST_SECONDS`` twice at most."""
        with self._lock:
            if self._client.is_connected():
                self._client.publish(self._state, OFF, 1, retain=True)
                last = self._client.publish(self._availability, OFFLINE, 1, retain=True)
                try:
                    last.wait_for_publish(LAST_SECONDS)
                except (RuntimeError, ValueError):  # the connection broke meanwhile
                    self._available = False
        self._client.disconnect()
        stopping = threading.Thread(target=self._client.loop_stop, name="smilecam-stop", daemon=True)
        stopping.start()
        stopping.join(LAST_SECONDS)

    def _make_client(self) -> Client:
        client = BoundedClient(CallbackAPIVersion.VERSION2)
        broker = self._broker
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.context is not None:
            client.tls_set_context(broker.context)
        client.will_set(self._availability, OFFLINE, 1, retain=True)
        client.reconnect_delay_set(FIRST_PAUSE, LONGEST_PAUSE)
        client.max_queued_messages_set(UNSENT_MESSAGES)
        client.connect_timeout = CONNECT_SECONDS
        client.on_connect, client.on_connect_fail = self._connected, self._failed
        client.on_disconnect = self._disconnected
        return client

    def _publish(self, topic: str, payload: str, *, retain: bool) -> None:
        if self._client.is_connected():
            self._client.publish(topic, payload, 1, retain=retain)

    def _connected(
        self, _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        """In the library's thread: publish everything that is retained."""
        if code.is_failure:
            self._report(f"the broker refuses the connection: {str(code).lower()}")
            return
        if self._notified:
            self._warn(f"--mqtt {self._broker.shown}: connected")
        self._trouble = self._notified = False
        with self._lock:
            if self._config is not None:
                self._client.publish(*self._config, 1, retain=True)
            self._client.publish(self._state, ON if self._smiling else OFF, 1, retain=True)
            self._client.publish(self._availability, ONLINE if self._available else OFFLINE, 1, retain=True)

    def _failed(self, _client: Client, _data: object) -> None:
        error = sys.exception()
        self._report(f"no connection: {getattr(error, 'strerror', None) or error}")

    def _disconnected(
        self, _client: Client, _data: object, flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if not flags.is_disconnect_packet_from_server and code.is_failure:
            self._report("the connection is lost")

    def _report(self, trouble: str) -> None:
        """Warn of trouble, once while it lasts."""
        now = time.monotonic()
        if not self._trouble and now >= self._quiet_until:
            self._warn(f"--mqtt {self._broker.shown}: {trouble}; trying again")
            self._notified, self._quiet_until = True, now + QUIET_SECONDS
        self._trouble = True

    def _describe(self, key: str, version: str) -> str:
        """The message by which Home Assistant makes a binary sensor of the source."""
        content: dict[str, Any] = {
            "name": "Smile",
            "unique_id": key,
            "state_topic": self._state,
            "payload_on": ON,
            "payload_off": OFF,
            "availability_topic": self._availability,
            "payload_available": ONLINE,
            "payload_not_available": OFFLINE,
            "json_attributes_topic": self._events,
            "icon": "mdi:emoticon-outline",
            "device": {
                "identifiers": [key],
                "name": f"smilecam {self._name}",
                "manufacturer": "smilecam",
                "sw_version": version,
            },
            "origin": {"name": "smilecam", "sw_version": version},
        }
        return json.dumps(content)
