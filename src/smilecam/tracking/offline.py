"""Finding faces in recorded video: detection now and then, and re-detection in a region of interest in between.

A recorded video can be read ahead, so its frames come in windows. Faces are detected in the last frame of each window;
faces known before are followed forward to it, and faces that are new there are followed back to where they came in. A
face that stays for a while is not missed for coming in between two detections, and the result depends on the video
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from smilecam.detection.base import FaceDetector
from smilecam.detection.motion import MotionGate, detect_in_regions
from smilecam.geometry import similarity
from smilecam.tracking.association import MAX_UNCONFIRMED, SAME_FACE, interpolate, match, non_maximum_suppression
from smilecam.types import Box, DetectedFace, GreyImage

MAX_MOVING_SHARE = 0.6
"""Where more of the image than this has changed, faces are detected in the whole: it costs little more."""


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """How often faces are detected.

    Attributes:
        detect_every: seconds between detections, at most; they are in the regions that have changed.
        detect_full_every: seconds between detections in the whole image, at most.
        window_frames: frames between detections, at most; that many are kept in memory.
        redetect_every: seconds between re-detections of a known face, at most; in between it is interpolated.
    """

    detect_every: float = 0.5
    detect_full_every: float = 3.0
    window_frames: int = 16
    redetect_every: float = 0.1


@dataclass(slots=True)
class _Tracklet:
    """One face through a window.

    Attributes:
        faces: by index of the frame in the window; -1 is the last frame of the window before.
        unconfirmed: detections in the whole image, in a row, that missed it.
    """

    faces: dict[int, DetectedFace]
    unconfirmed: int = 0


class OfflineFaceFinder:
    """Finds the faces of a recorded video, window by window."""

    def __init__(
        self, detector: FaceDetector, settings: OfflineSettings | None = None, thorough: FaceDetector | None = None
    ) -> None:
        """Begin a video; the detectors are used in the thread that calls the finder.

        Args:
            detector: for detection and re-detection.
            settings: how often.
            thorough: for detection while nobody is known, in place of ``detector``.
        """
        self.settings = settings or OfflineSettings()
        self._detector, self._thorough = detector, thorough or detector
        self._known: list[_Tracklet] = []
        self._begun = False
        self._motion: MotionGate | None = None
        self._full_at = 0.0

    def reset(self) -> None:
        """Begin a new scene: no face of the one before is followed into it."""
        self._known, self._begun, self._motion = [], False, None

    def ends_window(self, count: int, seconds: float) -> bool:
        """Whether a window of ``count`` frames over ``seconds`` is complete."""
        if not self._begun:
            return True  # the first frame, by itself
        return count >= self.settings.window_frames or seconds >= self.settings.detect_every

    def __call__(self, images: Sequence[GreyImage], times: Sequence[float]) -> list[list[DetectedFace]]:
        """Find the faces of the next window.

        Args:
            images: its frames, uint8 (height, width) each, all of one size.
            times: of each, in seconds.

        Returns:
            For each frame its faces from left to right.
        """
        last = len(images) - 1
        window = _Window(self._detector, images, times, self.settings.redetect_every)
        tracklets = [window.follow(tracklet) for tracklet in self._known]
        alive = [tracklet for tracklet in tracklets if last in tracklet.faces]
        known = [tracklet.faces[last].box for tracklet in alive]
        if len(alive) < len(tracklets):
            self._motion = None  # where a face was lost, nothing need have changed much
        found, full = self._detect(images[last], times[last], known)
        pairs = match(known, [face.box for face in found], SAME_FACE)
        _confirm(alive, found, pairs, last, full)
        old = {j for _, j in pairs}
        tracklets += [window.follow_back(face, tracklets) for j, face in enumerate(found) if j not in old]
        self._known = [
            _Tracklet({-1: tracklet.faces[last]}, tracklet.unconfirmed)
            for tracklet in tracklets
            if last in tracklet.faces and tracklet.unconfirmed < MAX_UNCONFIRMED
        ]
        self._begun = True
        return [
            _most_confident(tracklet.faces[index] for tracklet in tracklets if index in tracklet.faces)
            for index in range(last + 1)
        ]

    def _detect(self, image: GreyImage, time: float, known: list[Box]) -> tuple[list[DetectedFace], bool]:
        """Detect in the regions that changed since the last detection; also whether that was the whole image."""
        regions = None
        if self._motion is not None and 0 <= time - self._full_at < self.settings.detect_full_every:
            regions = self._motion.moving_regions(image, known)
            if not regions:
                return [], False
            if sum(region.area for region in regions) > MAX_MOVING_SHARE * image.size:
                regions = None
        detector = self._detector if known else self._thorough
        found = detector(image) if regions is None else detect_in_regions(detector, image, regions)
        self._motion = MotionGate(image, [*known, *(face.box for face in found)])
        if regions is None:
            self._full_at = time
        return found, regions is None


def _confirm(
    tracklets: Sequence[_Tracklet],
    found: Sequence[DetectedFace],
    pairs: Sequence[tuple[int, int]],
    last: int,
    full: bool,
) -> None:
    """Correct known faces by a detection; one in the whole image also counts against those that it missed."""
    confirmed = dict(pairs)
    for i, tracklet in enumerate(tracklets):
        if i in confirmed:
            tracklet.faces[last], tracklet.unconfirmed = found[confirmed[i]], 0
        else:
            tracklet.unconfirmed += full


class _Window:
    """The frames of one window, and tracklets through them."""

    def __init__(
        self, detector: FaceDetector, images: Sequence[GreyImage], times: Sequence[float], redetect_every: float
    ) -> None:
        self._detector, self._images, self._times, self._redetect_every = detector, images, times, redetect_every

    def follow(self, tracklet: _Tracklet) -> _Tracklet:
        """Follow a face of the window before forward, as far as it is found."""
        at = -1
        keyframes = {at: tracklet.faces[at]}
        while at < len(self._images) - 1:
            step = self._step(keyframes[at], at, 1)
            if step is None:
                break
            at, face = step
            keyframes[at] = face
        return _Tracklet(_fill(keyframes), tracklet.unconfirmed)

    def follow_back(self, face: DetectedFace, tracklets: Sequence[_Tracklet]) -> _Tracklet:
        """Follow a new face from the last frame back to where it came in, or to where it is known already."""
        at = len(self._images) - 1
        keyframes = {at: face}
        while at > 0:
            step = self._step(keyframes[at], at, -1)
            if step is None or any(
                step[0] in other.faces and similarity(other.faces[step[0]].box, step[1].box) >= SAME_FACE
                for other in tracklets
            ):
                break
            at, found = step
            keyframes[at] = found
        return _Tracklet(_fill(keyframes))

    def _step(self, face: DetectedFace, at: int, direction: int) -> tuple[int, DetectedFace] | None:
        """The face in the next frame to try; where it is not there, in the furthest nearer one that has it."""
        for to in self._candidates(at, direction):
            (found,) = self._detector.redetect(self._images[to], [face])
            if found is not None:
                return to, found
        return None

    def _candidates(self, at: int, direction: int) -> Iterator[int]:
        """Frames to try from ``at``: as far away as ``redetect_every`` allows, then ever nearer."""
        limit = len(self._images) - 1 if direction > 0 else 0
        to = at + direction
        start = self._times[max(0, at)]
        while to != limit and abs(self._times[to + direction] - start) <= self._redetect_every:
            to += direction
        while to != at:
            yield to
            to = (to + at) // 2 if direction > 0 else -((-to - at) // 2)


def _fill(keyframes: dict[int, DetectedFace]) -> dict[int, DetectedFace]:
    """The re-detected faces, and interpolated ones in between."""
    faces = dict(keyframes)
    for a, b in pairwise(sorted(keyframes)):
        for index in range(a + 1, b):
            faces[index] = interpolate(keyframes[a], keyframes[b], (index - a) / (b - a))
    return faces


def _most_confident(faces: Iterator[DetectedFace]) -> list[DetectedFace]:
    """From left to right, each face once: of boxes on one face the most confident stays."""
    ordered = sorted(faces, key=lambda face: -face.confidence)
    return sorted(ordered[index] for index in non_maximum_suppression([face.box for face in ordered]))
