"""``smilecam watch``: the live page."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smilecam.cli.extras import require
from smilecam.cli.model_options import detector_options, detector_warnings, model_options
from smilecam.cli.notify_options import notifications, notify_options
from smilecam.cli.progress import warn
from smilecam.cli.stream_options import stream_options
from smilecam.detection.registry import resolve_detector
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    from smilecam.server.playback import Playback
    from smilecam.server.stream_settings import Models, Settings
    from smilecam.sources.base import Source


@click.command()
@click.argument("source", required=False)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; other than loopback needs --token."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8470,
    show_default=True,
    help="Port to listen on; 0 for any free one.",
)
@click.option("--no-browser", is_flag=True, help="Print the page's address without opening a browser.")
@click.option(
    "--token",
    envvar="SMILECAM_TOKEN",
    help="Secret in the page's address; default: a new one each time. The variable SMILECAM_TOKEN hides it from other "
    "users of this machine.",
)
@click.option(
    "--allow-host", "names", multiple=True, help="Further host name to answer to, as behind a proxy. Repeatable."
)
@click.option("--ssl-certfile", type=click.Path(path_type=Path), help="Certificate for https.")
@click.option("--ssl-keyfile", type=click.Path(path_type=Path), help="Key of the certificate, if in a separate file.")
@model_options
@detector_options
@stream_options
@notify_options
def watch(
    source: str | None,
    host: str,
    port: int,
    no_browser: bool,
    token: str | None,
    names: tuple[str, ...],
    ssl_certfile: Path | None,
    ssl_keyfile: Path | None,
    **settings: Any,  # noqa: ANN401 - the shared options, of several types
) -> None:
    """Show smiles live in the browser.

    Without SOURCE the page uses the browser's own camera. SOURCE shows a source of this machine to every viewer: the
    index of a camera, an address such as rtsp://host/path, or a video file. A file begins with the first viewer, and
    can be paused and moved through on the page, for all viewers together. Nothing is stored, and nothing leaves this
    machine but what --webhook and --mqtt name. Stop with Ctrl-C.
    """
    require("web", "smilecam watch")
    from smilecam.opencv import use_one_thread
    from smilecam.server.serve import ServeOptions, serve
    from smilecam.server.stream_settings import Models

    options = ServeOptions(host, port, token, names, not no_browser, ssl_certfile, ssl_keyfile)
    options.check()
    notified = notifications(**settings)
    if notified.asked and source is None:
        raise UsageProblem("notifications are of a source of this machine: name a SOURCE")
    use_one_thread()
    models = Models(settings["model"], settings["detection_size"])
    face_detector = resolve_detector(settings["detector"])
    chosen = _settings(models, **{**settings, "detector": face_detector.spec.name})

    def announce(address: str) -> None:
        click.echo(f"smilecam is at {address}")
        if source is not None:
            click.echo(f"The overlay for OBS is at {address.replace('/?token=', '/overlay?token=')}")
        click.echo("End it with Ctrl-C.")
        for line in detector_warnings(face_detector, blur=False):
            warn(line)

    with ExitStack() as stack:
        opened: Source | Playback | None = None
        if source is not None:
            opened = _open(source, **settings)
            stack.callback(opened.close)
        sinks = [*notified.shared_sinks(warn), *notified.own_sinks(warn)]
        serve(models, chosen, options, announce, warn, opened, sinks=sinks)


def _settings(models: Models, **options: Any) -> Settings:  # noqa: ANN401 - options are of several types
    from smilecam.cli.assemble import decision_settings
    from smilecam.detection.registry import detector_spec
    from smilecam.server.problems import Problem
    from smilecam.server.stream_settings import Settings

    detector_spec(options["detector"]).check_file()
    chosen = Settings(
        models.default,
        options["policy"],
        options["operating_point"],
        options["threshold"],
        options["detector"],
        decision_settings(**options),
    )
    try:
        return models.check(chosen)
    except Problem as problem:
        raise UsageProblem(str(problem)) from problem


def _open(source: str, **options: Any) -> Source | Playback:  # noqa: ANN401 - options are of several types
    from smilecam.cli.assemble import source_options
    from smilecam.sources.base import Kind
    from smilecam.sources.open import open_source
    from smilecam.sources.resolve import find_sources

    refs = find_sources(source)
    if len(refs) != 1 or refs[0].kind is Kind.IMAGE:
        raise UsageProblem("smilecam watch takes one camera, stream or video; smilecam detect reads images")
    ref = refs[0]
    if ref.path is not None:  # the page has no use for the folders of this machine
        ref = replace(ref, name=ref.path.name)
    given = source_options(**{**options, "realtime": ref.kind is not Kind.VIDEO})
    if ref.kind is Kind.VIDEO:
        from smilecam.server.playback import Playback

        return Playback(ref, lambda: open_source(ref, given))
    return open_source(ref, given)
