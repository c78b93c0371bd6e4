"""Where an MQTT broker is, and how to be admitted."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from smilecam.errors import UsageProblem

PORT, TLS_PORT = 1883, 8883
"""Registered for MQTT, without and with TLS."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and how to be admitted.

    Attributes:
        host: name or address.
        port: TCP.
        user: None for nobody.
        password: None for none.
        topic: under which everything of this machine is published.
        context: verifies the broker's certificate; None for a connection without TLS.
    """

    host: str
    port: int
    user: str | None
    password: str | None
    topic: str
    context: ssl.SSLContext | None

    @property
    def shown(self) -> str:
        """The broker in messages."""
        return f"{self.host}:{self.port}"


def parse_broker(url: str, password: str | None, context: ssl.SSLContext | None) -> Broker:
    """Read the address of a broker: ``mqtt://user@host:1883/topic``, with ``mqtts`` for TLS.

    Args:
        url: without a topic, everything is published under ``smilecam/`` and this machine's name.
        password: in place of one in the address.
        context: for TLS; by default this system's authorities.

    Raises:
        UsageProblem: it is no such address.
    """
    try:
        split = urlsplit(url)
        valid = split.scheme in ("mqtt", "mqtts") and split.hostname is not None and not set("?#") & set(url)
        port = split.port
    except ValueError:
        valid = False
    topic = unquote(split.path).strip("/") if valid else ""
    if not valid or set("+#\0") & set(topic):
        raise UsageProblem("--mqtt takes an address such as mqtt://user@host, mqtts://host:8883 or mqtt://host/topic")
    tls = split.scheme == "mqtts"
    given = password or (None if split.password is None else unquote(split.password))
    user = unquote(split.username or "") or None
    if given is not None and user is None:
        raise UsageProblem("--mqtt: a password needs a user's name in the address: mqtt://user@host")
    return Broker(
        split.hostname or "",
        port or (TLS_PORT if tls else PORT),
        user,
        given,
        topic or f"smilecam/{topic_level(socket.gethostname())}",
        (context or ssl.create_default_context()) if tls else None,
    )


def topic_level(text: str) -> str:
    """A level of a topic: nothing in it has a meaning to MQTT."""
    return re.sub(r"[^\w-]+", "_", text, flags=re.ASCII).strip("_") or "source"
