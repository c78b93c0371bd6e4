"""Reading any number of sources into any number of sinks; one failing source does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from smilecam.errors import SourceError
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import StreamItem, StreamRun
from smilecam.sinks.base import Sink
from smilecam.sources.base import Source, SourceOptions, SourceRef
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Event, StreamStats

Observer = Callable[[StreamRun, Source, Iterable[StreamItem]], Iterable[StreamItem]]
"""Lets a progress bar see what a source gives go by."""

STATS_SECONDS = 5.0
"""Between two reports of the live figures."""


class StopRun(Exception):
    """What the session was for has been seen."""


@dataclass(slots=True)
class RunReport:
    """How a session went.

    Attributes:
        tell: told at once of each source that could not be read.
        done: sources read to their end.
        errors: what was wrong with each source that could not be read.
    """

    tell: Callable[[str], None] = lambda _failure: None
    done: int = 0
    errors: list[SourceError] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """A line for each source that could not be read."""
        return [str(error) for error in self.errors]

    def fail(self, error: SourceError) -> None:
        """Note a source that could not be read."""
        self.errors.append(error)
        self.tell(str(error))


def collect_sources(arguments: Sequence[str], recursive: bool, report: RunReport) -> list[SourceRef]:
    """All sources of the arguments, each once; what cannot be found is noted in ``report``."""
    refs: dict[SourceRef, None] = {}
    for argument in arguments:
        try:
            refs |= dict.fromkeys(find_sources(argument, recursive))
        except SourceError as error:
            report.fail(error)
    return list(refs)


def run_sources(
    refs: Iterable[SourceRef],
    detector: SmileDetector,
    sinks: Sequence[Sink],
    report: RunReport,
    watch: Observer = lambda _reading, _source, items: items,
    max_frames: int | None = None,
    options: SourceOptions | None = None,
) -> None:
    """Read sources one after another.

    Args:
        refs: what to read.
        detector: that reads.
        sinks: that are told; they are closed at the end, also after an error or interrupt.
        report: filled with how it went.
        watch: sees what each source gives go by, and may end the whole by raising ``Enough``.
        max_frames: stop each source after so many.
        options: how sources are opened.

    Raises:
        OutputError: a sink cannot write.
    """
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        for ref in refs:
            try:
                with open_source(ref, options or SourceOptions()) as source, _told(sinks, source):
                    _read(source, detector, sinks, watch, max_frames)
                report.done += 1
            except SourceError as error:
                report.fail(error)
            except StopRun:
                report.done += 1
                return


def _read(
    source: Source, detector: SmileDetector, sinks: Sequence[Sink], watch: Observer, max_frames: int | None
) -> None:
    reading = detector.reading(source)
    due = STATS_SECONDS
    try:
        for item in watch(reading, source, _limited(reading, max_frames)):
            _tell(sinks, item)
            if source.live and not isinstance(item, Event) and (item[1].time or 0.0) >= due:
                _notify_stats(sinks, reading.stats())
                due = (item[1].time or 0.0) + STATS_SECONDS
    finally:
        for event in reading.close():
            _tell(sinks, event)
        if source.live:
            _notify_stats(sinks, reading.stats())


def _limited(items: Iterable[StreamItem], frames: int | None) -> Iterator[StreamItem]:
    """The items up to a number of frames."""
    if frames is None:
        yield from items
        return
    for item in items:
        yield item
        frames -= not isinstance(item, Event)
        if frames == 0:
            return


def _tell(sinks: Sequence[Sink], item: StreamItem) -> None:
    """Give every sink a frame and then its events, or an event between frames."""
    events = (item,) if isinstance(item, Event) else item[1].events
    for sink in sinks:
        if not isinstance(item, Event):
            sink.write(*item)
        for event in events:
            sink.event(event)


def _notify_stats(sinks: Sequence[Sink], stats: StreamStats) -> None:
    for sink in sinks:
        sink.stats(stats)


@contextmanager
def _told(sinks: Sequence[Sink], source: Source) -> Iterator[None]:
    """Tell every sink of the begin and, whatever happens, of the end."""
    with ExitStack() as stack:  # calls every one, also when another fails
        for sink in sinks:
            sink.begin(source)
            stack.callback(sink.end)
        yield
