"""A demonstration without a camera or network: two portraits in motion, through the real pipeline.

Both portraits are in the public domain and come inside the wheels of other projects: the astronaut Eileen Collins
(NASA), smiling, in scikit-image; Grace Hopper (US Navy), not smiling, in matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smilecam.drawing import annotate
from smilecam.errors import SmilecamError
from smilecam.opencv import cv2
from smilecam.pipeline.detector import SmileDetector
from smilecam.pipeline.run_sources import RunReport, run_sources
from smilecam.results import FrameResult
from smilecam.sinks.annotated import AnnotatedOutput
from smilecam.sinks.base import Sink
from smilecam.sinks.jsonl import JsonLines
from smilecam.sinks.summary import SmileSpans
from smilecam.sinks.video_writer import VideoRecorder
from smilecam.sources.base import Kind, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import load_image, save_image
from smilecam.storage import make_folder
from smilecam.types import Image

FPS = 20
SIDE = 480
SHEET_COLUMNS, SHEET_TILE = 5, 240
MIN_SHARE = 0.8
"""Share of a portrait's frames in which the face must be found, and its smile if it has one."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of the demonstration's clip.

    Attributes:
        name: its content, for people.
        seconds: its length.
        face: whether it shows a face.
        smiling: whether it shows a smile.
        image: uint8 (height, width, 3), blue-green-red.
        centre: the point that the camera moves around, as shares of width and height.
        zoom: side of the visible square, as a share of the image's shorter side.
    """

    name: str
    seconds: float
    face: bool
    smiling: bool
    image: Image
    centre: tuple[float, float]
    zoom: float

    @property
    def frames(self) -> int:
        """Number of frames."""
        return round(self.seconds * FPS)


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """Results of a segment.

    Attributes:
        segment: which.
        start: seconds, of its first frame.
        end: seconds, of its last.
        with_face: frames with a face.
        with_smile: frames with a smile.
    """

    segment: Segment
    start: float
    end: float
    with_face: int
    with_smile: int

    @property
    def correct(self) -> bool:
        """A face and a smile in most frames where one is shown, and no smile elsewhere."""
        needed = MIN_SHARE * self.segment.frames
        if self.segment.face and self.with_face < needed:
            return False
        return self.with_smile >= needed if self.segment.smiling else self.with_smile == 0


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Results of the demonstration: segment by segment, the times of smiles, and the files written."""

    segments: tuple[SegmentReport, ...]
    smiles: SmileSpans
    files: tuple[Path, ...]

    @property
    def correct(self) -> bool:
        """Whether every segment is."""
        return all(segment.correct for segment in self.segments)


def portraits() -> tuple[Image, Image]:
    """The astronaut, smiling, and Grace Hopper, not smiling; blue-green-red. Needs the "demo" extra."""
    from matplotlib.cbook import get_sample_data
    from skimage import data

    astronaut = np.asarray(data.astronaut()[..., ::-1], np.uint8)
    hopper = load_image(Path(str(get_sample_data("grace_hopper.jpg", asfileobj=False))))
    return np.ascontiguousarray(astronaut), hopper


def make_segments() -> tuple[Segment, ...]:
    """The contents of the clip, in order."""
    from skimage import data

    astronaut, hopper = portraits()
    rocket, coffee = (np.ascontiguousarray(image[..., ::-1]) for image in (data.rocket(), data.coffee()))
    return (
        Segment("rocket, no face", 1.5, face=False, smiling=False, image=rocket, centre=(0.5, 0.5), zoom=0.8),
        Segment("astronaut, smiling", 3.0, face=True, smiling=True, image=astronaut, centre=(0.45, 0.3), zoom=0.6),
        Segment("coffee, no face", 1.5, face=False, smiling=False, image=coffee, centre=(0.5, 0.5), zoom=0.8),
        Segment(
            "Grace Hopper, not smiling", 3.0, face=True, smiling=False, image=hopper, centre=(0.52, 0.4), zoom=0.85
        ),
    )


def moving_frames(segment: Segment) -> Iterator[Image]:
    """The frames of a segment: the camera drifts, rotates a little and zooms, as if a hand held it."""
    height, width = segment.image.shape[:2]
    for number in range(segment.frames):
        phase = 2 * math.pi * number / segment.frames
        scale = SIDE / (min(height, width) * segment.zoom) * (1 + 0.12 * math.sin(phase))
        centre = (segment.centre[0] * width, segment.centre[1] * height)
        matrix = cv2.getRotationMatrix2D(centre, 4 * math.sin(2 * phase), scale)
        drift = SIDE * 0.04
        matrix[0, 2] += SIDE / 2 - centre[0] + drift * math.sin(phase)
        matrix[1, 2] += SIDE / 2 - centre[1] + drift * math.cos(phase)
        frame = cv2.warpAffine(segment.image, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
        yield np.asarray(frame, np.uint8)


class _Observer(Sink):
    """Keeps every result, and the frames for the contact sheet."""

    def __init__(self, wanted: set[int]) -> None:
        self._wanted = wanted
        self.results: list[FrameResult] = []
        self.shown: dict[int, Image] = {}

    def write(self, frame: Frame, result: FrameResult) -> None:
        self.results.append(result)
        if frame.number in self._wanted:
            self.shown[frame.number] = annotate(frame.image, result.faces)


def run_demo(folder: Path, log: Callable[[str], None]) -> DemoReport:
    """Make the clip, run the detector on it, and write the results.

    Args:
        folder: for the files, made where it is missing.
        log: takes lines about the progress.

    Raises:
        OutputError: the folder cannot be written.
        SmilecamError: the clip could not be read back whole.
    """
    make_folder(folder)
    clip, annotated, sheet, lines = (
        folder / f"demo_{name}" for name in ("clip.mp4", "annotated.mp4", "contact_sheet.png", "results.jsonl")
    )
    segments = make_segments()
    frames = _write_clip(clip, segments)
    log(f"made a clip of {frames} frames from {len(segments)} images; reading it")
    observer = _Observer(_sheet_numbers(segments))
    ref = SourceRef(str(clip), Kind.VIDEO, clip)
    sinks: list[Sink] = [observer, AnnotatedOutput({ref: annotated}), JsonLines(str(lines))]
    report = RunReport()
    run_sources([ref], SmileDetector(), sinks, report)
    if report.failed or len(observer.results) != frames:
        raise SmilecamError(f"the demonstration's clip {clip} was not read back whole")
    save_image(sheet, _contact_sheet(observer.shown))
    smiles = SmileSpans()
    for result in observer.results:
        smiles.add(result)
    return DemoReport(_report(segments, observer.results), smiles, (clip, annotated, sheet, lines))


def _write_clip(path: Path, segments: tuple[Segment, ...]) -> int:
    with VideoRecorder(path, FPS) as recorder:
        for segment in segments:
            for frame in moving_frames(segment):
                recorder.write(frame, None)
    return recorder.written


def _sheet_numbers(segments: tuple[Segment, ...]) -> set[int]:
    numbers, first = set(), 0
    for segment in segments:
        numbers |= {first + round(at) for at in np.linspace(0, segment.frames - 1, SHEET_COLUMNS)}
        first += segment.frames
    return numbers


def _contact_sheet(shown: dict[int, Image]) -> Image:
    tiles = [
        cv2.resize(shown[number], (SHEET_TILE, SHEET_TILE), interpolation=cv2.INTER_AREA) for number in sorted(shown)
    ]
    rows = [np.hstack(tiles[at : at + SHEET_COLUMNS]) for at in range(0, len(tiles), SHEET_COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def _report(segments: tuple[Segment, ...], results: list[FrameResult]) -> tuple[SegmentReport, ...]:
    reports, first = [], 0
    for segment in segments:
        own = results[first : first + segment.frames]
        reports.append(
            SegmentReport(
                segment,
                start=own[0].time or 0.0,
                end=own[-1].time or 0.0,
                with_face=sum(bool(result.faces) for result in own),
                with_smile=sum(result.smiling for result in own),
            )
        )
        first += segment.frames
    return tuple(reports)
