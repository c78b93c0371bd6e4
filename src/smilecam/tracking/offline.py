"""Finding faces in recorded video: detection now and then; in between, known faces are followed by their pixels.

A recorded video can be read ahead, so its frames come in windows. Faces are detected in the last frame of each window;
faces known before are followed forward to it, and faces that are new there are followed back to where they came in. A
face that stays for a while is not missed for coming in between two detections, and the result depends on the video
alone. A face whose pixels are no longer found is re-detected in a region of interest, and so is each now and then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from smilecam.detection.base import FaceDetector
from smilecam.detection.motion import MotionBackoff, MotionGate, detect_in_regions, surroundings
from smilecam.detection.patch import FacePatch
from smilecam.geometry import iou, similarity
from smilecam.tracking.association import (
    MAX_FULL_GROWTH,
    MAX_UNCONFIRMED,
    SAME_FACE,
    interpolate,
    match,
    mean_face,
    non_maximum_suppression,
)
from smilecam.types import Box, DetectedFace, GreyPixels

MAX_MOVING_SHARE = 0.6
"""Where more of the image than this has changed, faces are detected in the whole: it costs little more."""

LEAST_INTERVAL = 0.6
"""Windows of large frames, or of many a second, are short: from one detection to the next it is at least this share of
``OfflineSettings.detect_every``."""

LOST_SECONDS = 2.0
"""For so long a face is sought where it was lost: most have only turned away or were covered."""


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """How often faces are detected.

    Attributes:
        detect_every: seconds between detections, about; they are in the regions that have changed.
        detect_full_every: seconds between detections in the whole image, at most while they find what is not known.
        window_frames: frames in a window, at most: that many are kept in memory.
        follow_every: seconds from one frame in which a known face is found again to the next, at most; in between it
            is interpolated.
        redetect_every: seconds between re-detections of a known face; in between it is followed.
        max_redetect_every: the same where many faces are known.
        redetected_faces: known faces from which it grows with their number.
    """

    detect_every: float = 0.5
    detect_full_every: float = 3.0
    window_frames: int = 16
    follow_every: float = 0.1
    redetect_every: float = 0.3
    max_redetect_every: float = 1.0
    redetected_faces: int = 3


@dataclass(slots=True)
class _Tracklet:
    """One face through a window.

    Attributes:
        faces: by index of the frame in the window; -1 is the last frame of the window before.
        patch: its pixels as they were last detected; None where there are too few.
        detected_at: when that was, in seconds.
        detections: that its box is the mean of.
        unconfirmed: detections in the whole image, in a row, that missed it.
    """

    faces: dict[int, DetectedFace]
    patch: FacePatch | None
    detected_at: float
    detections: int = 1
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
        self._backoff = MotionBackoff()
        self._lost: list[tuple[Box, float]] = []
        self._full_at, self._full_every = 0.0, self.settings.detect_full_every
        self._detected_at = float("-inf")

    def reset(self) -> None:
        """Begin a new scene: no face of the one before is followed into it."""
        self._known, self._begun, self._motion, self._backoff = [], False, None, MotionBackoff()
        self._full_every, self._lost = self.settings.detect_full_every, []
        self._detected_at = float("-inf")

    def ends_window(self, count: int, seconds: float) -> bool:
        """Whether a window of ``count`` frames over ``seconds`` is complete."""
        if not self._begun:
            return True  # the first frame, by itself
        return count >= self.settings.window_frames or seconds >= self.settings.detect_every

    def __call__(
        self, images: Sequence[GreyPixels], times: Sequence[float], lumas: Sequence[GreyPixels] | None = None
    ) -> list[list[DetectedFace]]:
        """Find the faces of the next window.

        Args:
            images: its frames, uint8 (height, width) each, all of one size. Few regions of them are looked at, so
                these may be made on demand.
            times: of each, in seconds.
            lumas: the same frames to follow faces in, in any linear range of brightness; None for ``images``.

        Returns:
            For each frame its faces from left to right.
        """
        last = len(images) - 1
        window = _Window(self._detector, images, lumas or images, times, self._settings_for(len(self._known)))
        tracklets = [window.follow(tracklet) for tracklet in self._known]
        alive = [tracklet for tracklet in tracklets if last in tracklet.faces]
        known = [tracklet.faces[last].box for tracklet in alive]
        lost = [tracklet.faces[max(tracklet.faces)].box for tracklet in tracklets if last not in tracklet.faces]
        self._lost = [(box, since) for box, since in self._lost if 0 <= times[last] - since < LOST_SECONDS]
        self._lost += [(box, times[last]) for box in lost]
        due = self._is_due(times[last], known)
        found, full = self._detect(images[last], times[last], known) if due else ([], False)
        pairs = match(known, [face.box for face in found], SAME_FACE)
        confirmed = dict(pairs)
        for i, tracklet in enumerate(alive):
            if i in confirmed:
                window.correct(tracklet, found[confirmed[i]])
            else:
                tracklet.unconfirmed += full  # a detection in the whole image also counts against those it missed
        old = {j for _, j in pairs}
        if due:
            agrees = len(old) == len(found) and not (lost or (full and len(old) < len(alive)))
            self._plan(times[last], full=full, agrees=agrees)
        self._lost = [(box, since) for box, since in self._lost if all(iou(box, face.box) == 0 for face in found)]
        tracklets += [window.follow_back(face, tracklets) for j, face in enumerate(found) if j not in old]
        self._known = [
            replace(tracklet, faces={-1: tracklet.faces[last]})
            for tracklet in tracklets
            if last in tracklet.faces and tracklet.unconfirmed < MAX_UNCONFIRMED
        ]
        self._begun = True
        return [
            _most_confident(tracklet.faces[index] for tracklet in tracklets if index in tracklet.faces)
            for index in range(last + 1)
        ]

    def _settings_for(self, known: int) -> OfflineSettings:
        """The settings where so many faces are known: a crowd is re-detected more rarely, up to a limit."""
        settings = self.settings
        rarer = min(settings.max_redetect_every, settings.redetect_every * known / settings.redetected_faces)
        return replace(settings, redetect_every=max(settings.redetect_every, rarer))

    def _is_due(self, time: float, known: list[Box]) -> bool:
        """Whether faces are detected at the end of a window; through short ones the known are only followed."""
        return not known or not 0 <= time - self._detected_at < LEAST_INTERVAL * self.settings.detect_every

    def _detect(self, image: GreyPixels, time: float, known: list[Box]) -> tuple[list[DetectedFace], bool]:
        """Detect in the regions that changed since the last detection; also whether that was the whole image.

        Args:
            image: uint8 (height, width).
            time: of it, in seconds.
            known: boxes of the faces that are known in it.
        """
        self._detected_at = time
        regions = None
        if self._motion is not None and 0 <= time - self._full_at < self._full_every:
            backoff = self._backoff if known else None
            regions = self._motion.moving_regions(image, known, backoff, time)
            # Where a face was lost, nothing need have changed much.
            regions += [surroundings(box, image.shape) for box, _ in self._lost]
            if not regions:
                return [], False
            if sum(region.area for region in regions) > MAX_MOVING_SHARE * image.shape[0] * image.shape[1]:
                regions = None
        detector = self._detector if known else self._thorough
        found = detector(image) if regions is None else detect_in_regions(detector, image, regions)
        self._motion = MotionGate(image, [*known, *(face.box for face in found)])
        if regions is None:
            self._full_at = time
        return found, regions is None

    def _plan(self, time: float, *, full: bool, agrees: bool) -> None:
        """Detect less often where detections give nothing new.

        Args:
            time: of the last detection.
            full: whether it was in the whole image.
            agrees: whether it found no new face, and, in the whole image, all that are known.
        """
        if agrees:
            self._backoff.in_vain(time)
        else:
            self._backoff = MotionBackoff()
        if not agrees:
            self._full_every = self.settings.detect_full_every
        elif full:
            self._full_every = min(MAX_FULL_GROWTH * self.settings.detect_full_every, 2 * self._full_every)


class _Window:
    """The frames of one window, and tracklets through them."""

    def __init__(
        self,
        detector: FaceDetector,
        images: Sequence[GreyPixels],
        lumas: Sequence[GreyPixels],
        times: Sequence[float],
        settings: OfflineSettings,
    ) -> None:
        self._detector, self._images, self._lumas, self._times = detector, images, lumas, times
        self._settings = settings

    def follow(self, tracklet: _Tracklet) -> _Tracklet:
        """Follow a face of the window before forward, as far as it is found."""
        at = -1
        keyframes = {at: tracklet.faces[at]}
        followed = replace(tracklet)
        while at < len(self._images) - 1:
            step = self._step(followed, keyframes[at], at)
            if step is None:
                break
            at, keyframes[at] = step[0], step[1]
        followed.faces = _fill(keyframes)
        return followed

    def follow_back(self, face: DetectedFace, tracklets: Sequence[_Tracklet]) -> _Tracklet:
        """Follow a new face from the last frame back to where it came in, or to where it is known already."""
        at = last = len(self._images) - 1
        keyframes = {at: face}
        new = _Tracklet({}, FacePatch.cut(self._lumas[last], face), self._times[last])
        followed = replace(new)
        while at > 0:
            step = self._step(followed, keyframes[at], at, -1)
            if step is None or any(
                step[0] in other.faces and similarity(other.faces[step[0]].box, step[1].box) >= SAME_FACE
                for other in tracklets
            ):
                break
            at, found = step
            keyframes[at] = found
        new.faces = _fill(keyframes)
        return new

    def correct(self, tracklet: _Tracklet, face: DetectedFace) -> None:
        """Correct a known face by a detection in the last frame."""
        last = len(self._images) - 1
        tracklet.faces[last], tracklet.unconfirmed, tracklet.detections = face, 0, 1
        tracklet.patch, tracklet.detected_at = FacePatch.cut(self._lumas[last], face), self._times[last]

    def _step(
        self, tracklet: _Tracklet, face: DetectedFace, at: int, direction: int = 1
    ) -> tuple[int, DetectedFace] | None:
        """The face in the next frame to try; where it is not there, in the furthest nearer one that has it.

        It is where its pixels are. Where they are not found, or a re-detection is due, it is re-detected.
        """
        candidates = list(self._candidates(at, direction))
        due = abs(self._times[candidates[0]] - tracklet.detected_at) >= self._settings.redetect_every
        for to in candidates:
            place = None if tracklet.patch is None else tracklet.patch.find(self._lumas[to], face)
            if place is not None and not due:
                return to, place
            (found,) = self._detector.redetect(self._images[to], [face])
            if found is not None:
                found, tracklet.detections = mean_face(place, found, tracklet.detections)
                tracklet.patch, tracklet.detected_at = FacePatch.cut(self._lumas[to], found), self._times[to]
                return to, found
        return None

    def _candidates(self, at: int, direction: int) -> Iterator[int]:
        """Frames to try from ``at``: as far away as ``follow_every`` allows, then ever nearer."""
        limit = len(self._images) - 1 if direction > 0 else 0
        to = at + direction
        start = self._times[max(0, at)]
        while to != limit and abs(self._times[to + direction] - start) <= self._settings.follow_every:
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
