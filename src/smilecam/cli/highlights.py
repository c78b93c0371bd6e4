"""``smilecam highlights``: the smiles of a video as one clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smilecam.cli import exit_codes
from smilecam.cli.model_options import detector_options, detector_warnings, model_options
from smilecam.cli.progress import bar, warn
from smilecam.cli.stream_options import decision_options
from smilecam.cli.text import counted, one_line
from smilecam.detection.registry import resolve_detector
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    from smilecam.pipeline.run import SourceRun
    from smilecam.pipeline.stream_item import StreamItem
    from smilecam.review.highlights import Cut, SmileCollector
    from smilecam.sources.base import Source, SourceRef


@click.command()
@click.argument("video", metavar="VIDEO")
@click.option("-o", "--output", metavar="PATH", help="The clip: .mp4, .m4v, .mov, .mkv, .webm or .avi.  [default: "
              "NAME_highlights.mp4]")  # fmt: skip
@click.option("--margin", type=click.FloatRange(0, 3600), default=0.5, show_default=True,
              help="Time to keep before and after each smile (seconds).")  # fmt: skip
@click.option("--min-length", type=click.FloatRange(0, 3600), default=2.0, show_default=True,
              help="Extend shorter parts to this length (seconds); --min-smile leaves out short smiles.")  # fmt: skip
@click.option("--max-gap", type=click.FloatRange(0, 3600), default=0.5, show_default=True,
              help="Join parts with no more than this in between (seconds).")  # fmt: skip
@model_options
@detector_options
@decision_options
def highlights(
    video: str,
    output: str | None,
    margin: float,
    min_length: float,
    max_gap: float,
    **settings: Any,  # noqa: ANN401 - the shared options, of several types
) -> int:
    """Cut the smiles of a VIDEO into one clip, with its audio.

    VIDEO is a video file. It is read twice: to find the smiles, and to cut them. Smiles that are close to each other
    become one part. Exit code 6 means that nobody smiles in it; no clip is written then. An interrupt leaves no clip.
    """
    from smilecam.review.highlights import CutSettings, plan_cuts, write_clip

    ref, target = _source_and_target(video, output)
    face_detector = resolve_detector(settings["detector"])
    settings["detector"] = face_detector.spec.name
    found, fps = _find_smiles(ref, settings)
    for line in detector_warnings(face_detector, blur=False):
        warn(line)
    cuts = plan_cuts(found.smiles, found.times, fps, CutSettings(margin, min_length, max_gap))
    if not cuts:
        click.echo(one_line(f"{ref.name}: {len(found.times)} frames, nobody smiles: no clip written"))
        return exit_codes.NOT_SEEN
    with bar(f"cutting {target.name}", cuts[-1].last + 1, "frame") as progress:
        write_clip(target, ref, cuts, found.times[0], progress=progress.update)
    for line in _summary(ref, target, cuts, len(found.smiles)):
        click.echo(one_line(line))
    return exit_codes.DONE


def _source_and_target(video: str, output: str | None) -> tuple[SourceRef, Path]:
    """The video and the clip's path.

    Raises:
        SourceError: there is no such file.
        UsageProblem: it is not a video file, or the clip would replace it.
    """
    from smilecam.sinks.output_paths import refuse_source, stem_of
    from smilecam.sinks.video_writer import CONTAINERS
    from smilecam.sources.base import Kind
    from smilecam.sources.resolve import single_source

    if "" in (video, output):
        raise UsageProblem("VIDEO or --output is an empty name")
    ref = single_source(video)
    if ref.kind is not Kind.VIDEO:
        raise UsageProblem(f"{ref.name} is no video file: highlights reads a video twice, so it cannot be live")
    target = Path(output or f"{stem_of(ref).replace(':', '_')}_highlights.mp4")
    if target.suffix.lower() not in CONTAINERS:
        raise UsageProblem(f"--output {target}: a video's name ends in {', '.join(CONTAINERS)}")
    refuse_source("--output", target, [ref])
    return ref, target


def _find_smiles(ref: SourceRef, settings: dict[str, Any]) -> tuple[SmileCollector, float | None]:
    """The smiles of a video, and its announced rate; a video that breaks off counts up to there.

    Raises:
        SourceError: it cannot be read.
    """
    from smilecam.cli.assemble import make_detector
    from smilecam.pipeline.run_sources import RunReport, run_sources
    from smilecam.review.highlights import SmileCollector

    found, report, rates = SmileCollector(), RunReport(), list[float | None]()

    def observe(_run: SourceRun, source: Source, items: Iterable[StreamItem]) -> Iterator[StreamItem]:
        rates.append(source.fps)
        with bar(f"reading {ref.name}", source.expected, "frame") as progress:
            for item in items:
                yield item
                progress.update(item.frame is not None)

    with make_detector(**settings) as detector:
        run_sources([ref], detector, [found], report, observe)
    if report.errors and not found.times:
        raise report.errors[0]
    for line in report.failed:
        warn(line)
    return found, rates[0]


def _summary(ref: SourceRef, target: Path, cuts: tuple[Cut, ...], smiles: int) -> list[str]:
    lines = [f"{cut.at:8.2f} s  {cut.start:.2f}-{cut.end:.2f} s of {ref.name}" for cut in cuts]
    seconds = cuts[-1].at + cuts[-1].seconds
    lines.append(f"{ref.name}: {counted(smiles, 'smile')} in {counted(len(cuts), 'part')}, {seconds:.2f} s")
    return [*lines, f"wrote {target}"]
