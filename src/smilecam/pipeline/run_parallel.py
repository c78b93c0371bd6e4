"""Reading several sources side by side into sinks: cameras above all."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from smilecam.errors import SourceError
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.run_sources import STATS_SECONDS, Opener, RunReport, StopRun, deliver
from smilecam.pipeline.stream_item import StreamItem
from smilecam.sinks.base import Sink
from smilecam.sources.base import Source, SourceOptions, SourceRef
from smilecam.sources.open import needs_main_thread, open_source
from smilecam.types import StreamStats

WAITING_ITEMS = 8
"""Results that wait for the sinks, of all sources together; a source whose results wait drops frames meanwhile."""

POLL_SECONDS = 0.5
"""On Windows, no signal interrupts a wait, so waits are short."""


class ParallelOutputs(NamedTuple):
    """Where the results of sources go that are read side by side.

    Attributes:
        shared: sinks that take the results of all; ``begin`` comes whenever the source changes.
        of_source: makes the sinks of one source.
    """

    shared: Sequence[Sink]
    of_source: Callable[[SourceRef], Sequence[Sink]]


class _Message(NamedTuple):
    """What a source's thread hands over: an item or statistics, or that the source was opened or has ended."""

    reader: _Reader
    item: StreamItem | None = None
    stats: StreamStats | None = None
    ended: bool = False


@dataclass
class _Reader:
    """One source, read by a thread of its own."""

    ref: SourceRef
    detector: SmileDetector
    messages: queue.Queue[_Message]
    options: SourceOptions
    opener: Opener
    keep_images: bool
    max_frames: int | None
    source: Source | None = None
    run: SourceRun | None = None
    error: BaseException | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Open the source, here if it must be, and start the thread."""
        if needs_main_thread(self.ref):
            try:
                self.source = self.opener(self.ref, self.options)
            except SourceError as error:
                self.error = error
        threading.Thread(target=self._work, name=f"smilecam {self.ref.name}", daemon=True).start()

    def stop(self) -> None:
        """Read no further frame; the last events still come."""
        self.stopped.set()
        if self.run is not None:
            self.run.stop()
        if self.source is not None:
            self.source.close()  # it may be waiting for a frame that never comes

    def _work(self) -> None:
        try:
            if self.error is None:
                self._read()
        except BaseException as error:  # noqa: BLE001 - the thread's edge: raised where the messages are taken
            self.error = error
        self.messages.put(_Message(self, ended=True))

    def _read(self) -> None:
        with ExitStack() as stack:
            self.source = source = self.source or self.opener(self.ref, self.options)
            stack.enter_context(source)
            self.messages.put(_Message(self))
            self.run = run = stack.enter_context(self.detector.run(source, keep_images=self.keep_images))
            due, left = STATS_SECONDS, self.max_frames
            for item in run:
                self.messages.put(_Message(self, item))
                left = None if left is None else left - (item.result is not None)
                if left == 0 or self.stopped.is_set():
                    break
                if source.live and (item.time or 0.0) >= due:
                    self.messages.put(_Message(self, stats=run.stats()))
                    due = (item.time or 0.0) + STATS_SECONDS
            run.stop()
            for item in run:
                self.messages.put(_Message(self, item))
            if source.live:
                self.messages.put(_Message(self, stats=run.stats()))


def run_parallel(
    refs: Sequence[SourceRef],
    detector: SmileDetector,
    outputs: ParallelOutputs,
    report: RunReport,
    observe: Callable[[StreamItem], None] = lambda _item: None,
    max_frames: int | None = None,
    options: SourceOptions | None = None,
    opener: Opener = open_source,
) -> list[Sink]:
    """Read sources side by side. All sinks are called in the calling thread.

    Args:
        refs: what to read.
        detector: that processes the frames of all, a few at a time (``FairGate``).
        outputs: where results go; they are closed at the end, also after an error or interrupt.
        report: filled with how it went.
        observe: sees every item, and may end everything by raising ``StopRun``.
        max_frames: stop each source after so many.
        options: how sources are opened.
        opener: opens each source.

    Returns:
        All sinks, which know the files that they wrote.

    Raises:
        OutputError: a sink cannot write.
    """
    sinks = {ref: outputs.of_source(ref) for ref in refs}
    everyone = [*outputs.shared, *(sink for of_source in sinks.values() for sink in of_source)]
    messages: queue.Queue[_Message] = queue.Queue(WAITING_ITEMS)
    keep_images = any(sink.uses_images for sink in everyone)
    readers = [
        _Reader(ref, detector, messages, options or SourceOptions(), opener, keep_images, max_frames) for ref in refs
    ]
    delivery = _Delivery(outputs.shared, sinks, report)
    with ExitStack() as stack:
        for sink in everyone:
            stack.callback(sink.close)
        stack.callback(delivery.drain, messages)
        for reader in readers:
            stack.callback(reader.stop)
            reader.start()
            delivery.open += 1
        try:
            while delivery.open:
                message = _take(messages)
                if message is not None:
                    delivery.take(message)
                    if message.item is not None:
                        observe(message.item)
        except StopRun:
            pass
    return everyone


def _take(messages: queue.Queue[_Message]) -> _Message | None:
    try:
        return messages.get(timeout=POLL_SECONDS)
    except queue.Empty:
        return None


class _Delivery:
    """Hands messages to sinks.

    Attributes:
        open: readers that have not ended.
    """

    def __init__(self, shared: Sequence[Sink], sinks: dict[SourceRef, Sequence[Sink]], report: RunReport) -> None:
        self._shared, self._sinks, self._report = shared, sinks, report
        self._newest: Source | None = None
        self.open = 0

    def take(self, message: _Message) -> None:
        """Deliver a message."""
        reader, own = message.reader, self._sinks[message.reader.ref]
        if message.ended:
            self._end(reader, own)
            return
        if reader.source is not None and reader.source is not self._newest:
            self._newest = reader.source
            for sink in self._shared:
                sink.begin(reader.source)
        sinks = [*own, *self._shared]
        if message.item is not None:
            deliver(sinks, message.item)
        elif message.stats is not None:
            for sink in sinks:
                sink.stats(message.stats)
        elif reader.source is not None:
            for sink in own:
                sink.begin(reader.source)

    def _end(self, reader: _Reader, own: Sequence[Sink]) -> None:
        self.open -= 1
        if reader.source is not None:
            for sink in own:
                sink.end()
        if isinstance(reader.error, SourceError):
            self._report.fail(reader.error)
        elif reader.error is not None:
            raise reader.error
        else:
            self._report.done += 1

    def drain(self, messages: queue.Queue[_Message]) -> None:
        """Deliver what stopped readers still give: the ends of the smiles that were open.

        Where that fails, the rest is taken all the same, so that the readers end.
        """
        failure: BaseException | None = None
        while self.open:
            message = _take(messages)
            if message is None:
                continue
            before = self.open
            try:
                if failure is None or message.ended:
                    self.take(message)
            except Exception as error:  # noqa: BLE001 - raised below
                failure = failure or error
                self.open = before - message.ended
        if failure is not None:
            raise failure
