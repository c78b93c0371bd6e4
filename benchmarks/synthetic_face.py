"""Detectors and networks on the synthetic face; run after a change to its drawing.

    python benchmarks/synthetic_face.py [--yunet FILE]

For each face size, at random positions in a 640x480 frame: recall, number of false detections, lowest IoU with the
ground truth, and the highest smile probability of a neutral face and the lowest of a smiling one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from smilecam.classification.classifier import SmileClassifier, model_names
from smilecam.classification.crop import squares_input
from smilecam.detection.base import FaceDetector
from smilecam.detection.haar import HaarDetector
from smilecam.detection.registry import detector_spec
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.sources.synthetic_face import SyntheticFace
from smilecam.types import Box

SIZES = (60, 80, 100, 120, 160, 200, 250, 300, 380)
SAME_FACE = 0.4


def measure(detector: FaceDetector, size: int, times: np.ndarray) -> str:
    """One line of the table."""
    face = SyntheticFace(size=size)
    networks = {name: SmileClassifier(name) for name in model_names()}
    read: dict[tuple[str, int], list[float]] = {(name, smile): [] for name in networks for smile in (0, 1)}
    overlaps, false = [], 0
    for smile, time in ((smile, time) for smile in (0, 1) for time in times):
        grey = np.asarray(cv2.cvtColor(face.image(smile, time), cv2.COLOR_BGR2GRAY), np.uint8)
        truth: Box = face.boxes(time)[0]
        found = [seen for seen in detector(grey) if iou(seen.box, truth) >= SAME_FACE]
        false += len(detector(grey)) - len(found)
        overlaps += [iou(seen.box, truth) for seen in found[:1]]
        for name, network in networks.items():
            squares = [detector_spec(detector.name).crop(network.info)(seen) for seen in found[:1]]
            read[name, smile] += network(squares_input(grey, squares, network.info.input)).tolist()
    n = 2 * len(times)
    line = f"{detector.name:6} {size:4} n {n}: found {len(overlaps) / n:.1%}, false {false}, IoU {min(overlaps):.2f}"
    ends = [f"{name} {max(read[name, 0]):.3f} {min(read[name, 1]):.3f}" for name in networks]
    return f"{line}, " + ", ".join(ends)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yunet", type=Path)
    parser.add_argument("--frames", type=int, default=50, help="Frames for each size and expression.")
    arguments = parser.parse_args()
    times = np.random.default_rng(0).uniform(0, 100, arguments.frames)
    detectors: list[FaceDetector] = [HaarDetector()]
    if arguments.yunet:
        from smilecam.detection.yunet import YuNetDetector

        detectors.append(YuNetDetector(arguments.yunet))
    for detector in detectors:
        for size in SIZES:
            print(measure(detector, size, times), flush=True)


if __name__ == "__main__":
    main()
