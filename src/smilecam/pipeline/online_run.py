"""The engine of every online stream: frames go in as they arrive, items come out.

The command line, the server's source, a browser's camera and ``start_stream`` all drive this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

from smilecam.detection.motion import CutDetector
from smilecam.pipeline.components import StreamSetup
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.sampling import FoundFrame, LiveSampler
from smilecam.pipeline.stages import Stage, Unmeasured
from smilecam.pipeline.stats import StatsMeter
from smilecam.pipeline.stream_item import StreamItem
from smilecam.results import FrameResult
from smilecam.sources.base import Counts, Source
from smilecam.sources.frame import Frame
from smilecam.tracking.faces import FaceTracks
from smilecam.tracking.smile_state import Sample
from smilecam.tracking.tracker import Association
from smilecam.types import DetectedFace, Event, StreamStats


class OnlineRun:
    """Processes the frames of one online stream. One thread at a time may use it."""

    def __init__(
        self, source: str, setup: StreamSetup, counts: Counts | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin a stream.

        Args:
            source: name of the stream, for its results.
            setup: of the first frame.
            counts: of the source, which grow while it is read; None where nobody counts.
            clock: monotonic, in seconds; the clock of ``Frame.capture_time``.
        """
        self._source, self._setup, self._clock = source, setup, clock
        self._tracks = FaceTracks(source, setup.threshold, setup.decision)
        self._stages = setup.stages or Unmeasured()
        self._finder = setup.components.online_finder(setup.stages, setup.max_faces)
        self._is_cut, self._sampler = CutDetector(), LiveSampler()
        self._meter = StatsMeter(counts or Counts())

    def process(self, frame: Frame, setup: StreamSetup | None = None) -> StreamItem:
        """Process the next frame.

        Args:
            frame: its number and time only grow.
            setup: to process it by, and the following ones; None for the one in force. Tracks and states stay.
        """
        if setup is not None and setup is not self._setup:
            self._change(setup)
        with self._setup.gate or nullcontext():
            result = self._process(frame, 1.0 if self._setup.gate is None else self._setup.gate.strain)
        self._meter.result(self._clock(), frame.capture_time)
        return StreamItem.of_frame(frame, result)

    def _process(self, frame: Frame, strain: float) -> FrameResult:
        """Process a frame; where there is a strain, known faces are re-detected and read more rarely."""
        measure = self._stages.measure
        with measure(Stage.DECODE):
            grey = frame.grey
        with measure(Stage.CUT):
            is_cut = self._is_cut(grey)
        if is_cut:
            self._finder.reset()
            self._tracks.cut()
        with measure(Stage.FOLLOW):
            faces = self._finder(grey, strain)
        with measure(Stage.STATES):
            association = self._tracks.associate(frame.time or 0.0, faces)
        with measure(Stage.READ):
            samples = self._sample(frame, faces, association, strain)
        with measure(Stage.STATES):
            result = self._tracks.update(frame.number, association, faces, samples)
        self._stages.count()
        return result

    def _sample(
        self, frame: Frame, faces: Sequence[DetectedFace], association: Association, strain: float
    ) -> list[Sample]:
        setup = self._setup
        found = FoundFrame(frame, association.time, faces, association.tracks)
        return self._sampler(
            found,
            setup.components.classify_faces,
            setup.threshold,
            every_frame=setup.every_frame,
            strain=strain,
        )

    def finish(self) -> StreamItem | None:
        """End the stream: the ends of the smiles that were open, if any."""
        self.close()
        events = self._tracks.end()
        return StreamItem.of_events(self._source, *events) if events else None

    def close(self) -> None:
        """End a stream whose last events nobody wants; any thread may call it, also while a frame is processed.

        Its detection is dropped if it still waits: it would take time from other streams.
        """
        self._finder.close()

    def stats(self) -> StreamStats:
        """Rates, latency and counts so far."""
        return self._meter.stats()

    def _change(self, setup: StreamSetup) -> None:
        if setup.components.detector != self._setup.components.detector:
            self._finder = setup.components.online_finder(setup.stages, setup.max_faces)
        if setup.components is not self._setup.components:
            self._sampler = LiveSampler()  # another network has other probabilities
        self._tracks.update_settings(setup.threshold, setup.decision)
        self._setup = setup


class OnlineSourceRun(SourceRun):
    """An online stream: each frame by itself and at once."""

    def __init__(self, source: Source, setup: Callable[[], StreamSetup]) -> None:
        """Prepare.

        Args:
            source: open, live.
            setup: asked before each frame how to process it.
        """
        super().__init__(source)
        self._setup = setup
        self._run = OnlineRun(source.ref.name, setup(), source.counts)

    def stats(self) -> StreamStats:
        """Rates, latency and counts so far."""
        return self._run.stats()

    def _process(self) -> Iterator[StreamItem]:
        for frame in self._source:
            if isinstance(frame, Event):
                yield StreamItem.of_events(frame.source, frame)
            else:
                yield self._run.process(frame, self._setup())

    def _finish(self) -> StreamItem | None:
        return self._run.finish()
