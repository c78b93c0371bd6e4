"""Reading any number of sources into any number of sinks; one failing source does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

from smilecam.errors import MissingExtra, SourceError, SourceUnreadable
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.stages import Stage
from smilecam.pipeline.stream_item import StreamItem
from smilecam.sinks.base import Sink
from smilecam.sources import heif
from smilecam.sources.base import Source, SourceOptions, SourceRef
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.sources.skipped import Skipped
from smilecam.types import StreamStats

Observer = Callable[[SourceRun, Source, Iterable[StreamItem]], Iterable[StreamItem]]
"""Sees the items of a source go by, for a progress bar, and may end everything by raising ``StopRun``."""

Opener = Callable[[SourceRef, SourceOptions], Source]
"""Opens a source, or raises SourceError."""

STATS_SECONDS = 5.0
"""Between two reports of the statistics of an online stream."""


class StopRun(Exception):
    """What the run was for has been seen: no further frame and no further source is read."""


@dataclass(slots=True)
class RunReport:
    """How a run went.

    Attributes:
        warn: called at once with a line about each source that could not be read.
        done: sources read to their end.
        errors: what was wrong with each source that could not be read.
        skipped: what folders and patterns hold and is no source.
    """

    warn: Callable[[str], None] = lambda _line: None
    done: int = 0
    errors: list[SourceError] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)

    @property
    def failed(self) -> list[str]:
        """A line for each source that could not be read."""
        return [str(error) for error in self.errors]

    def fail(self, error: SourceError) -> None:
        """Note a source that could not be read, without the traceback, which holds its frames and its decoder."""
        error.__traceback__ = error.__context__ = error.__cause__ = None
        self.errors.append(error)
        self.warn(str(error))


def collect_sources(arguments: Sequence[str], recursive: bool, report: RunReport) -> list[SourceRef]:
    """All sources of the arguments, each once; what cannot be found or read is noted in ``report``."""
    refs: dict[SourceRef, None] = {}
    for argument in arguments:
        try:
            refs |= dict.fromkeys(find_sources(argument, recursive, report.skipped))
        except SourceError as error:
            report.fail(error)
    return _decodable(list(refs), report)


def _decodable(refs: list[SourceRef], report: RunReport) -> list[SourceRef]:
    """The sources without HEIC images that only a missing extra can read: one error for all of them."""
    images = [ref for ref in refs if ref.path and ref.path.suffix.lower() in heif.SUFFIXES]
    if len(images) < 2 or heif.can_decode():
        return refs
    report.fail(
        SourceUnreadable(str(MissingExtra(f"{len(images)} images are in the format HEIC: reading them", "heif")))
    )
    return [ref for ref in refs if ref not in images]


def run_sources(
    refs: Iterable[SourceRef],
    detector: SmileDetector,
    sinks: Sequence[Sink],
    report: RunReport,
    observe: Observer = lambda _run, _source, items: items,
    max_frames: int | None = None,
    options: SourceOptions | None = None,
    opener: Opener = open_source,
) -> None:
    """Read sources one after another.

    Args:
        refs: what to read.
        detector: that processes the frames.
        sinks: where results go; they are closed at the end, also after an error or interrupt.
        report: filled with how it went.
        observe: sees the items of each source go by, and may end everything by raising ``StopRun``.
        max_frames: stop each source after so many.
        options: how sources are opened.
        opener: opens each source.

    Raises:
        OutputError: a sink cannot write.
    """
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        for ref in refs:
            try:
                with opener(ref, options or SourceOptions()) as source, begun(sinks, source):
                    _run_source(source, detector, sinks, observe, max_frames)
                report.done += 1
            except SourceError as error:
                report.fail(error)
            except StopRun:
                report.done += 1
                return


def _run_source(
    source: Source, detector: SmileDetector, sinks: Sequence[Sink], observe: Observer, max_frames: int | None
) -> None:
    due = STATS_SECONDS
    with detector.run(source, keep_images=any(sink.uses_images for sink in sinks)) as run:
        try:
            for item in observe(run, source, _limited(run, max_frames)):
                with nullcontext() if detector.stages is None else detector.stages.measure(Stage.WRITE):
                    deliver(sinks, item)
                if source.live and item.result is not None and (item.time or 0.0) >= due:
                    _notify_stats(sinks, run.stats())
                    due = (item.time or 0.0) + STATS_SECONDS
        finally:
            run.stop()
            for item in run:  # whatever ended it, the smiles that were open have an end
                deliver(sinks, item)
            if source.live:
                _notify_stats(sinks, run.stats())


def _limited(items: Iterable[StreamItem], frames: int | None) -> Iterator[StreamItem]:
    """The items up to a number of frames."""
    if frames is None:
        yield from items
        return
    for item in items:
        yield item
        frames -= item.result is not None
        if frames == 0:
            return


def deliver(sinks: Sequence[Sink], item: StreamItem) -> None:
    """Give every sink a frame and then its events, or events between frames."""
    for sink in sinks:
        if item.source_frame is not None and item.result is not None:
            sink.write(item.source_frame, item.result)
        for event in item.events:
            sink.event(event)


def _notify_stats(sinks: Sequence[Sink], stats: StreamStats) -> None:
    for sink in sinks:
        sink.stats(stats)


@contextmanager
def begun_and_closed(sinks: Sequence[Sink], source: Source) -> Iterator[None]:
    """Begin the only source at every sink and, whatever happens, end it and close them."""
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        stack.enter_context(begun(sinks, source))
        yield


@contextmanager
def begun(sinks: Sequence[Sink], source: Source) -> Iterator[None]:
    """Begin a source at every sink and, whatever happens, end it."""
    with ExitStack() as stack:  # calls every one, also when another fails
        for sink in sinks:
            sink.begin(source)
            stack.callback(sink.end)
        yield
