"""``smilecam detect``: find smiles in pictures, video files, streams and cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smilecam import interrupts
from smilecam.cli import exit_codes
from smilecam.cli.model_options import detector_options, model_options
from smilecam.cli.progress import bar
from smilecam.cli.renamed import RenamedOption
from smilecam.cli.stream_options import stream_options
from smilecam.cli.text import one_line
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    from smilecam.pipeline.run import StreamItem, StreamRun
    from smilecam.pipeline.run_sources import RunReport
    from smilecam.sinks.base import Sink
    from smilecam.sources.base import Source, SourceRef

BAR_FROM_FRAMES = 50
"""Shorter inputs are done before a progress bar is of use."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results go, as the options say."""

    save: str | None
    jsonl: str | None
    csv: str | None
    webvtt: str | None
    snap: str | None
    cooldown: float
    blur: bool


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--save", metavar="PATH", help="Write annotated versions: a file for one source, a folder for several.")
@click.option("--jsonl", metavar="PATH", help="Write a JSON object per frame and per event; - for standard output.")
@click.option("--csv", metavar="PATH", help="Write a table with a row per face and frame; - for standard output.")
@click.option("--webvtt", metavar="PATH", help="Write smiles as subtitles: a file for one video, a folder for several.")
@click.option("--snap", metavar="DIR", help="Write a picture of each smile in a stream, at its best.")
@click.option(
    "--cooldown",
    cls=RenamedOption,
    formerly=["--hold-off"],
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Seconds between two pictures of one person.",
)
@click.option("--blur", is_flag=True, help="Make faces unrecognisable in what --save and --snap write.")
@click.option("--until", type=click.Choice(["smile"]), help="End at the first smile; exit code 6 if none came.")
@click.option("--timeout", type=click.FloatRange(min=0.1), help="End after so many seconds.")
@model_options
@detector_options
@stream_options
@click.option("--max-frames", type=click.IntRange(min=1), help="Stop each source after so many frames.")
@click.option("-r", "--recursive", is_flag=True, help="Look into folders inside folders.")
def detect(
    sources: tuple[str, ...],
    save: str | None,
    jsonl: str | None,
    csv: str | None,
    webvtt: str | None,
    snap: str | None,
    cooldown: float,
    blur: bool,
    until: str | None,
    timeout: float | None,
    max_frames: int | None,
    recursive: bool,
    **settings: Any,  # noqa: ANN401 - the shared options, of several types
) -> int:
    """Find faces in each SOURCE and say which of them smile.

    A SOURCE is a picture, a video file, a folder, a pattern such as "photos/*.jpg", numbered pictures such as
    "frame_%04d.png", the index of a camera (0 is the first), an address (rtsp://, http://, ...), or - for a video on
    standard input. Stop a live source with Ctrl-C; what was written until then stays whole.
    """
    from smilecam.pipeline.run_sources import RunReport, collect_sources, run_sources

    outputs = Outputs(save, jsonl, csv, webvtt, snap, cooldown, blur)
    _check(sources, outputs)
    report = RunReport(tell=lambda failure: click.echo(f"smilecam: {one_line(failure)}", err=True))
    refs = collect_sources(sources, recursive, report)
    to_error = "-" in (jsonl, csv)

    def say(line: str) -> None:
        click.echo(one_line(line), err=to_error)

    watcher = _Watcher(until)
    with interrupts.deadline(timeout) as deadline:
        sinks = _sinks(refs, outputs, Path(settings["model"]), say)
        if refs:
            from smilecam.cli.assemble import make_detector, source_options

            detector = make_detector(**settings)
            try:
                run_sources(refs, detector, sinks, report, watcher, max_frames, source_options(**settings))
            finally:
                detector.close()
                _say_written(sinks, say)
    return _finish(report, watcher, deadline.passed)


def _check(sources: tuple[str, ...], outputs: Outputs) -> None:
    if "" in (*sources, outputs.save, outputs.jsonl, outputs.csv, outputs.webvtt, outputs.snap):
        raise UsageProblem("a SOURCE or the PATH of an output is an empty name")
    if outputs.jsonl == "-" and outputs.csv == "-":
        raise UsageProblem("--jsonl and --csv cannot both go to standard output")
    if outputs.blur and not (outputs.save or outputs.snap):
        raise UsageProblem("--blur is about what --save or --snap writes: name one of them")


def _sinks(refs: list[SourceRef], outputs: Outputs, model: Path, say: Callable[[str], None]) -> list[Sink]:
    """A sink for each output that is asked for, the summary first."""
    from smilecam.sinks.csv import CsvTable
    from smilecam.sinks.jsonl import JsonLines
    from smilecam.sinks.summary import Summary

    sinks: list[Sink] = [Summary(say)]
    if not refs:
        return sinks
    plans = _plans(refs, outputs)
    _refuse_twins(refs, outputs, plans, model)
    if outputs.save:
        sinks.append(_annotated(plans["--save"], outputs))
    if outputs.jsonl:
        sinks.append(JsonLines(outputs.jsonl))
    if outputs.csv:
        sinks.append(CsvTable(outputs.csv))
    if outputs.webvtt:
        from smilecam.sinks.webvtt import WebVtt

        _make_folder_for(outputs.webvtt, plans["--webvtt"])
        sinks.append(WebVtt(plans["--webvtt"]))
    if outputs.snap:
        from smilecam.sinks.snapshots import Snapshots
        from smilecam.storage import make_folder

        sinks.append(Snapshots(make_folder(Path(outputs.snap), parents=False), outputs.cooldown, outputs.blur))
    return sinks


def _plans(refs: list[SourceRef], outputs: Outputs) -> dict[str, dict[SourceRef, Path]]:
    """Option -> the path of each source's file, for outputs with a file for each."""
    plans = {}
    if outputs.save:
        from smilecam.sinks.annotated import plan_names

        plans["--save"] = plan_names(Path(outputs.save), refs, _is_folder(outputs.save))
    if outputs.webvtt:
        from smilecam.sinks.webvtt import plan_cue_names

        plans["--webvtt"] = plan_cue_names(Path(outputs.webvtt), refs, _is_folder(outputs.webvtt))
    return plans


def _is_folder(target: str) -> bool:
    path = Path(target)
    return path.is_dir() or target.endswith(("/", "\\")) or not path.suffix


def _make_folder_for(target: str, names: dict[SourceRef, Path]) -> None:
    from smilecam.storage import make_folder

    if _is_folder(target) and names:
        make_folder(Path(target), parents=False)


def _annotated(names: dict[SourceRef, Path], outputs: Outputs) -> Sink:
    from smilecam.sinks.annotated import AnnotatedOutput

    _make_folder_for(outputs.save or "", names)
    return AnnotatedOutput(names, outputs.blur)


def _refuse_twins(
    refs: list[SourceRef], outputs: Outputs, plans: dict[str, dict[SourceRef, Path]], model: Path
) -> None:
    """Refuse outputs that would replace a source, the model, or each other.

    Raises:
        UsageProblem: one would.
    """
    from smilecam.sinks.output_paths import refuse_source
    from smilecam.storage import same_file

    single = {"--jsonl": outputs.jsonl, "--csv": outputs.csv}
    targets = [(option, Path(path)) for option, path in single.items() if path and path != "-"]
    for option, path in targets:
        refuse_source(option, path, refs)
        if same_file(path, model):
            raise UsageProblem(f"{option} {path} would replace the model")
    targets += [(option, path) for option, names in plans.items() for path in names.values()]
    taken: dict[Path, str] = {}
    for option, path in targets:
        other = taken.setdefault(path.resolve(), option)
        if other != option:
            raise UsageProblem(f"{other} and {option} both name {path}")


class _Watcher:
    """Shows how far a source is, and ends the session at what it waits for.

    Attributes:
        until: "smile", or None.
        seen: whether it came.
    """

    def __init__(self, until: str | None) -> None:
        self.until, self.seen = until, False

    def __call__(self, reading: StreamRun, source: Source, items: Iterable[StreamItem]) -> Iterable[StreamItem]:
        for item in self._shown(reading, source, items):
            yield item
            if self.until and _shows_smile(item):
                from smilecam.pipeline.run_sources import StopRun

                self.seen = True
                raise StopRun

    def _shown(self, reading: StreamRun, source: Source, items: Iterable[StreamItem]) -> Iterable[StreamItem]:
        if source.expected is not None and source.expected < BAR_FROM_FRAMES:
            yield from items
            return
        with bar(source.ref.name, source.expected, "frame") as progress:
            for item in items:
                yield item
                if isinstance(item, tuple):
                    progress.update()
                    if source.live and item[0].number % 16 == 0:
                        progress.set_postfix_str(str(reading.stats()), refresh=False)


def _shows_smile(item: StreamItem) -> bool:
    """Whether a smile began, or, in a picture, is there."""
    from smilecam.types import Event, EventKind

    if isinstance(item, Event):
        return False
    result = item[1]
    begun = any(event.kind is EventKind.SMILE_START for event in result.events)
    return begun or (result.time is None and result.smiling)


def _say_written(sinks: list[Sink], say: Callable[[str], None]) -> None:
    for sink in sinks:
        for path in getattr(sink, "written", ()):
            say(f"wrote {path}")


def _finish(report: RunReport, watcher: _Watcher, timed_out: bool) -> int:
    if watcher.seen:
        return exit_codes.DONE
    if report.failed:
        return exit_codes.SOME_FAILED if report.done or timed_out else exit_codes.SOURCE
    return exit_codes.NOT_SEEN if watcher.until else exit_codes.DONE
