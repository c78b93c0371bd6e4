"""Reading any number of sources into any number of sinks; one failing source does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice

from smilecam.errors import SourceError
from smilecam.outputs.sink import Sink
from smilecam.pipeline import SmileDetector
from smilecam.types import FrameResult
from smilecam.video.sources import Frame, Source, SourceRef, find_sources, open_source

Watch = Callable[[Source, Iterable[tuple[Frame, FrameResult]]], Iterable[tuple[Frame, FrameResult]]]
"""Lets a progress bar see the frames of a source go by."""


@dataclass(slots=True)
class Outcome:
    """How a session went.

    Attributes:
        tell: told at once of each source that could not be read.
        done: sources read to their end.
        failed: a line for each source that could not be read.
    """

    tell: Callable[[str], None] = lambda _failure: None
    done: int = 0
    failed: list[str] = field(default_factory=list)

    def fail(self, error: SourceError) -> None:
        """Note a source that could not be read."""
        self.failed.append(str(error))
        self.tell(str(error))


def collect_sources(arguments: Sequence[str], recursive: bool, outcome: Outcome) -> list[SourceRef]:
    """All sources of the arguments, each once; what cannot be found is noted in ``outcome``."""
    refs: dict[SourceRef, None] = {}
    for argument in arguments:
        try:
            refs |= dict.fromkeys(find_sources(argument, recursive))
        except SourceError as error:
            outcome.fail(error)
    return list(refs)


def read_sources(
    refs: Iterable[SourceRef],
    detector: SmileDetector,
    sinks: Sequence[Sink],
    outcome: Outcome,
    watch: Watch = lambda _source, frames: frames,
    max_frames: int | None = None,
) -> None:
    """Read sources one after another.

    Args:
        refs: what to read.
        detector: that reads.
        sinks: that are told; they are closed at the end, also after an error or interrupt.
        outcome: filled with how it went.
        watch: wraps each source's frames.
        max_frames: stop each source after so many.

    Raises:
        OutputError: a sink cannot write.
    """
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        for ref in refs:
            try:
                with open_source(ref) as source, _told(sinks, source):
                    for frame, result in watch(source, islice(detector.analyze(source), max_frames)):
                        for sink in sinks:
                            sink.write(frame, result)
                outcome.done += 1
            except SourceError as error:
                outcome.fail(error)


@contextmanager
def _told(sinks: Sequence[Sink], source: Source) -> Iterator[None]:
    """Tell every sink of the begin and, whatever happens, of the end."""
    with ExitStack() as stack:  # calls every one, also when another fails
        for sink in sinks:
            sink.begin(source)
            stack.callback(sink.end)
        yield
