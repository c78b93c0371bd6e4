"""Reading several sources side by side into sinks: cameras above all."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple

from smilecam.errors import SourceError
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.run_sources import STATS_SECONDS, Opener, RunReport, StopRun, deliver
from smilecam.pipeline.stages import Stage, Stages
from smilecam.pipeline.stream_item import StreamItem
from smilecam.sinks.base import Sink
from smilecam.sources.base import Source, SourceOptions, SourceRef
from smilecam.sources.open import needs_main_thread, open_source
from smilecam.types import StreamStats

WAITING_ITEMS = 8
"""Results that wait for the sinks, of all sources together; a source whose results wait drops frames meanwhile."""

POLL_SECONDS = 0.5
"""On Windows, no signal interrupts a wait, so waits are short."""

LAST_SECONDS = 0.05
"""Between two looks at whether a thread that was stopped has ended."""


class ParallelOutputs(NamedTuple):
    """Where the results of sources go that are read side by side.

    Attributes:
        shared: sinks that take the results of all; ``begin`` comes whenever the source changes.
        of_source: the sinks of each source.
    """

    shared: Sequence[Sink]
    of_source: Mapping[SourceRef, Sequence[Sink]]

    @property
    def sinks(self) -> list[Sink]:
        """All of them."""
        return [*self.shared, *(sink for own in self.of_source.values() for sink in own)]


class _Message(NamedTuple):
    """What a source's thread hands over: an item or statistics, or that the source was opened or has ended."""

    reader: _Reader
    item: StreamItem | None = None
    stats: StreamStats | None = None
    ended: bool = False


@dataclass(eq=False)
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
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the source, here if it must be, and start the thread."""
        if needs_main_thread(self.ref):
            try:
                self.source = self.opener(self.ref, self.options)
            except SourceError as error:
                self.error = error
        self._thread = threading.Thread(target=self._work, name="smilecam-reader", daemon=True)
        self._thread.start()

    @property
    def gives_more(self) -> bool:
        """Whether messages may still come: not from one that was stopped while it was being opened."""
        with self._lock:
            opening = self.source is None and self.stopped.is_set()
        return self._thread is not None and self._thread.is_alive() and not opening

    def stop(self) -> None:
        """Read no further frame; the last events still come. Does not wait."""
        with self._lock:
            self.stopped.set()
            source, run = self.source, self.run
        if run is not None:
            run.stop()
        if source is not None:  # it may be waiting for a frame that never comes, and closing it takes a moment
            threading.Thread(target=source.close, name="smilecam-stop", daemon=True).start()

    def _work(self) -> None:
        try:
            if self.error is None:
                self._read()
        except SourceError as error:
            if not self.stopped.is_set():  # one that is closed in the middle may fail by that
                self.error = error
        except BaseException as error:  # noqa: BLE001 - the thread's edge: raised where the messages are taken
            self.error = error
        if self.source is not None or not self.stopped.is_set():
            self.messages.put(_Message(self, ended=True))

    def _read(self) -> None:
        with ExitStack() as stack:
            source = stack.enter_context(self.source or self.opener(self.ref, self.options))
            with self._lock:
                if self.stopped.is_set() and self.source is None:  # nobody takes its messages any more
                    return
                self.source = source
            self.messages.put(_Message(self))
            run = stack.enter_context(self.detector.run(source, keep_images=self.keep_images))
            with self._lock:
                self.run = run
            self._give(source, run)

    def _give(self, source: Source, run: SourceRun) -> None:
        due, left = STATS_SECONDS, self.max_frames
        while not self.stopped.is_set() and left != 0 and (item := next(run, None)) is not None:
            self.messages.put(_Message(self, item))
            left = None if left is None else left - (item.result is not None)
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
) -> None:
    """Read sources side by side. All sinks are called in the calling thread.

    Args:
        refs: what to read.
        detector: that processes the frames of all; those of live sources take turns (``FairGate``).
        outputs: where results go; they are closed at the end, also after an error or interrupt.
        report: filled with how it went.
        observe: sees every item, and may end everything by raising ``StopRun``.
        max_frames: stop each source after so many.
        options: how sources are opened.
        opener: opens each source.

    Raises:
        OutputError: a sink cannot write.
    """
    messages: queue.Queue[_Message] = queue.Queue(WAITING_ITEMS)
    keep_images = any(sink.uses_images for sink in outputs.sinks)
    readers = [
        _Reader(ref, detector, messages, options or SourceOptions(), opener, keep_images, max_frames) for ref in refs
    ]
    delivery = _Delivery(outputs, report, detector.stages)
    with ExitStack() as stack:
        for sink in outputs.sinks:
            stack.callback(sink.close)
        stack.callback(delivery.drain, messages)
        for reader in readers:
            delivery.open.append(reader)
            stack.callback(reader.stop)
            reader.start()
        try:
            while delivery.open:
                message = _take(messages, POLL_SECONDS)
                if message is not None:
                    delivery.take(message)
                    if message.item is not None:
                        observe(message.item)
        except StopRun:
            pass


def _take(messages: queue.Queue[_Message], seconds: float) -> _Message | None:
    try:
        return messages.get(timeout=seconds)
    except queue.Empty:
        return None


class _Delivery:
    """Hands messages to sinks.

    Attributes:
        open: readers that have not ended.
    """

    def __init__(self, outputs: ParallelOutputs, report: RunReport, stages: Stages | None) -> None:
        self._shared, self._sinks, self._report = outputs.shared, outputs.of_source, report
        self._stages = stages
        self._newest: Source | None = None
        self._begun: list[_Reader] = []
        self._cut_off: _Reader | None = None  # whose message is being delivered
        self.open: list[_Reader] = []

    def take(self, message: _Message) -> None:
        """Deliver a message."""
        if message.ended:
            self._end(message.reader)
            return
        self._cut_off = message.reader
        with nullcontext() if self._stages is None else self._stages.measure(Stage.WRITE):
            self._deliver(message)
        self._cut_off = None

    def _deliver(self, message: _Message) -> None:
        reader, own = message.reader, self._sinks[message.reader.ref]
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
            self._begun.append(reader)
            for sink in own:
                sink.begin(reader.source)

    def _end(self, reader: _Reader) -> None:
        self.open.remove(reader)
        with ExitStack() as stack:  # calls every one, also when another fails
            for sink in self._sinks[reader.ref] if reader in self._begun else ():
                stack.callback(sink.end)
        if isinstance(reader.error, SourceError):
            self._report.fail(reader.error)
        elif reader.error is not None:
            raise reader.error
        elif reader in self._begun:
            self._report.done += 1

    def drain(self, messages: queue.Queue[_Message]) -> None:
        """Deliver what stopped readers still give: the ends of the smiles that were open.

        Where that fails, the rest is taken all the same, so that the readers end. One that is still being opened is
        not waited for; its source is closed as soon as it is open.
        """
        failure: BaseException | None = None
        cut_off = self._cut_off
        for message in self._last(messages):
            if failure is not None and not message.ended:
                continue
            if message.reader is cut_off and message.item is not None:  # after a frame that some sinks have not got
                message = message._replace(item=StreamItem.of_events(message.item.source, *message.item.events))
            try:
                self.take(message)
            except Exception as error:  # noqa: BLE001 - raised below
                failure = failure or error
        if failure is not None:
            raise failure

    def _last(self, messages: queue.Queue[_Message]) -> Iterator[_Message]:
        """The messages until no reader gives more; an end that an interrupt has swallowed is given again."""
        while any(reader.gives_more for reader in self.open) or not messages.empty():
            if (message := _take(messages, LAST_SECONDS)) is not None and message.reader in self.open:
                yield message
        for reader in list(self.open):
            yield _Message(reader, ended=True)
