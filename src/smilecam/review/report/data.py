"""What a report shows: plain values, whatever they were read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smilecam.types import Box

PROBABILITY_BINS = 20
"""Of the histogram of faces by probability."""

CURVE_POINTS = 300
"""Of a video's curve; more could not be told apart on a screen."""


@dataclass(frozen=True, slots=True)
class ReportedSmile:
    """A smile of one track in a video.

    Attributes:
        track: its number in the video, if known.
        start: seconds.
        end: seconds.
        peak: its largest probability, 0 to 1, if known.
        peak_time: seconds, of its best moment.
        box: of the face at that moment, in pixels, if known.
    """

    track: int | None
    start: float
    end: float
    peak: float | None
    peak_time: float
    box: Box | None

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start


@dataclass(slots=True)
class Curve:
    """The highest probability of a smile over time, in as many steps as a screen can show.

    Attributes:
        points: place in time -> highest probability, 0 to 1; a place is ``step`` seconds long.
        step: seconds; it grows with the video.
    """

    points: dict[int, float] = field(default_factory=dict)
    step: float = 0.1

    def add(self, time: float, probability: float) -> None:
        """Add a frame, ``time`` in seconds."""
        place = int(time / self.step)
        self.points[place] = max(probability, self.points.get(place, 0.0))
        if len(self.points) > 2 * CURVE_POINTS:
            self.step *= 2
            coarse: dict[int, float] = {}
            for old, value in self.points.items():
                coarse[old // 2] = max(value, coarse.get(old // 2, 0.0))
            self.points = coarse


@dataclass(slots=True)
class ReportedVideo:
    """A video.

    Attributes:
        path: as the results name it.
        frames: number of frames.
        duration: seconds.
        tracks: number of tracks of faces.
        smile_time: seconds in which somebody smiles.
        smiles: in order of their starts.
        curve: probability over time.
    """

    path: str
    frames: int = 0
    duration: float = 0.0
    tracks: int = 0
    smile_time: float = 0.0
    smiles: list[ReportedSmile] = field(default_factory=list)
    curve: Curve = field(default_factory=Curve)

    def settle(self) -> None:
        """Put the smiles in order, and add up how long somebody smiles."""
        self.smiles.sort(key=lambda smile: (smile.start, smile.track or 0))
        self.smile_time, reached = 0.0, 0.0
        for smile in self.smiles:
            self.smile_time += max(0.0, smile.end - max(reached, smile.start))
            reached = max(reached, smile.end)


@dataclass(slots=True)
class ReportedImage:
    """An image.

    Attributes:
        path: as the results name it.
        faces: number of faces.
        smiling: how many of them smile.
        smile: the highest probability, 0 to 1; None without a face.
        boxes: of the faces, in pixels, each with whether it smiles.
    """

    path: str
    faces: int = 0
    smiling: int = 0
    smile: float | None = None
    boxes: list[tuple[Box, bool]] = field(default_factory=list)


@dataclass(slots=True)
class ReportData:
    """Everything that a report shows.

    Attributes:
        name: of the results, for the title.
        images: in the order of the results.
        videos: likewise.
        errors: path and message of each file that could not be read.
        settings: name -> value of what the results depend on.
        probabilities: number of faces in each of ``PROBABILITY_BINS`` equal steps of probability; a face of a video
            counts once for each frame that the results hold.
    """

    name: str
    images: list[ReportedImage] = field(default_factory=list)
    videos: list[ReportedVideo] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    probabilities: list[int] = field(default_factory=lambda: [0] * PROBABILITY_BINS)

    def count_face(self, probability: float) -> None:
        """Count a face in the histogram."""
        self.probabilities[min(PROBABILITY_BINS - 1, int(probability * PROBABILITY_BINS))] += 1

    @property
    def smiles(self) -> list[ReportedSmile]:
        """The smiles of all videos."""
        return [smile for video in self.videos for smile in video.smiles]
