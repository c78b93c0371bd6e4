"""What is to be done: a file, the settings, and the key that stands for both and for the result."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from smilecam import provenance
from smilecam.classification.classifier import model_names, model_path
from smilecam.pipeline.detector import SmileDetector
from smilecam.sources.decoding import Decoding
from smilecam.tracking.smile_state import DecisionSettings

FORMAT = 1
"""Of rows and shards: results of another format are not reused."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """Everything besides the files that results depend on. Its fields are named like the options of ``smilecam scan``.

    Attributes:
        model: name of a packaged model, or path of an ``.onnx`` file.
        model_digest: SHA-256 of its content, in hex.
        policy: name of what counts as a smile.
        threshold: probability that reaches it is a smile.
        detector: name of the face detector, never "auto".
        detection_size: as for ``SmileDetector``.
        decision: when smiles begin and end in videos.
        every: seconds of video between two frames that have a row; 0 for a row for every frame.
        split: minutes of video after which a longer one is split; 0 for never.
        decode: how much of videos is decoded, a value of ``Decoding``.
        version: of smilecam: another one may find other faces, or decide otherwise.
    """

    model: str
    model_digest: str
    policy: str
    threshold: float
    detector: str
    detection_size: int | None
    decision: DecisionSettings
    every: float = 0.2
    split: float = 0.0
    decode: str = Decoding.FULL.value
    version: str = field(default_factory=lambda: provenance.versions().get("smilecam", "unknown"))

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def of_dict(cls, content: dict[str, Any]) -> Self:
        """From what ``as_dict`` gave."""
        return cls(**content | {"decision": DecisionSettings(**content["decision"])})

    @property
    def digest(self) -> str:
        """Equal for settings that give equal results; where the model's file lies does not matter."""
        content = {name: value for name, value in self.as_dict().items() if name != "model"}
        if self.decode == Decoding.FULL.value:
            del content["decode"]
        return _digest([FORMAT, content])


def settings_of(
    detector: SmileDetector,
    model: str,
    detection_size: int | None,
    every: float,
    split: float = 0.0,
    decode: str = Decoding.FULL.value,
) -> ScanSettings:
    """The settings of a loaded detector, and of a scan with it.

    Args:
        detector: loaded.
        model: name or path that it was loaded from.
        detection_size: that it was made with.
        every: as in ``ScanSettings``.
        split: as in ``ScanSettings``.
        decode: as in ``ScanSettings``.

    Raises:
        ModelFileError: the model's file is not there any more.
    """
    path = model_path(model)
    named = model in model_names()
    return ScanSettings(
        model=model if named else str(path.resolve()),
        model_digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        policy=detector.classifier.policy.name,
        threshold=detector.threshold,
        detector=detector.components.detector,
        detection_size=detection_size,
        decision=detector.decision,
        every=every,
        split=split,
        decode=decode,
    )


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file of an archive, as it was when it was listed.

    Attributes:
        name: as tables show it: as it was given, without passwords, and as valid Unicode.
        location: absolute path, or URL; it may hold a password.
        size: bytes.
        modified: nanoseconds since 1970.
        is_image: whether its name is that of an image; its content decides when it is opened.
        is_url: whether ``location`` is a URL.
    """

    name: str
    location: str = field(repr=False)
    size: int
    modified: int
    is_image: bool
    is_url: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a long video.

    Attributes:
        start: time of its first frame, in seconds; the piece is of frames at or after it.
        end: the piece is of frames before this time; None for the last piece.
    """

    start: float
    end: float | None

    def holds(self, time: float) -> bool:
        """Whether the frame at a time, in seconds, is one of the piece."""
        return time >= self.start and (self.end is None or time < self.end)


@dataclass(frozen=True, slots=True)
class Task:
    """One file to be processed.

    Attributes:
        key: of the result, from the file and the settings.
        file: to process.
        piece: of a long video; None for the whole file.
        joined: results of all pieces of a video, in order: they become the result of the file.
    """

    key: str
    file: ArchiveFile
    piece: Piece | None = None
    joined: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, file: ArchiveFile, settings: ScanSettings) -> Self:
        """The task of a file under given settings."""
        return cls(_digest([file.location, file.size, file.modified, settings.digest]), file)

    def pieces(self, count: int, minutes: float) -> list[Task]:
        """Tasks for so many pieces of a video, each of so many minutes; the last one is of the rest."""
        seconds = minutes * 60
        ends = [seconds * (at + 1) for at in range(count - 1)]
        spans = [Piece(start, end) for start, end in zip([0.0, *ends], [*ends, None], strict=True)]
        return [replace(self, key=_digest([self.key, piece.start, piece.end]), piece=piece) for piece in spans]


Job = tuple[Task, ...]
"""Tasks that one worker does one after another: handing them out one by one would cost more than some of them."""

MIN_IMAGES, MAX_IMAGES = 16, 256
"""In a job: fewer cost more to hand out, more are done again after a loss."""

SHARES = 4
"""A job has this part of a worker's share of the images that are left: many at first, few at the end, when the others
wait for the last one."""


def jobs_of(tasks: Iterable[Task], workers: int) -> list[Job]:
    """Divide tasks into jobs: large videos first, so that none is left alone at the end, then images.

    Args:
        tasks: in any order.
        workers: that will do them.
    """
    tasks = list(tasks)
    videos = sorted((task for task in tasks if not task.file.is_image), key=lambda task: -task.file.size)
    images = [task for task in tasks if task.file.is_image]
    jobs: list[Job] = [(task,) for task in videos]
    begin = 0
    while begin < len(images):
        size = min(MAX_IMAGES, max(MIN_IMAGES, (len(images) - begin) // (SHARES * workers)))
        jobs.append(tuple(images[begin : begin + size]))
        begin += size
    return jobs


def job_to_text(job: Job) -> str:
    """A job as JSON, for engines that send it to other machines."""
    return json.dumps(
        [
            asdict(task) | {"joined": [base64.b64encode(content).decode("ascii") for content in task.joined]}
            for task in job
        ]
    )


def job_from_text(text: str) -> Job:
    """A job from what ``job_to_text`` gave."""
    return tuple(_task_of(content) for content in json.loads(text))


def _task_of(content: dict[str, Any]) -> Task:
    piece = content["piece"] and Piece(**content["piece"])
    joined = tuple(base64.b64decode(text) for text in content["joined"])
    return Task(content["key"], ArchiveFile(**content["file"]), piece, joined)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
