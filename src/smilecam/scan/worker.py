"""One worker: a file in, its rows out. The same for every engine."""

from __future__ import annotations

from smilecam.errors import SmilecamError, SourceError
from smilecam.opencv import use_one_thread
from smilecam.pipeline.detector import SmileDetector
from smilecam.scan.record import Record, RecordWriter
from smilecam.scan.remote import local_copy
from smilecam.scan.rows import Row, image_rows
from smilecam.scan.task import ScanSettings, Task
from smilecam.scan.video_rows import VideoRows
from smilecam.sources.base import Kind, Source, SourceOptions
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
        self._detector = SmileDetector(
            settings.model,
            settings.threshold,
            policy=settings.policy,
            decision=settings.decision,
            detector=settings.detector,
            detection_size=settings.detection_size,
        )

    def process(self, task: Task) -> Record:
        """Process a file. Whatever is wrong with it is a row of the errors, not an exception."""
        writer = RecordWriter()
        try:
            with local_copy(task.file) as path, open_source(single_source(path), ONE_THREAD) as source:
                self._read(source, writer)
        except Exception as error:  # noqa: BLE001 - the edge of a worker: one file must not end the others
            writer.add([error_row(error, task)])
            return Record(task.key, True, writer.finish())
        return Record(task.key, False, writer.finish())

    def _read(self, source: Source, writer: RecordWriter) -> None:
        if source.ref.kind is Kind.IMAGE:
            for item in self._detector.run(source):
                writer.add(image_rows(item))
            return
        rows, shape = VideoRows(self._settings.every), None
        try:
            with self._detector.run(source, keep_images=False, threads=False) as run:
                for item in run:
                    if item.source_frame is not None and shape is None:
                        shape = item.source_frame.shape
                    writer.add(rows.add(item))
        finally:
            if shape is not None:
                writer.add([_video_row(source, rows, shape)])


def _video_row(source: Source, rows: VideoRows, shape: tuple[int, int]) -> Row:
    about = {"width": shape[1], "height": shape[0], "fps": source.fps and round(source.fps, 4)}
    lost = {"corrupt": source.counts.corrupt, "missing": source.missing, "pieces": 1}
    return Row("videos", about | rows.summary() | lost)


def error_row(error: Exception, task: Task) -> Row:
    """The row of a file that failed. Messages name it as the tables do."""
    message = " ".join(str(error).replace(task.file.location, task.file.name).split())
    if not isinstance(error, SourceError | SmilecamError):
        message = f"{task.file.name}: internal error: {message}"
    return Row("errors", {"error": type(error).__name__, "message": message})
