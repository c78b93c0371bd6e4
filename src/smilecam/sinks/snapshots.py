"""An image of each smile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from smilecam.results import FrameResult
from smilecam.sinks.anonymise import FaceAnonymiser, blur_faces
from smilecam.sinks.base import Sink
from smilecam.sinks.output_paths import stem_of
from smilecam.sources.base import Source
from smilecam.sources.frame import Frame
from smilecam.sources.images import save_image
from smilecam.types import Box, Event, EventKind, Face, Image

MAX_WAIT_SECONDS = 3.0
"""A smile that lasts longer has its image by then."""

MAX_SMILES = 16
"""Simultaneous smiles for which frames are kept; further ones have no image."""

FULL_SCORE_SIDE = 120
"""Shorter side of a box, in pixels, from which a larger face scores no higher."""


@dataclass(slots=True)
class _Smile:
    """An open smile with its best frame so far; ``image`` is None once that has been written."""

    started: float
    image: Image | None
    score: float
    time: float
    others: list[Box]


class Snapshots(Sink):
    """Writes the best frame of each smile in a stream as a JPEG image, without annotations.

    The best frame is the one in which the smile is strongest and the face large and entirely visible. It is written
    when the smile ends, or after three seconds.

    Attributes:
        written: the files that are finished.
    """

    def __init__(self, folder: Path, cooldown: float = 5.0, blur: bool = False) -> None:
        """Prepare to write.

        Args:
            folder: that exists.
            cooldown: seconds after the image of a track until the next one of the same track.
            blur: whether to anonymise the other faces in the image.
        """
        self._folder, self._cooldown, self._blur = folder, cooldown, blur
        self._smiles: dict[int, _Smile] = {}
        self._taken: dict[int, float] = {}
        self.written: list[Path] = []

    def begin(self, source: Source) -> None:
        """Forget the tracks of the previous source."""
        self._stem, self._anonymiser = stem_of(source.ref), FaceAnonymiser()
        self._smiles, self._taken = {}, {}

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Rate the smiles of a frame, and write the images that are due.

        Raises:
            OutputError: an image cannot be written.
        """
        if result.time is None:
            return
        if self._blur:
            self._anonymiser.see(result.faces, result.time)
        for face in result.faces:
            if face.track is None:
                continue
            if face.smiling:
                self._rate(frame, face, face.track, result.time)
            else:
                self._finish(face.track)
        for track, smile in self._smiles.items():
            if result.time - smile.started >= MAX_WAIT_SECONDS:
                self._save(track, smile)

    def event(self, event: Event) -> None:
        """Write the image of a smile that has ended."""
        if event.kind is EventKind.SMILE_END and event.track is not None:
            self._finish(event.track)

    def end(self) -> None:
        """Write the images of open smiles."""
        for track in list(self._smiles):
            self._finish(track)

    def _rate(self, frame: Frame, face: Face, track: int, time: float) -> None:
        """Keep the frame if it shows the smile better than earlier ones."""
        smile = self._smiles.get(track)
        held = time - self._taken.get(track, -math.inf) < self._cooldown
        if smile is None:
            if held or len(self._smiles) >= MAX_SMILES:
                return
            smile = self._smiles[track] = _Smile(time, frame.image, -1.0, time, [])
        score = _score(face, frame.image.shape[:2])
        if smile.image is not None and score > smile.score:
            others = self._anonymiser.boxes(without=track) if self._blur else []
            # A camera may reuse the array.
            smile.image, smile.score, smile.time, smile.others = frame.image.copy(), score, time, others

    def _finish(self, track: int) -> None:
        smile = self._smiles.pop(track, None)
        if smile:
            self._save(track, smile)

    def _save(self, track: int, smile: _Smile) -> None:
        image, smile.image = smile.image, None
        if image is None:
            return
        self._taken[track] = smile.time
        path = self._free_name(f"{self._stem}_person{track}_{smile.time:08.2f}s")
        save_image(path, blur_faces(image, smile.others, margin=0) if self._blur else image)
        self.written.append(path)

    def _free_name(self, stem: str) -> Path:
        path, count = self._folder / f"{stem}.jpg", 1
        while path.exists() or path.is_symlink():
            count += 1
            path = self._folder / f"{stem}_{count}.jpg"
        return path


def _score(face: Face, shape: tuple[int, ...]) -> float:
    """How well a frame of a shape (height, width) shows the smile of a face, 0 to 1."""
    strength = face.smile if face.intensity is None else (face.smile + face.intensity) / 2
    box, (height, width) = face.box, shape
    inside = max(0, min(box.x2, width) - max(box.x1, 0)) * max(0, min(box.y2, height) - max(box.y1, 0))
    whole = inside / max(1, box.width * box.height)
    large = min(1.0, min(box.width, box.height) / FULL_SCORE_SIDE)
    return strength * whole * math.sqrt(max(0.0, large))
