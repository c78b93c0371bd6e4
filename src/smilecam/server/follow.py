"""One stream being followed, with settings that may change from frame to frame."""

from __future__ import annotations

from smilecam.server.stream_settings import Models, Settings
from smilecam.sources.frame import Frame
from smilecam.tracking.faces import FaceTracks
from smilecam.tracking.online import OnlineFaceFinder
from smilecam.types import Event, FrameResult


class Follower:
    """Reads the frames of one live stream. One thread at a time may use it."""

    def __init__(self, name: str, models: Models, settings: Settings) -> None:
        """Begin a stream.

        Args:
            name: of the stream, for its results.
            models: that settings choose from.
            settings: of the first frame.
        """
        self._models, self._settings = models, settings
        self._tracks = FaceTracks(name, models.threshold(settings), settings.decision)
        self._detector = models.detector(settings)
        self._finder: OnlineFaceFinder | None = None
        self._finder_of = ""

    def read(self, frame: Frame, settings: Settings) -> FrameResult:
        """Read the next frame.

        Args:
            frame: its numbers and times only grow.
            settings: to read it by; who is who does not change with them.
        """
        if settings is not self._settings:
            self._take(settings)
        finder = self._finder
        if finder is None or self._finder_of != settings.detector:
            finder = self._detector.online_finder()
            self._finder, self._finder_of = finder, settings.detector
        faces = finder(frame.grey)
        (smiles,) = self._detector.classify_faces([(frame.grey, faces)])
        return self._tracks.update(frame.number, frame.time or 0.0, faces, smiles)

    def end(self) -> tuple[Event, ...]:
        """The ends of the smiles that were open."""
        return self._tracks.end()

    def _take(self, settings: Settings) -> None:
        self._settings = settings
        self._detector = self._models.detector(settings)
        self._tracks.update_settings(self._models.threshold(settings), settings.decision)
