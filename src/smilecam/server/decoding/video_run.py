"""An uploaded video from its file to its results, in a worker process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from smilecam.errors import SmilecamError, SourceError, SourceTooLarge
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import SourceRun
from smilecam.pipeline.run_sources import RunReport, run_sources
from smilecam.pipeline.stream_item import StreamItem
from smilecam.server.decoding.confine import confine
from smilecam.server.decoding.preview import Preview
from smilecam.server.decoding.video_messages import Answer, Failed, Progress, Refused, VideoTask
from smilecam.server.problems import Problem
from smilecam.server.security.limits import Limits
from smilecam.sinks.base import Sink
from smilecam.sinks.csv import CsvTable
from smilecam.sinks.jsonl import JsonLines
from smilecam.sinks.webvtt import WebVtt
from smilecam.sources.base import Kind, Source, SourceRef
from smilecam.sources.open import open_source

MEMORY_BYTES = 1536 * 2**20
"""For frames of 25 megapixels: those that are decoded ahead, and those that a decoder with many threads holds."""

PROGRESS_SECONDS = 0.1


def process(task: VideoTask, send: Callable[[Answer], None]) -> None:
    """Process a video.

    Args:
        task: what is to be done.
        send: called with the progress on the way, and with the answer at the end.
    """
    confine(MEMORY_BYTES)
    try:
        answer: Answer = VideoRun(task, send).run()
    except Problem as problem:
        answer = Refused(problem.status, problem.code, str(problem))
    except MemoryError:
        answer = Refused(413, "too_large", "Processing the video needs too much memory.")
    except SmilecamError as error:
        answer = Failed(str(error))
    except Exception as error:  # noqa: BLE001 - the outermost function of a process: the server reports it
        answer = Failed(f"internal error, {type(error).__name__}")
    send(answer)


class VideoRun:
    """The run over one video."""

    def __init__(self, task: VideoTask, send: Callable[[Progress], None]) -> None:
        """Prepare."""
        self._task, self._limits, self._send = task, task.limits, send
        self._progress = Progress()
        self._due = 0.0

    def run(self) -> Progress:
        """Process all frames and write all results.

        Raises:
            Problem: the video is refused.
            SmilecamError: the results cannot be written, or the model cannot be loaded.
        """
        ref = SourceRef(self._task.name, Kind.VIDEO, self._task.video)
        report = RunReport()
        try:
            source = open_source(ref)
        except SourceError as error:
            raise self._refusal(error) from error
        with source:
            self._check_length(source)
            # The file is opened first: most that is no video is refused without a network having been loaded.
            with self._task.choice.make_detector() as detector:
                self._run_sources(ref, source, detector, report)
        if report.errors:
            raise self._refusal(report.errors[0])
        if not self._progress.frames:
            raise unreadable()
        return replace(self._progress, length=self._progress.length or self._progress.seconds, done=True)

    def _run_sources(self, ref: SourceRef, source: Source, detector: SmileDetector, report: RunReport) -> None:
        results = self._task.results
        sinks: list[Sink] = [
            JsonLines(str(results["jsonl"])),
            CsvTable(str(results["csv"])),
            WebVtt({ref: results["vtt"]}),
        ]
        if self._task.preview is not None:
            sinks.append(Preview(self._task.preview, self._limits.preview_bytes))
        run_sources([ref], detector, sinks, report, self._bounded, opener=lambda _ref, _options: source)

    def _refusal(self, error: SourceError) -> Problem:
        return too_many_pixels(self._limits) if isinstance(error, SourceTooLarge) else unreadable()

    def _check_length(self, source: Source) -> None:
        length = source.expected / source.fps if source.expected and source.fps else None
        self._progress = Progress(expected=source.expected, length=length)
        if (length or 0.0) > self._limits.video_seconds * 1.02 or (source.expected or 0) > self._limits.video_frames:
            raise too_long(self._limits)

    def _bounded(self, _run: SourceRun, _source: Source, items: Iterable[StreamItem]) -> Iterator[StreamItem]:
        """Pass the items on, tell the progress, and enforce the limits."""
        limits = self._limits
        for item in items:
            if item.source_frame is not None:
                if math.prod(item.source_frame.shape) > limits.pixels:
                    raise too_many_pixels(limits)
                frames, seconds = self._progress.frames + 1, item.time or 0.0
                height, width = item.source_frame.shape
                size = self._progress.size or (width, height)
                self._progress = replace(self._progress, frames=frames, seconds=seconds, size=size)
                if seconds > limits.video_seconds or frames > limits.video_frames:
                    raise too_long(limits)
                self._notify()
            yield item

    def _notify(self) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + PROGRESS_SECONDS
            self._send(self._progress)


def too_long(limits: Limits) -> Problem:
    """A video over the limits."""
    return Problem(
        413, "too_long", f"A video may have at most {limits.video_seconds} seconds and {limits.video_frames:,} frames."
    )


def too_many_pixels(limits: Limits) -> Problem:
    """A video of large frames."""
    return Problem(413, "too_many_pixels", f"The video has more than {limits.pixels:,} pixels a frame.")


def unreadable() -> Problem:
    """A file that is not a video."""
    return Problem(422, "bad_video", "The file is not a video that can be decoded.")
