"""Pieces of a long video: each is read by another worker, and the results are joined as those of one piece.

A piece is decoded from the last key frame at least ``WARM_UP_SECONDS`` before its start, so that the faces that are
there at its start are known by then, and for ``WINDOW_SECONDS`` beyond its end. Its result has the faces of each frame.
Tracks, smiles and events are made when all pieces are joined: from the faces of the whole video in order, as if it had
been read in one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from smilecam.errors import SourceUnreadable
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run import WINDOW_PIXELS, OfflineRun, SourceRun
from smilecam.pipeline.stream_item import StreamItem
from smilecam.results import FrameResult
from smilecam.scan.record import read_rows
from smilecam.scan.rows import Row
from smilecam.scan.task import Piece, ScanSettings
from smilecam.scan.video_rows import VideoRows
from smilecam.sources.base import Source, SourceOptions
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.sources.pyav import TOLERATED_SHARE, AvSource
from smilecam.sources.resolve import single_source
from smilecam.tracking.offline import OfflineSettings
from smilecam.tracking.offline_faces import OfflineFaceTracks
from smilecam.tracking.smile_state import Sample
from smilecam.types import Box, DetectedFace, Event

WARM_UP_SECONDS = 5.0
"""Faces are detected in the whole image at its beginning, and again after three seconds (``OfflineSettings``)."""

WINDOW_SECONDS = 0.7
"""What is found and read in a frame depends on the rest of its window, which is shorter than this from five frames a
second on."""

MIN_LAST_SHARE = 0.5
"""A rest shorter than this share of a piece belongs to the piece before it."""

SHAPE, FACES, ABOUT = "shape", "faces", "about"
"""Tables in the result of a piece."""


class PieceSource(Source):
    """The frames of a piece, and those around it on which its faces depend."""

    live = False

    def __init__(self, source: AvSource, piece: Piece) -> None:
        """Take over an open video.

        Raises:
            SourceUnreadable: it cannot be read from the middle.
        """
        self.ref, self.counts, self.fps = source.ref, source.counts, source.fps
        self.expected, self.missing = None, 0
        self._source, self._piece = source, piece
        self._corrupt: tuple[int, int | None] | None = None
        begin = piece.start - WARM_UP_SECONDS
        if begin > 0 and not source.begin_at(begin):
            source.close()
            raise SourceUnreadable(f"{source.ref.name} cannot be read from its middle")

    def __iter__(self) -> Iterator[Frame | Event]:
        corrupt = 0
        for frame in self._source:
            time = frame.time or 0.0
            if self._corrupt is None and time >= self._piece.start:
                self._corrupt = corrupt, None
            end = self._piece.end
            if end is not None and time >= end:
                if self._corrupt and self._corrupt[1] is None:
                    self._corrupt = self._corrupt[0], corrupt
                if time >= end + WINDOW_SECONDS:
                    return
            corrupt = self.counts.corrupt
            yield frame

    @property
    def corrupt(self) -> int:
        """Corrupt frames of the piece so far; those around it are counted by the pieces beside it."""
        if self._corrupt is None:
            return 0
        before, end = self._corrupt
        return (self.counts.corrupt if end is None else end) - before

    def close(self) -> None:
        """Close the video."""
        self._source.close()


def count_pieces(path: Path, minutes: float, options: SourceOptions) -> int:
    """Into how many pieces a video is to be split: 1 for one that is short, or cannot be read from its middle.

    Args:
        path: of the video.
        minutes: duration of a piece.
        options: how it is opened.

    Raises:
        SourceError: it cannot be opened.
    """
    with open_source(single_source(path), options) as source:
        duration = source.duration if isinstance(source, AvSource) else None
        if not isinstance(source, AvSource) or duration is None:
            return 1
        count, middle = int(duration / (minutes * 60) + 1 - MIN_LAST_SHARE), duration / 2
        if count < 2 or not source.begin_at(middle):
            return 1
        try:
            first = next(iter(source), None)
        except SourceUnreadable:  # cut short before its middle
            return 1
        # Without timestamps of its own, a video would begin at 0 again.
        return count if first is not None and 0 < (first.time or 0.0) <= middle + 1 else 1


def piece_rows(path: Path, piece: Piece, detector: SmileDetector, options: SourceOptions) -> Iterator[Row]:
    """The result of a piece: what is known about the video, then the faces of each frame.

    Args:
        path: of the video.
        piece: of it.
        detector: finds the faces.
        options: how the video is opened.

    Raises:
        SourceError: the video cannot be read.
    """
    opened = open_source(single_source(path), options)
    if not isinstance(opened, AvSource):
        opened.close()
        raise SourceUnreadable(f"{path} is not a video")
    expected, shape = opened.expected, None
    with PieceSource(opened, piece) as source, detector.run(source, keep_images=False, threads=False) as run:
        cuts = run.cuts if isinstance(run, OfflineRun) else set()
        for item in _until_cut_short(run, opened, piece):
            if item.source_frame is None or item.result is None:
                continue
            if shape is None:
                shape = item.source_frame.shape
                yield Row(SHAPE, {"shape": shape})
            if piece.holds(item.time or 0.0):
                faces = [
                    [*face.box, float(face.confidence), float(face.smile), face.interpolated] for face in item.faces
                ]
                yield Row(FACES, {"time": item.time, "cut": item.frame in cuts, "faces": faces})
        about = {"fps": source.fps, "expected": expected, "corrupt": source.corrupt}
        yield Row(ABOUT, about)


def _until_cut_short(run: SourceRun, source: AvSource, piece: Piece) -> Iterator[StreamItem]:
    """What a run gives; nothing from a piece behind the end of a file that was cut short, whose frames are missing."""
    try:
        yield from run
    except SourceUnreadable:
        if source.counts.received or not piece.start:
            raise


def joined_rows(contents: Iterable[bytes], settings: ScanSettings) -> Iterator[Row]:
    """The rows of a video from the results of its pieces.

    Args:
        contents: of the records of all pieces, in order.
        settings: of the scan.
    """
    video, rows = _JoinedVideo(settings), VideoRows(settings.every)
    count = 0
    for content in contents:
        count += 1
        for table, values in read_rows(content):
            if table == FACES:
                for result in video.add(**values):
                    yield from rows.add(StreamItem("", result.events, None, result))
            else:
                video.about |= values | {"corrupt": video.about["corrupt"] + values.get("corrupt", 0)}
    for result in video.finish():
        yield from rows.add(StreamItem("", result.events, None, result))
    if rows.frames:
        expected = video.about["expected"] or 0
        short = expected - rows.frames
        missing = short if short > 1 + TOLERATED_SHARE * expected else 0
        lost = {"corrupt": video.about["corrupt"], "missing": missing}
        yield rows.video_row(tuple(video.about["shape"]), video.about["fps"], lost, count)


class _JoinedVideo:
    """Tracks and smiles from the faces of all frames.

    States are settled at the same frames as in a run, at the ends of windows: what is known of the future by then takes
    part in them.
    """

    def __init__(self, settings: ScanSettings) -> None:
        self._tracks = OfflineFaceTracks("", settings.threshold, settings.decision)
        self._limits = OfflineSettings()
        self._number = 0
        self._window: list[float] = []
        self.about: dict[str, Any] = {"corrupt": 0, "expected": None}

    def add(self, time: float, cut: bool, faces: list[list[float]]) -> Iterator[FrameResult]:
        """Take the next frame: its time in seconds, whether a scene begins with it, and its faces."""
        if cut:
            yield from self._settle()
            self._tracks.cut()
        found = [DetectedFace(Box(*map(int, face[:4])), face[4]) for face in faces]
        samples = [Sample(face[5], interpolated=bool(face[6])) for face in faces]
        self._tracks.add(self._number, self._tracks.associate(time, found), found, samples)
        self._window.append(time)
        if self._number == 0 or self._is_full():
            yield from self._settle()
        self._number += 1

    def finish(self) -> Iterator[FrameResult]:
        """Give the results of the last frames."""
        yield from self._settle()
        yield from self._tracks.finish()

    def _is_full(self) -> bool:
        height, width = self.about["shape"]
        count, seconds = len(self._window), self._window[-1] - self._window[0]
        many_pixels = count * height * width >= WINDOW_PIXELS
        return many_pixels or count >= self._limits.window_frames or seconds >= self._limits.detect_every

    def _settle(self) -> Iterator[FrameResult]:
        self._window = []
        return self._tracks.settled()
