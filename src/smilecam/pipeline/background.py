"""Reading a stream beside a program's own work: ``smilecam.start_stream``."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from smilecam.errors import SourceEmpty
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import StreamItem, StreamRun
from smilecam.pipeline.run_sources import RunReport, StopRun, run_sources
from smilecam.sinks.base import Sink
from smilecam.sinks.callbacks import Callbacks, OnEvent, OnFrame
from smilecam.sources.base import Source, SourceOptions, SourceRef
from smilecam.sources.resolve import camera_ref, find_sources
from smilecam.sources.threaded import ThreadedSource

STOP_SECONDS = 2.0


def start_stream(
    source: str | Path | int,
    on_frame: OnFrame | None = None,
    on_event: OnEvent | None = None,
    detector: SmileDetector | None = None,
    options: SourceOptions | None = None,
) -> StreamHandle:
    """Read a source in a thread, and call functions with what is seen.

    The functions are called one at a time in another thread and may take their time: the stream does not wait, frames
    that come meanwhile are left out but for the newest.

    >>> with smilecam.start_stream(0, on_event=print) as handle:
    ...     handle.wait(60)

    Args:
        source: what ``smilecam detect`` takes: a path, an address, or the index of a camera.
        on_frame: called with each ``Frame`` (its ``image`` is uint8 blue-green-red) and its ``FrameResult``.
        on_event: called with each ``Event``.
        detector: by default one with default settings.
        options: how the source is opened.

    Raises:
        SourceError: there is no such source, or it names several. What goes wrong later is raised by ``wait``.
    """
    refs = [camera_ref(source)] if isinstance(source, int) else find_sources(source)
    if len(refs) != 1:
        raise SourceEmpty(f"{source} is not one picture, video or camera")
    return StreamHandle(refs[0], Callbacks(on_frame, on_event), detector or SmileDetector(), options)


class StreamHandle(Sink):
    """A source that is being read. Leaving its ``with`` block stops it."""

    def __init__(
        self, ref: SourceRef, callbacks: Callbacks, detector: SmileDetector, options: SourceOptions | None
    ) -> None:
        """Start reading."""
        self._ref, self._callbacks, self._detector, self._options = ref, callbacks, detector, options
        self._stopped = threading.Event()
        self._source: Source | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="smilecam-stream", daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the source has ended, or for so long at most.

        Returns:
            Whether it has ended.

        Raises:
            SourceError: it failed.
            Exception: what one of the functions raised.
        """
        self._thread.join(seconds)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End the reading; the functions get what was seen until now."""
        self._stopped.set()
        if isinstance(self._source, ThreadedSource):  # it may wait for a frame that never comes
            self._source.close()
        self._thread.join(STOP_SECONDS)

    def begin(self, source: Source) -> None:
        """Keep the source, to be able to close it."""
        self._source = source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Stop; raises what ``wait`` would, unless the block itself failed."""
        self.stop()
        if kind is None:
            self.wait(0)

    def _run(self) -> None:
        report = RunReport()
        try:
            sinks = [self, self._callbacks]
            run_sources([self._ref], self._detector, sinks, report, self._until_stopped, options=self._options)
        except BaseException as error:  # noqa: BLE001 - a thread's edge: raised by wait
            self._failure = error
        if report.errors and not self._stopped.is_set():
            self._failure = report.errors[0]

    def _until_stopped(self, _reading: StreamRun, _source: Source, items: Iterable[StreamItem]) -> Iterator[StreamItem]:
        for item in items:
            if self._stopped.is_set():
                raise StopRun
            yield item
