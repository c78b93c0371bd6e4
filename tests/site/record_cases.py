"""Record what the Python package makes of images and frames, for the tests of the page without a server.

    python tests/site/record_cases.py FOLDER [--yunet FILE] [--clip FILE ...]

writes raw grey images and ``cases.json``: the results of every part that site/src has a counterpart of. The frames are
of two portraits in the public domain, which wander and change places; with ``--clip`` of videos, too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from smilecam.classification.augmented import DOUBTFUL
from smilecam.classification.batch import FaceClassifier
from smilecam.classification.calibration import calibrated_log_odds
from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import resize, squares_input
from smilecam.detection.base import FaceDetector
from smilecam.detection.motion import CutDetector, MotionGate, detect_in_regions
from smilecam.detection.patch import FacePatch
from smilecam.detection.registry import DETECTORS, Use
from smilecam.detection.yunet import YuNetDetector
from smilecam.opencv import cv2
from smilecam.pipeline.sampling import FoundFrame, LiveSampler
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.tracking.background import BackgroundDetection
from smilecam.tracking.faces import FaceTracks
from smilecam.tracking.online import OnlineFaceFinder
from smilecam.tracking.smile_path import SmilePath
from smilecam.tracking.smile_state import DecisionSettings, SmileState
from smilecam.types import Box, DetectedFace, GreyImage

SEED = 15
FPS = 25


class Immediate(BackgroundDetection):
    """Detection that is done when it was asked for: its faces count from the next frame on."""

    def submit(
        self, stream: object, grey: GreyImage, regions: list[Box] | None, *, nobody_known: bool = False
    ) -> Future[list[DetectedFace]]:
        """Detect now."""
        done: Future[list[DetectedFace]] = Future()
        done.set_result(self._detect(grey, regions, nobody_known))
        return done

    def admits(self, stream: object) -> bool:
        """No stream waits for another."""
        return True


class Recorder:
    """Writes images and cases into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.cases: dict[str, Any] = {}
        self._count = 0

    def image(self, grey: GreyImage) -> dict[str, Any]:
        """Write an image."""
        name = f"image{self._count}.raw"
        self._count += 1
        (self.folder / name).write_bytes(np.ascontiguousarray(grey).tobytes())
        return {"file": name, "width": grey.shape[1], "height": grey.shape[0]}

    def frames(self, frames: Sequence[GreyImage]) -> dict[str, Any]:
        """Write frames of one size."""
        name = f"frames{self._count}.raw"
        self._count += 1
        with (self.folder / name).open("wb") as file:
            for grey in frames:
                file.write(np.ascontiguousarray(grey).tobytes())
        return {"file": name, "width": frames[0].shape[1], "height": frames[0].shape[0], "count": len(frames)}

    def close(self) -> None:
        """Write the cases."""
        (self.folder / "cases.json").write_text(json.dumps(self.cases), "utf-8")


def as_dict(face: DetectedFace | None) -> dict[str, Any] | None:
    """A face as the page has it."""
    if face is None:
        return None
    landmarks = None if face.landmarks is None else list(face.landmarks)
    return {"box": list(face.box), "confidence": face.confidence, "landmarks": landmarks}


def portraits() -> tuple[GreyImage, GreyImage]:
    """A face that smiles and one that does not, grey."""
    import matplotlib.cbook
    import skimage.data

    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        hopper = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(astronaut, np.uint8), np.asarray(hopper, np.uint8)


def wandering(size: tuple[int, int] = (320, 240)) -> list[GreyImage]:
    """Frames in which both portraits wander, one after the other leaves, and the scene changes."""
    astronaut, hopper = portraits()
    width, height = size
    frames = []
    for number in range(4 * FPS):
        shown = (astronaut, hopper) if number < 2 * FPS else (hopper, astronaut)
        frame = np.full((height, width), 90 if number < 2 * FPS else 200, np.uint8)
        for at, portrait in enumerate(shown):
            if at == 1 and number % (2 * FPS) > 30:
                continue
            small = cv2.resize(
                portrait, (150, round(150 * portrait.shape[0] / portrait.shape[1])), interpolation=cv2.INTER_AREA
            )
            x, y = 5 + at * 155 + round(4 * np.sin(number / 5)), 20 + round(5 * np.cos(number / 7))
            part = small[: height - y, : width - x]
            frame[y : y + part.shape[0], x : x + part.shape[1]] = part
        frames.append(np.asarray(frame, np.uint8))
    return frames


def clip_frames(clip: Path) -> tuple[list[GreyImage], list[float]]:
    """Grey frames and times of a video."""
    with open_source(find_sources(clip)[0]) as source:
        found = [(frame.grey.copy(), frame.time or 0.0) for frame in source if isinstance(frame, Frame)]
    return [grey for grey, _ in found], [time for _, time in found]


def online(
    frames: Iterable[GreyImage], times: Iterable[float], detector: FaceDetector, thorough: FaceDetector, name: str
) -> list[dict[str, Any]]:
    """The results of a live stream, with detections that are done at once and a clock that is the stream's."""
    classifier = SmileClassifier()
    classify = FaceClassifier(classifier, DETECTORS[name].crop(classifier.info))
    now = 0.0
    finder = OnlineFaceFinder(detector, Immediate(lambda: detector, lambda: thorough), clock=lambda: now, max_faces=64)
    threshold = classifier.policy.threshold()
    tracks, sampler, is_cut = FaceTracks("clip", threshold, DecisionSettings()), LiveSampler(), CutDetector()
    results = []
    for number, (grey, time) in enumerate(zip(frames, times, strict=True)):
        now = time
        if is_cut(grey):
            finder.reset()
            tracks.cut()
        faces = finder(grey)
        association = tracks.associate(time, faces)
        found = FoundFrame(Frame(number, time, grey), association.time, faces, association.tracks)
        samples = sampler(found, classify, threshold)
        result = tracks.update(number, association, faces, samples)
        results.append({**result.as_dict(), "events": [event.as_dict() for event in result.events]})
    return results


def record_images(recorder: Recorder) -> None:
    """Resized and cropped images, patches, motion."""
    random = np.random.default_rng(SEED)
    astronaut, hopper = portraits()
    recorder.cases["resize"] = []
    for width, height, size in (
        (97, 131, 64),
        (64, 64, 64),
        (200, 200, 64),
        (128, 128, 64),
        (40, 52, 64),
        (30, 30, 28),
    ):
        image = np.asarray(
            cv2.resize(astronaut[60:300, 120:360], (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
        recorder.cases["resize"].append(
            {"image": recorder.image(image), "size": size, "result": resize(image, size).ravel().tolist()}
        )
    classifier = SmileClassifier()
    squares = [Box(150, 40, 290, 180), Box(-20, -10, 100, 110), Box(400, 400, 560, 560)]
    squares += [Box(180, 70, 240, 130), Box(210, 100, 300, 190)]
    inputs = squares_input(astronaut, squares, classifier.info.input)
    doubted = np.abs(calibrated_log_odds(classifier.policy.calibration, classifier.outputs(inputs))) < DOUBTFUL
    assert doubted.tolist() == [False, False, False, True, True]
    recorder.cases["inputs"] = {
        "image": recorder.image(astronaut),
        "squares": [list(square) for square in squares],
        "inputs": [values.ravel().tolist() for values in inputs],
        "smiles": classifier(inputs).tolist(),
    }
    known = DetectedFace(Box(170, 60, 290, 200), 0.9, tuple(float(value) for value in range(180, 190)))  # type: ignore[arg-type]
    patch = FacePatch.cut(astronaut, known)
    assert patch is not None
    recorder.cases["patch"] = []
    for across, down in ((0, 0), (7, -5), (-13, 11), (60, 3)):
        moved = np.roll(astronaut, (down, across), (0, 1))
        noisy = np.clip(moved + random.normal(0, 3, moved.shape), 0, 255).astype(np.uint8)
        found = patch.find(noisy, known)
        recorder.cases["patch"].append(
            {"image": recorder.image(noisy), "face": as_dict(known), "found": as_dict(found)}
        )
    changed = hopper.copy()
    changed[100:220, 60:200] = 255 - changed[100:220, 60:200]
    changed[400:460, 300:380] = 0
    faces = [Box(200, 120, 330, 260)]
    recorder.cases["motion"] = {
        "before": recorder.image(hopper),
        "after": recorder.image(changed),
        "faces": [list(box) for box in faces],
        "regions": [list(box) for box in MotionGate(hopper, faces).moving_regions(changed, faces)],
    }


def record_states(recorder: Recorder) -> None:
    """Smile states of random courses of probability, online and offline."""
    random = np.random.default_rng(SEED)
    recorder.cases["states"] = []
    for decision in (
        DecisionSettings(),
        DecisionSettings(smoothing=0.4, hysteresis=1.0),
        DecisionSettings(smoothing=0.0),
        DecisionSettings(min_smile=0.3, min_pause=0.4, relative=True),
    ):
        course = np.cumsum(random.normal(0, 1.2, 400)) * 0.5 + random.normal(0, 1.5, 400)
        smiles = (1 / (1 + np.exp(-np.clip(course, -9, 9)))).tolist()
        times = np.cumsum(random.choice([0.033, 0.04, 0.12], 400)).tolist()
        state, online_states = SmileState(0.48, decision), []
        for smile, time in zip(smiles, times, strict=True):
            change = state.update(smile, time)
            online_states.append(
                [state.smiling, state.smoothed, state.intensity, change and [change.since, change.peak]]
            )
        path, offline_states = SmilePath(0.48, decision), []
        for smile, time in zip(smiles, times, strict=True):
            path.add(smile, time)
            offline_states += path.settle()
        offline_states += path.settle(ended=True)
        recorder.cases["states"].append(
            {
                "decision": asdict(decision),
                "smiles": smiles,
                "times": times,
                "online": online_states,
                "offline": [[one.smiling, one.smoothed, one.intensity] for one in offline_states],
            }
        )


def record_detectors(recorder: Recorder, detectors: dict[str, dict[Use, FaceDetector]]) -> None:
    """Faces in whole images, in regions, and again."""
    recorder.cases["detect"] = []
    images = [*portraits(), wandering((640, 480))[5]]
    for name, made in detectors.items():
        for grey in images:
            image, height, width = recorder.image(grey), *grey.shape
            region = Box(width // 10, height // 10, width, height - height // 10)
            for use, detector in made.items():
                faces = detector(grey)
                moved = [face._replace(box=face.box.translated(3, -2)) for face in faces]
                recorder.cases["detect"].append(
                    {
                        "detector": name,
                        "use": use.value,
                        "image": image,
                        "faces": [as_dict(face) for face in faces],
                        "region": list(region),
                        "in_region": [as_dict(face) for face in detect_in_regions(detector, grey, [region])],
                        "known": [as_dict(face) for face in moved],
                        "again": [as_dict(face) for face in detector.redetect(grey, moved)],
                    }
                )


def main() -> None:
    """Record all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--yunet", type=Path, help="the file yunet_n_640_640.onnx; without it only the cascade is recorded"
    )
    parser.add_argument("--clip", type=Path, action="append", default=[], help="a video to record as a live stream")
    options = parser.parse_args()
    recorder = Recorder(options.folder)
    detectors = {"haar": {use: DETECTORS["haar"].make(use) for use in Use}}
    if options.yunet:
        spec = DETECTORS["yunet"]
        detectors["yunet"] = {use: YuNetDetector(options.yunet, replace(spec.settings[use])) for use in Use}
    record_images(recorder)
    record_states(recorder)
    record_detectors(recorder, detectors)
    frames = wandering()
    streams = [("wandering", frames, [number / FPS for number in range(len(frames))])]
    streams += [(clip.name, *clip_frames(clip)) for clip in options.clip]
    recorder.cases["streams"] = []
    for title, images, times in streams:
        written = recorder.frames(images)
        for name, made in detectors.items():
            results = online(images, times, made[Use.STREAM], made[Use.THOROUGH], name)
            recorder.cases["streams"].append(
                {"title": title, "detector": name, "frames": written, "times": times, "results": results}
            )
    recorder.close()


if __name__ == "__main__":
    main()
