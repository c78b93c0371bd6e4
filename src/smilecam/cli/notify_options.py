"""Options that notify other programs of smiles: commands, a webhook, MQTT. Each is off unless it is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smilecam.cli.extras import require
from smilecam.cli.option_group import Command, add_options
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    import ssl

    from smilecam.notify.broker import Broker
    from smilecam.sinks.base import Sink


WEBHOOK_SECRET = "SMILECAM_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
MQTT_PASSWORD = "SMILECAM_MQTT_PASSWORD"  # noqa: S105 - likewise

SECRET_BYTES = 4096
"""Of a file with a secret; a larger one is another file."""

SECRET_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

NOTIFY_OPTIONS = (
    click.option(
        "--on-smile",
        metavar="COMMAND",
        help="Run a command, without a shell, when a smile begins, and for each image with a smile. {source}, {time}, "
        "{track}, {peak} in it are filled in.",
    ),
    click.option("--on-smile-end", metavar="COMMAND", help="Run a command likewise when a smile ends."),
    click.option("--webhook", metavar="URL", help="Post each event as JSON to a web server."),
    click.option(
        "--webhook-secret-file",
        type=SECRET_FILE,
        help=f"File with the secret that signs what --webhook sends. Default: the variable {WEBHOOK_SECRET}; without "
        "a secret nothing is signed.",
    ),
    click.option(
        "--mqtt",
        metavar="URL",
        help="Publish live sources on an MQTT broker, for Home Assistant: mqtt://user@host, or mqtts:// for TLS.",
    ),
    click.option(
        "--mqtt-password-file",
        type=SECRET_FILE,
        help=f"File with the password for --mqtt. Default: the variable {MQTT_PASSWORD}.",
    ),
    click.option(
        "--mqtt-discovery",
        metavar="PREFIX",
        default="homeassistant",
        show_default=True,
        help='Discovery prefix of Home Assistant; "" for no discovery.',
    ),
)


def notify_options(command: Command) -> Command:
    """Add these options to a command."""
    return add_options(command, NOTIFY_OPTIONS)


@dataclass(frozen=True, slots=True)
class Notifications:
    """What the options ask for, checked.

    Attributes:
        commands: option -> program and arguments.
        webhook: address, secret and verification of the server; None for none.
        broker: of MQTT; None for none.
        discovery: prefix of Home Assistant.
    """

    commands: dict[str, list[str]]
    webhook: tuple[str, bytes | None, ssl.SSLContext | None] | None
    broker: Broker | None
    discovery: str

    @property
    def asked(self) -> bool:
        """Whether there is anything to notify."""
        return bool(self.commands or self.webhook or self.broker)

    def shared_sinks(self, warn: Callable[[str], None]) -> list[Sink]:
        """Sinks that take the results of all sources.

        Raises:
            UsageProblem: an address is none.
        """
        sinks: list[Sink] = []
        if self.commands:
            from smilecam.notify import commands

            kinds = {"--on-smile": commands.STARTS, "--on-smile-end": commands.ENDS}
            sinks += [commands.CommandRunner(name, given, kinds[name], warn) for name, given in self.commands.items()]
        if self.webhook:
            from smilecam.notify.webhook import Webhook

            sinks.append(Webhook(*self.webhook, warn))
        return sinks

    def own_sinks(self, warn: Callable[[str], None]) -> list[Sink]:
        """Sinks for one source at a time."""
        if self.broker is None:
            return []
        from smilecam import __version__
        from smilecam.notify.mqtt import MqttPublisher

        return [MqttPublisher(self.broker, self.discovery, __version__, warn)]


def notifications(**options: Any) -> Notifications:  # noqa: ANN401 - options are of several types
    """What ``notify_options`` ask for.

    Raises:
        UsageProblem: a command, address or secret cannot be used.
        MissingExtra: --mqtt needs packages that are not installed.
    """
    return Notifications(_commands(options), _webhook(options), _broker(options), options["mqtt_discovery"])


def _commands(options: dict[str, Any]) -> dict[str, list[str]]:
    named = {"--on-smile": options["on_smile"], "--on-smile-end": options["on_smile_end"]}
    lines = {option: line for option, line in named.items() if line is not None}
    if not lines:
        return {}
    from smilecam.notify.commands import parse_command

    return {option: parse_command(option, line) for option, line in lines.items()}


def _webhook(options: dict[str, Any]) -> tuple[str, bytes | None, ssl.SSLContext | None] | None:
    if options["webhook"] is None:
        return None
    from smilecam.notify.webhook import Webhook, parse_secret

    text = _secret(options["webhook_secret_file"], WEBHOOK_SECRET)
    webhook = options["webhook"], None if text is None else parse_secret(text), _context(options["ca_file"])
    Webhook(*webhook, lambda _line: None)  # refuses what is no address
    return webhook


def _broker(options: dict[str, Any]) -> Broker | None:
    if options["mqtt"] is None:
        return None
    require("mqtt", "--mqtt")
    from smilecam.notify.broker import parse_broker

    if set("+#\0") & set(options["mqtt_discovery"]):
        raise UsageProblem("--mqtt-discovery is a topic, without + and #")
    password = _secret(options["mqtt_password_file"], MQTT_PASSWORD)
    return parse_broker(options["mqtt"], password, _context(options["ca_file"]))


def _secret(path: Path | None, variable: str) -> str | None:
    if path is None:
        return os.environ.get(variable)
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(SECRET_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} cannot be read as a secret") from error


def _context(ca_file: Path | None) -> ssl.SSLContext | None:
    """How servers are verified: by this system's authorities, and those of --ca-file.

    Raises:
        UsageProblem: the file holds no certificate.
    """
    if ca_file is None:
        return None
    import ssl

    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageProblem(f"--ca-file {ca_file} holds no certificate") from error
    return context
