"""One worker: a file in, its rows out. The same for every engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from smilecam.opencv import use_one_thread
from smilecam.pipeline.detector import SmileDetector
from smilecam.scan.pieces import count_pieces, joined_rows, piece_rows
from smilecam.scan.record import Record, RecordWriter, error_row
from smilecam.scan.remote import local_copy
from smilecam.scan.rows import image_rows
from smilecam.scan.task import ScanSettings, Task
from smilecam.scan.video_rows import VideoRows
from smilecam.sources.base import Kind, Source, SourceOptions
from smilecam.sources.decoding import Decoding
from smilecam.sources.open import open_source
from smilecam.sources.resolve import single_source

ONE_THREAD = SourceOptions(decoder_threads=1)
"""There is a worker for each core: more threads would only take turns."""


class Worker:
    """Processes files with one core: it decodes, detects and classifies in the calling thread."""

    def __init__(self, settings: ScanSettings) -> None:
        """Load the networks.

        Raises:
            ModelFileError: the file of the model, or of the face detector, is missing or another one.
        """
        use_one_thread()
        self._settings = settings
        self._options = replace(ONE_THREAD, decoding=Decoding(settings.decode))
        self._detector = SmileDetector(
            settings.model,
            settings.threshold,
            policy=settings.policy,
            decision=settings.decision,
            detector=settings.detector,
            detection_size=settings.detection_size,
        )

    def process(self, task: Task) -> Record:
        """Process a file, or a piece of one, or join pieces. Whatever is wrong is a row of the errors, no exception."""
        writer, read_from = RecordWriter(), None
        try:
            if task.joined:
                writer.add(joined_rows(task.joined, self._settings))
                return Record(task.key, False, writer.finish())
            with local_copy(task.file) as path:
                read_from = str(path)
                if task.piece is not None:
                    writer.add(piece_rows(path, task.piece, self._detector, self._options))
                elif (pieces := self._pieces(path, task)) > 1:
                    return Record(task.key, False, b"", pieces)
                else:
                    self._read(path, writer)
        except Exception as error:  # noqa: BLE001 - the edge of a worker: one file must not end the others
            if task.piece is not None:  # its faces are no rows
                writer = RecordWriter()
            writer.add([error_row(error, task, read_from)])
            return Record(task.key, True, writer.finish())
        return Record(task.key, False, writer.finish())

    def _pieces(self, path: Path, task: Task) -> int:
        if not self._settings.split or task.file.is_image:
            return 1
        return count_pieces(path, self._settings.split, self._options)

    def _read(self, path: Path, writer: RecordWriter) -> None:
        with open_source(single_source(path), self._options) as source:
            if source.ref.kind is Kind.IMAGE:
                for item in self._detector.run(source):
                    writer.add(image_rows(item))
            else:
                self._read_video(source, writer)

    def _read_video(self, source: Source, writer: RecordWriter) -> None:
        rows, shape = VideoRows(self._settings.every), None
        try:
            with self._detector.run(source, keep_images=False, threads=False) as run:
                for item in run:
                    if item.source_frame is not None and shape is None:
                        shape = item.source_frame.shape
                    writer.add(rows.add(item))
        finally:
            if shape is not None:
                lost = {"corrupt": source.counts.corrupt, "missing": source.missing}
                writer.add([rows.video_row(shape, source.fps, lost, 1)])
