"""``smilecam detect``: find smiles in pictures, videos and cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam.cli import exit_codes
from smilecam.cli.model_options import model_options
from smilecam.cli.progress import bar
from smilecam.cli.text import one_line
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    from smilecam.outputs.sink import Sink
    from smilecam.session import Outcome
    from smilecam.types import FrameResult
    from smilecam.video.sources import Frame, Source, SourceRef

BAR_FROM_FRAMES = 50
"""Shorter inputs are done before a progress bar is of use."""


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--save", metavar="PATH", help="Write annotated versions: a file for one source, a folder for several.")
@click.option("--jsonl", metavar="PATH", help="Write one JSON object per frame; - for standard output.")
@model_options
@click.option(
    "--search-size",
    type=click.IntRange(min=24),
    help="Look for faces in the frame reduced to this longer side: more finds smaller faces, and is slower. "
    "Default: 960 for pictures, 480 for videos and cameras.",
)
@click.option("--max-frames", type=click.IntRange(min=1), help="Stop each source after so many frames.")
@click.option("-r", "--recursive", is_flag=True, help="Look into folders inside folders.")
def detect(
    sources: tuple[str, ...],
    save: str | None,
    jsonl: str | None,
    model: str,
    policy: str | None,
    operating_point: str,
    threshold: float | None,
    search_size: int | None,
    max_frames: int | None,
    recursive: bool,
) -> int:
    """Find faces in each SOURCE and say which of them smile.

    A SOURCE is a picture, a video file, a folder, a pattern such as "photos/*.jpg", or the index of a camera (0 is
    the first). Stop a camera with Ctrl-C; what was written until then stays whole.
    """
    from smilecam.outputs.summary import Summary
    from smilecam.pipeline import SmileDetector
    from smilecam.session import Outcome, collect_sources, read_sources
    from smilecam.vision.detect import HaarSettings

    if "" in (*sources, save, jsonl):
        raise UsageProblem("a SOURCE, --save or --jsonl is an empty name")
    outcome = Outcome(tell=lambda failure: click.echo(f"smilecam: {one_line(failure)}", err=True))
    refs = collect_sources(sources, recursive, outcome)

    def say(line: str) -> None:
        click.echo(one_line(line), err=jsonl == "-")

    sinks: list[Sink] = [Summary(say)]
    if refs:
        haar = HaarSettings(search_size=search_size) if search_size else None
        detector = SmileDetector(model, threshold, haar, policy, operating_point)
        sinks += _file_sinks(refs, save, jsonl, Path(model))
        try:
            read_sources(refs, detector, sinks, outcome, _watch, max_frames)
        finally:
            _say_written(sinks, jsonl, say)
    return _finish(outcome)


def _file_sinks(refs: list[SourceRef], save: str | None, jsonl: str | None, model: Path) -> list[Sink]:
    from smilecam.outputs.annotated import AnnotatedOutput, plan_names, refuse_source
    from smilecam.outputs.jsonl import JsonLines
    from smilecam.storage import make_folder, same_file

    sinks: list[Sink] = []
    if save:
        target = Path(save)
        into_folder = target.is_dir() or save.endswith(("/", "\\")) or not target.suffix
        names = plan_names(target, refs, into_folder)
        if into_folder:
            make_folder(target, parents=False)
        if jsonl and Path(jsonl).resolve() in {path.resolve() for path in names.values()}:
            raise UsageProblem(f"--save and --jsonl both name {jsonl}")
        sinks.append(AnnotatedOutput(names))
    if jsonl:
        if jsonl != "-":
            refuse_source("--jsonl", Path(jsonl), refs)
            if same_file(Path(jsonl), model):
                raise UsageProblem(f"--jsonl {jsonl} would replace the model")
        sinks.append(JsonLines(jsonl))
    return sinks


def _watch(source: Source, frames: Iterable[tuple[Frame, FrameResult]]) -> Iterable[tuple[Frame, FrameResult]]:
    if source.expected is not None and source.expected < BAR_FROM_FRAMES:
        yield from frames
        return
    with bar(source.ref.name, source.expected, "frame") as progress:
        for item in frames:
            yield item
            progress.update()


def _say_written(sinks: list[Sink], jsonl: str | None, say: Callable[[str], None]) -> None:
    from smilecam.outputs.annotated import AnnotatedOutput

    if jsonl and jsonl != "-":
        say(f"wrote {jsonl}")
    for sink in sinks:
        if isinstance(sink, AnnotatedOutput):
            for path in sink.written:
                say(f"wrote {path}")


def _finish(outcome: Outcome) -> int:
    if not outcome.failed:
        return exit_codes.DONE
    return exit_codes.SOME_FAILED if outcome.done else exit_codes.SOURCE
