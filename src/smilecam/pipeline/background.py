"""A stream that is read beside a program's own work: ``smilecam.start_stream``."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from smilecam.errors import SourceError, UsageProblem
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.run_sources import RunReport, StopRun, run_sources
from smilecam.pipeline.stream_item import StreamItem
from smilecam.sinks.callbacks import Callbacks, OnEvent, OnFrame
from smilecam.sources.base import DEFAULT_OPTIONS, Source, SourceOptions, SourceRef
from smilecam.sources.open import needs_main_thread, open_source
from smilecam.sources.resolve import single_source
from smilecam.types import StreamStats

STOP_SECONDS = 2.0
"""So long ``stop`` waits for the thread."""


def start_stream(
    source: str | Path | int,
    on_frame: OnFrame | None = None,
    on_event: OnEvent | None = None,
    detector: SmileDetector | None = None,
    options: SourceOptions = DEFAULT_OPTIONS,
) -> StreamHandle:
    """Read a source in a thread, and call functions with what is seen.

    On macOS a camera is opened in the calling thread, which is to be the main one: permission is asked for only there.

    The functions are called one at a time in another thread and may take their time: the stream does not wait, frames
    that come meanwhile are left out but for the newest.

    >>> with smilecam.start_stream(0, on_event=print) as handle:
    ...     handle.wait(60)

    Args:
        source: what ``smilecam detect`` takes: a path, an address, or the index of a camera.
        on_frame: called with each ``Frame`` (its ``image`` is uint8 blue-green-red) and its ``FrameResult``.
        on_event: called with each ``Event``.
        detector: stays open; by default one of its own with default settings, which ends with the stream.
        options: how the source is opened.

    Raises:
        SourceError: there is no such source, or it names several. What goes wrong later is raised by ``wait``.
    """
    return StreamHandle(single_source(source), Callbacks(on_frame, on_event), detector, options)


class StreamHandle:
    """A source that is being read. Leaving its ``with`` block stops it."""

    def __init__(
        self, ref: SourceRef, callbacks: Callbacks, detector: SmileDetector | None, options: SourceOptions
    ) -> None:
        """Start reading; see ``start_stream``."""
        self._ref, self._callbacks, self._detector, self._options = ref, callbacks, detector, options
        self._stopped = threading.Event()
        self._run: SourceRun | None = None
        self._source: Source | None = None
        self._open_error: SourceError | None = None
        if needs_main_thread(ref):
            self._open_here()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="smilecam-stream", daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the source has ended and the functions have taken what it gave, or for so long at most.

        After ``stop`` the functions are waited for only a moment.

        Args:
            seconds: at most; None for as long as it takes.

        Returns:
            Whether all that has ended.

        Raises:
            SourceError: it failed.
            UsageProblem: one of the stream's own functions called this: it would wait for itself.
            Exception: what one of the functions raised.
        """
        if self._callbacks.runs_here():
            raise UsageProblem("wait() in a function of the stream would wait for itself: call stop() there")
        self._thread.join(seconds)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if self._thread.is_alive():  # the stream itself ends by what a function raises
            return False
        self._callbacks.raise_failure()
        return True

    def stop(self) -> None:
        """End the reading; the functions get what was seen until now. One of them may call this itself."""
        self._stopped.set()
        self._callbacks.limit_drain()
        # The source may wait for a frame that never comes. Closing it takes a moment, which a function does not wait.
        closing = threading.Thread(target=self._close_source, name="smilecam-stop", daemon=True)
        closing.start()
        if not self._callbacks.runs_here():
            self._thread.join(STOP_SECONDS)

    def stats(self) -> StreamStats:
        """Rates, latency and counts so far; zeros until the source is open."""
        return StreamStats(0, 0, 0, 0, 0.0, 0.0, None) if self._run is None else self._run.stats()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Stop; raises what ``wait`` would, unless the block itself failed."""
        self.stop()
        if kind is None:
            self.wait(0)

    def _open_here(self) -> None:
        try:
            self._source = open_source(self._ref, self._options)
        except SourceError as error:  # raised by wait, as on other systems
            self._open_error = error

    def _open(self, ref: SourceRef, options: SourceOptions) -> Source:
        if self._open_error is not None:
            raise self._open_error
        return open_source(ref, options) if self._source is None else self._source

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.close()

    def _work(self) -> None:
        report = RunReport()
        try:
            with ExitStack() as stack:
                stack.callback(self._close_source)  # it may be open already, and the detector fail to load
                detector = self._detector or stack.enter_context(SmileDetector())
                run_sources(
                    [self._ref],
                    detector,
                    [self._callbacks],
                    report,
                    self._observe,
                    options=self._options,
                    opener=self._open,
                )
        except BaseException as error:  # noqa: BLE001 - a thread's edge: raised by wait
            self._failure = error
        if report.errors and not self._stopped.is_set():
            self._failure = report.errors[0]

    def _observe(self, run: SourceRun, source: Source, items: Iterable[StreamItem]) -> Iterator[StreamItem]:
        self._run, self._source = run, source
        if self._stopped.is_set():  # stop() came before there was a source to cancel
            raise StopRun
        for item in items:
            if self._stopped.is_set():
                raise StopRun
            yield item
