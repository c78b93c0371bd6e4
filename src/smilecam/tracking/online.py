"""Finding faces in a live stream: followed by their pixels in every frame, and full detection in the background.

A few faces a frame are re-detected, those first whose pixels were not found.

A full detection takes longer than a frame may wait. So it runs in a thread of its own, on one frame at a time; what it
finds is re-detected in the newest frame when it is done. While the scene stays the same, little is detected anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from smilecam.detection.base import FaceDetector
from smilecam.detection.motion import MotionBackoff, MotionGate, surroundings
from smilecam.detection.patch import FacePatch
from smilecam.geometry import iou
from smilecam.tracking.association import (
    MAX_FULL_GROWTH,
    MAX_UNCONFIRMED,
    match,
    mean_face,
    non_maximum_suppression,
)
from smilecam.tracking.background import BackgroundDetection
from smilecam.types import Box, DetectedFace, GreyImage

SAME_FACE_LATER = 0.3
"""Similarity from which boxes are one face where one is some frames old, as those of a background detection are."""

MAX_MISSED = 3
"""Re-detections in a row that miss a face whose pixels are found, before it is given up."""

DRIFT_IOU = 0.6
"""Where a detection finds a face whose IoU with the followed box is less than this, the detection is right."""


@dataclass(frozen=True, slots=True)
class OnlineSettings:
    """How often faces are detected.

    Attributes:
        detect_every: seconds from the start of one detection to the next, at least; in the regions that have changed.
        detect_every_unseen: the same while no face is known.
        detect_full_every: seconds between detections in the whole image, at most while they find what is not known.
        redetect_every: seconds between re-detections of a known face, at most, unless there are too many.
        max_redetections: faces that are re-detected in one frame, at most: a limit on its work.
    """

    detect_every: float = 0.25
    detect_every_unseen: float = 0.1
    detect_full_every: float = 3.0
    redetect_every: float = 0.3
    max_redetections: int = 4


@dataclass(slots=True)
class _Known:
    """A face that is followed.

    Attributes:
        face: where it is.
        unconfirmed: detections in the whole image, in a row, that missed it.
        patch: its pixels as they were last detected; None where there are too few.
        detected_at: when that was, in seconds by the clock.
        detections: that its box is the mean of.
        missed: re-detections in a row that missed it, though its pixels were found.
    """

    face: DetectedFace
    unconfirmed: int = 0
    patch: FacePatch | None = None
    detected_at: float = float("-inf")
    detections: int = 0
    missed: int = 0


class OnlineFaceFinder:
    """Finds the faces of a live stream, frame by frame."""

    def __init__(
        self,
        detector: FaceDetector,
        background: BackgroundDetection,
        settings: OnlineSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        max_faces: int | None = None,
    ) -> None:
        """Begin a stream.

        Args:
            detector: for re-detection, in the caller's thread.
            background: for detection.
            settings: how often.
            clock: seconds that only grow.
            max_faces: that are followed at a time, the largest of those that are found together; None for all.
        """
        self.settings = settings or OnlineSettings()
        self._detector, self._background, self._clock = detector, background, clock
        self._known: list[_Known] = []
        self._max_faces = max_faces
        self._pending: Future[list[DetectedFace]] | None = None
        self._full = True
        self._motion: MotionGate | None = None
        self._lost: list[Box] = []
        self._backoff, self._full_every = MotionBackoff(), self.settings.detect_full_every
        self._submitted_at = self._full_at = float("-inf")

    def __call__(self, grey: GreyImage, strain: float = 1.0) -> list[DetectedFace]:
        """Find the faces of the next frame.

        Args:
            grey: uint8 (height, width); not changed by anybody afterwards.
            strain: so many times as long known faces whose pixels are found wait for their re-detection.

        Returns:
            Faces from left to right.
        """
        if self._pending is not None and self._pending.done():
            done, self._pending = self._pending, None
            self._merge(done.result())
        followed = self._follow(grey, strain * self.settings.redetect_every)
        # Where a face was lost, nothing need have changed much.
        self._lost += [surroundings(known.face.box, grey.shape) for known in self._known if known.missed >= MAX_MISSED]
        # In order of age: of two boxes that came to lie on one face, the one known for longer stays.
        self._known = [followed[index] for index in non_maximum_suppression([known.face.box for known in followed])]
        self._submit_if_due(grey)
        return sorted(known.face for known in self._known)

    def _follow(self, grey: GreyImage, redetect_every: float) -> list[_Known]:
        """The known faces that are in the next frame."""
        now = self._clock()
        places = [None if known.patch is None else known.patch.find(grey, known.face) for known in self._known]
        lost = [row for row, place in enumerate(places) if place is None]
        due = [
            row
            for row, known in enumerate(self._known)
            if places[row] is not None and now - known.detected_at >= redetect_every
        ]
        # Large faces first of those that would be lost, then those that have waited longest, as new ones have.
        lost.sort(key=lambda row: -self._known[row].face.box.area)
        due.sort(key=lambda row: self._known[row].detected_at)
        chosen = (lost + due)[: self.settings.max_redetections]
        expected = [places[row] or self._known[row].face for row in chosen]
        detected = dict(zip(chosen, self._detector.redetect(grey, expected), strict=True))
        for row, known in enumerate(self._known):
            place = places[row]
            if row in detected:
                self._take_redetection(known, place, detected[row], grey, now)
            elif place is not None:
                known.face = place
        return [known for known in self._known if known.missed < MAX_MISSED]

    def _take_redetection(
        self, known: _Known, followed: DetectedFace | None, found: DetectedFace | None, grey: GreyImage, now: float
    ) -> None:
        """Correct a face by what was found for it; one whose pixels are still there may be missed now and then."""
        if found is None:
            known.missed = MAX_MISSED if followed is None else known.missed + 1
            known.face = followed or known.face
            return
        known.face, known.detections = mean_face(followed, found, known.detections)
        known.patch, known.detected_at, known.missed = FacePatch.cut(grey, known.face), now, 0

    def reset(self) -> None:
        """Begin a new scene: faces are detected in all of it at once. Meanwhile one may be where another was."""
        if self._pending is not None:
            self._pending.cancel()
        self._pending, self._motion, self._lost = None, None, []
        self._backoff, self._full_every = MotionBackoff(), self.settings.detect_full_every
        self._submitted_at = float("-inf")

    def close(self) -> None:
        """End the stream: its detection is dropped if it still waits for others. Any thread may call it."""
        pending = self._pending
        if pending is not None:
            pending.cancel()

    def _merge(self, found: list[DetectedFace]) -> None:
        """Add the faces of a detection that are new, correct the known ones, and count against those it missed."""
        pairs = match([known.face.box for known in self._known], [face.box for face in found], SAME_FACE_LATER)
        confirmed, old = dict(pairs), {j for _, j in pairs}
        for i, known in enumerate(self._known):
            known.unconfirmed = 0 if i in confirmed else known.unconfirmed + self._full
            if i in confirmed and iou(found[confirmed[i]].box, known.face.box) < DRIFT_IOU:
                known.face, known.patch = found[confirmed[i]], None  # following had drifted to a part of it
        agrees = len(old) == len(found) and not (self._full and len(old) < len(self._known))
        self._plan(agrees=agrees)
        self._known = [known for known in self._known if known.unconfirmed < MAX_UNCONFIRMED]
        new = [face for j, face in enumerate(found) if j not in old]
        if self._max_faces is not None:
            new = sorted(new, key=lambda face: -face.box.area)[: max(0, self._max_faces - len(self._known))]
        self._known += [_Known(face) for face in new]

    def _plan(self, *, agrees: bool) -> None:
        """Detect less often where detections give nothing new, as ``OfflineFaceFinder`` does."""
        if agrees:
            self._backoff.in_vain(self._submitted_at)
            if self._full:
                self._full_every = min(2 * self._full_every, MAX_FULL_GROWTH * self.settings.detect_full_every)
        else:
            self._backoff, self._full_every = MotionBackoff(), self.settings.detect_full_every

    def _submit_if_due(self, grey: GreyImage) -> None:
        """When it is time, detect in the regions that have changed since the last detection."""
        now = self._clock()
        interval = self.settings.detect_every if self._known else self.settings.detect_every_unseen
        elapsed = now - self._submitted_at
        if self._pending is not None or elapsed < interval or not self._background.admits(self):
            return
        self._submitted_at = now
        boxes = [known.face.box for known in self._known]
        self._full = self._motion is None or now - self._full_at >= self._full_every
        backoff = self._backoff if boxes else None
        regions = None
        if not self._full and self._motion is not None:
            regions = self._lost + self._motion.moving_regions(grey, boxes, backoff, now)
        self._lost = []
        if self._full or regions:
            self._pending = self._background.submit(self, grey, regions, nobody_known=not boxes)
            self._motion = MotionGate(grey, boxes)
        if self._full:
            self._full_at = now
