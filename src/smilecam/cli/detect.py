"""``smilecam detect``: find smiles in images, video files, streams and cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smilecam import interrupts
from smilecam.cli import exit_codes
from smilecam.cli.model_options import detector_options, detector_warnings, model_options
from smilecam.cli.notify_options import notifications, notify_options
from smilecam.cli.outputs import Outputs, make_parallel_outputs, make_sinks, report_written
from smilecam.cli.progress import bar, warn
from smilecam.cli.renamed import RenamedOption
from smilecam.cli.stream_options import decode_option, stream_options
from smilecam.cli.text import one_line
from smilecam.detection.registry import ResolvedDetector, resolve_detector
from smilecam.errors import OutputError

if TYPE_CHECKING:
    from smilecam.pipeline.detector import SmileDetector
    from smilecam.pipeline.run import SourceRun
    from smilecam.pipeline.run_parallel import ParallelOutputs
    from smilecam.pipeline.run_sources import RunReport
    from smilecam.pipeline.stream_item import StreamItem
    from smilecam.sinks.base import Sink
    from smilecam.sources.base import Source, SourceRef

BAR_FROM_FRAMES = 50
"""Shorter inputs are done before a progress bar is of use."""


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--save", metavar="PATH", help="Save annotated copies: a file for one source, a folder for several.")
@click.option("--jsonl", metavar="PATH", help="Write one JSON object per frame and event; - for standard output.")
@click.option("--csv", metavar="PATH", help="Write a table, one row per face and frame; - for standard output.")
@click.option("--webvtt", metavar="PATH", help="Write smiles as subtitles: a file for one video, a folder for several.")
@click.option("--snap", metavar="DIR", help="Save a snapshot of each smile in a stream, at its best.")
@click.option(
    "--cooldown",
    cls=RenamedOption,
    formerly=["--hold-off"],
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Minimum time between two snapshots of one person (seconds).",
)
@click.option("--numbers", is_flag=True, help="Label every face in --save, with its number and probability.")
@click.option("--blur", is_flag=True, help="Anonymise faces in the files of --save and --snap.")
@click.option("--until", type=click.Choice(["smile"]), help="Stop at the first smile; exit code 6 without one.")
@click.option("--timeout", type=click.FloatRange(min=0.1), help="Stop after this time (seconds).")
@model_options
@detector_options
@stream_options
@notify_options
@click.option("--max-frames", type=click.IntRange(min=1), help="Stop each source after this many frames.")
@click.option(
    "--every-frame",
    is_flag=True,
    help="Read every face in every frame. Otherwise faces that stay the same are read several times a second, and "
    "interpolated.",
)
@decode_option
@click.option("--parallel", is_flag=True, help="Read all sources side by side, for several cameras in one call.")
@click.option("--profile", is_flag=True, help="Print the CPU time of each stage when all is done.")
@click.option("-r", "--recursive", is_flag=True, help="Include folders inside folders.")
def detect(
    sources: tuple[str, ...],
    save: str | None,
    jsonl: str | None,
    csv: str | None,
    webvtt: str | None,
    snap: str | None,
    cooldown: float,
    numbers: bool,
    blur: bool,
    until: str | None,
    timeout: float | None,
    max_frames: int | None,
    recursive: bool,
    parallel: bool,
    **settings: Any,  # noqa: ANN401 - the shared options, of several types
) -> int:
    """Find the smiling faces in each SOURCE.

    A SOURCE is an image, a video file, a folder, a pattern such as "photos/*.jpg", numbered images such as
    "frame_%04d.png", the index of a camera (0 is the first), an address (rtsp://, http://, ...), or - for a video on
    standard input. Stop a live source with Ctrl-C; the results up to then are kept.
    """
    from smilecam.pipeline.run_sources import RunReport, collect_sources

    outputs = Outputs(save, jsonl, csv, webvtt, snap, cooldown, blur, numbers)
    outputs.check(sources)
    notified = notifications(**settings)
    report = RunReport(warn=warn)
    refs = collect_sources(sources, recursive, report)

    def log(line: str) -> None:
        click.echo(one_line(line), err=outputs.use_standard_output)

    face_detector = resolve_detector(settings["detector"])
    settings["detector"] = face_detector.spec.name
    observer = _Observer(until, detector_warnings(face_detector, blur))
    with interrupts.deadline(timeout) as deadline:
        if refs:
            inputs = _inputs(settings["model"], face_detector)
            if parallel:
                open_outputs = partial(make_parallel_outputs, refs, outputs, notified, inputs, log)
                _run_parallel(refs, open_outputs, report, observer, max_frames, log, settings)
            else:
                open_sinks = partial(make_sinks, refs, outputs, notified, inputs, log)
                _run(refs, open_sinks, report, observer, max_frames, log, settings)
    for line in report.skipped.lines if refs else []:
        log(line)
    return _exit_code(report, observer, deadline.passed)


def _run(
    refs: list[SourceRef],
    open_sinks: Callable[[], list[Sink]],
    report: RunReport,
    observer: _Observer,
    max_frames: int | None,
    log: Callable[[str], None],
    settings: dict[str, Any],
) -> None:
    from smilecam.cli.assemble import source_options
    from smilecam.pipeline.run_sources import run_sources

    with _made_detector(refs, log, settings) as detector:
        sinks = open_sinks()  # once the model has been loaded
        with _reported(sinks, log):
            run_sources(refs, detector, sinks, report, observer, max_frames, source_options(**settings))


def _run_parallel(
    refs: list[SourceRef],
    open_outputs: Callable[[], ParallelOutputs],
    report: RunReport,
    observer: _Observer,
    max_frames: int | None,
    log: Callable[[str], None],
    settings: dict[str, Any],
) -> None:
    from smilecam.cli.assemble import source_options
    from smilecam.pipeline.run_parallel import run_parallel

    options = source_options(**settings)
    with _made_detector(refs, log, settings) as detector:
        outputs = open_outputs()
        with _reported(outputs.sinks, log):
            run_parallel(refs, detector, outputs, report, observer.see, max_frames, options)


@contextmanager
def _reported(sinks: list[Sink], log: Callable[[str], None]) -> Iterator[None]:
    """Afterwards, the files that these sinks wrote are logged, also after an error.

    Raises:
        OutputError: one is not there any more.
    """
    gone: list[Path] = []
    try:
        yield
    finally:
        gone += report_written(sinks, log)
    if gone:
        more = f", and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise OutputError(f"{gone[0]} is gone{more}: it was removed after it had been written")


def _inputs(model: str, detector: ResolvedDetector) -> dict[str, Path]:
    """Files that the run reads besides its sources, by what messages call them."""
    from smilecam.classification.classifier import model_path

    inputs = {"the model": model_path(model)}
    if detector.spec.file is not None:
        inputs["the file of the face detector"] = detector.spec.file.path
    return inputs


@contextmanager
def _made_detector(
    refs: list[SourceRef], log: Callable[[str], None], settings: dict[str, Any]
) -> Iterator[SmileDetector]:
    """The detector; with --profile its stages are logged at the end."""
    from smilecam.cli.assemble import make_detector
    from smilecam.opencv import use_one_thread
    from smilecam.pipeline.stages import Stages
    from smilecam.sources.base import Kind

    if any(ref.kind is not Kind.IMAGE for ref in refs):
        use_one_thread()
    with make_detector(**settings) as detector:
        detector.stages = Stages() if settings["profile"] else None
        try:
            yield detector
        finally:
            for line in detector.stages.lines() if detector.stages else []:
                log(line)


class _Observer:
    """Shows the progress of a source, warns at the first frame, and ends the run at what it waits for.

    Attributes:
        until: "smile", or None.
        seen: whether it came.
    """

    def __init__(self, until: str | None, warnings: list[str]) -> None:
        self.until, self.seen = until, False
        self._warnings = warnings

    def __call__(self, run: SourceRun, source: Source, items: Iterable[StreamItem]) -> Iterable[StreamItem]:
        for item in self._with_progress(run, source, items):
            self._warn()
            yield item
            self._check(item)

    def see(self, item: StreamItem) -> None:
        """Look at an item that has been delivered; raises ``StopRun`` at what the run waits for."""
        self._warn()
        self._check(item)

    def _warn(self) -> None:
        while self._warnings:  # now, since a run that ends in an error has one line, which is about that
            warn(self._warnings.pop(0))

    def _check(self, item: StreamItem) -> None:
        if self.until and _shows_smile(item):
            from smilecam.pipeline.run_sources import StopRun

            self.seen = True
            raise StopRun

    def _with_progress(self, run: SourceRun, source: Source, items: Iterable[StreamItem]) -> Iterable[StreamItem]:
        if source.expected is not None and source.expected < BAR_FROM_FRAMES:
            yield from items
            return
        with bar(source.ref.name, source.expected, "frame") as progress:
            for item in items:
                yield item
                if item.frame is not None:
                    progress.update()
                    if source.live and item.frame % 16 == 0:
                        progress.set_postfix_str(str(run.stats()), refresh=False)


def _shows_smile(item: StreamItem) -> bool:
    """Whether a smile began, or, in an image, is there."""
    from smilecam.types import EventKind

    begun = any(event.kind is EventKind.SMILE_START for event in item.events)
    return begun or (item.time is None and item.smiling)


def _exit_code(report: RunReport, observer: _Observer, timed_out: bool) -> int:
    if observer.seen:
        return exit_codes.DONE
    if report.failed:
        return exit_codes.SOME_FAILED if report.done or timed_out else exit_codes.SOURCE
    return exit_codes.NOT_SEEN if observer.until else exit_codes.DONE
