"""Calibrate a Haar cascade: fit curves from its score, and the filter's log odds, to precision.

The score is the sum of the cascade's last stage, not a probability. Faces are detected permissively (two neighbours,
several sizes, mirrored too) in images with hand-labelled boxes, each detection is matched to the labels, and a logistic
curve is fitted. Its two constants are in ``smilecam.detection.haar``.

    python benchmarks/fit_haar_confidence.py --faces FOLDER

FOLDER holds images and dlib-style XML files with <image file=...><box left= top= width= height=>.
"""

from __future__ import annotations

import argparse
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from smilecam.detection.haar import HaarDetector, HaarSettings
from smilecam.opencv import cv2
from smilecam.types import Box, GreyImage

SEARCH_SIZES = (320, 480, 640, 960)


def read_boxes(folder: Path) -> list[tuple[GreyImage, list[Box]]]:
    """Images with their true boxes, original and mirrored."""
    found = []
    for listing in sorted(folder.glob("*.xml")):
        for image in ET.parse(listing).getroot().iter("image"):  # noqa: S314 - the user's own file
            grey = cv2.imread(str(folder / image.attrib["file"]), cv2.IMREAD_GRAYSCALE)
            boxes = []
            for box in image.iter("box"):
                left, top, width, height = (int(box.attrib[key]) for key in ("left", "top", "width", "height"))
                boxes.append(Box(left, top, left + width, top + height))
            mirrored = [Box(grey.shape[1] - b.x2, b.y1, grey.shape[1] - b.x1, b.y2) for b in boxes]
            found += [(grey, boxes), (np.ascontiguousarray(grey[:, ::-1]), mirrored)]
    return found


def is_true(found: Box, truth: list[Box]) -> bool:
    """Whether a box has its centre in a true one, and a similar size."""
    x, y = (found.x1 + found.x2) / 2, (found.y1 + found.y2) / 2
    return any(box.x1 < x < box.x2 and box.y1 < y < box.y2 and 0.5 < found.width / box.width < 2.2 for box in truth)


def fit_logistic(scores: np.ndarray, truths: np.ndarray) -> tuple[float, float]:
    """Centre and width of the maximum-likelihood logistic curve."""

    def cost(curve: np.ndarray) -> float:
        logits = curve[0] * scores + curve[1]
        return float(np.sum(np.logaddexp(0, logits) - truths * logits))

    slope, offset = minimize(cost, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return -offset / slope, 1 / slope


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    pictures = read_boxes(parser.parse_args().faces)
    scores, truths = [], []
    for size in SEARCH_SIZES:
        search = HaarDetector(HaarSettings(detection_size=size, min_neighbors=2, min_confidence=0))
        for grey, truth in pictures:
            for box, score in search.scored_boxes(grey):
                scores.append(score)
                truths.append(is_true(box, truth))
    centre, width = fit_logistic(np.array(scores), np.array(truths, dtype=float))
    print(f"n {len(scores)} detections, {sum(truths)} true; centre {centre:.3f}, width {width:.3f}")


if __name__ == "__main__":
    main()
