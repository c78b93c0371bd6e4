"""Calibrate a Haar cascade: fit curves from its score, and the filter's log odds, to precision.

The score is the sum of the cascade's last stage, not a probability. Faces are proposed permissively (several sizes,
mirrored too) in images with hand-labelled boxes and in frames of held-out clips, each proposal is matched to the faces,
and logistic curves are fitted. Their constants are in ``smilecam.detection.haar``.

    python benchmarks/fit_haar_confidence.py --faces FOLDER --videos FOLDER --faceless FOLDER

The folders are those of ``detection.py``; the pictures without faces only count what passes the fitted curve and the
one in use. The curve of the score alone counts images, and boxes that three windows or more agree on.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from detection import FACELESS, Scene, faceless, frames, labelled_pictures, shows
from smilecam.detection.haar import OFFSET, PER_LOG_ODDS, PER_SCORE, HaarDetector, HaarSettings
from smilecam.geometry import iou
from smilecam.types import Box

DETECTION_SIZES = (320, 480, 640, 960)


def mirrored(scene: Scene) -> Scene:
    """A scene and its boxes, left and right exchanged."""
    width = scene.grey.shape[1]
    faces, doubtful = ([Box(width - b.x2, b.y1, width - b.x1, b.y2) for b in boxes] for boxes in scene[1:])
    return Scene(np.ascontiguousarray(scene.grey[:, ::-1]), faces, doubtful)


def proposals(scenes: list[Scene], min_neighbors: int, sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Scores and log odds (n, 2) of all proposals that are surely true or false, and which of them are true."""
    rows, truths = [], []
    for size in sizes:
        detector = HaarDetector(HaarSettings(detection_size=size, min_neighbors=min_neighbors))
        for scene in scenes:
            for box, score, log_odds in detector.proposals(scene.grey):
                true = any(shows(box, face) for face in scene.faces)
                if true or not any(iou(box, other) > 0.1 for other in scene.doubtful):
                    rows.append((score, log_odds))
                    truths.append(true)
    return np.array(rows), np.array(truths, dtype=float)


def fit_logistic(values: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Offset and slopes of the maximum-likelihood logistic curve; ``values`` (n, k)."""

    def cost(curve: np.ndarray) -> float:
        logits = curve[0] + values @ curve[1:]
        return float(np.sum(np.logaddexp(0, logits) - truths * logits))

    return np.asarray(minimize(cost, np.ones(1 + values.shape[1]), method="Nelder-Mead").x)


def passed(values: np.ndarray, truths: np.ndarray, curve: np.ndarray) -> str:
    """How many true and false proposals reach the detectors' minimum of confidence."""
    minimum = HaarSettings().min_confidence
    passes = curve[0] + values @ curve[1:] >= np.log(minimum / (1 - minimum))
    true, false = (int(passes[truths == truth].sum()) for truth in (1, 0))
    return f"{true} of {truths.sum():.0f} true and {false} of {(1 - truths).sum():.0f} false proposals pass"


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--faceless", type=Path, required=True)
    options = parser.parse_args()
    images = [one for scene in labelled_pictures(options.faces) for one in (scene, mirrored(scene))]
    values, truths = proposals(images, 2, DETECTION_SIZES)
    offset, slope = fit_logistic(values[:, :1], truths)
    print(f"score alone: n {len(truths)}, {truths.sum():.0f} true; centre {-offset / slope:.3f}, width {1 / slope:.3f}")
    clips = [one for scene in frames(options.videos) for one in (scene, mirrored(scene))]
    values, truths = proposals([*images, *clips], 1, DETECTION_SIZES[1::2])
    fitted, used = fit_logistic(values, truths), np.array([OFFSET, PER_SCORE, PER_LOG_ODDS])
    offset, score, log_odds = fitted
    print(f"both: n {len(truths)}, {truths.sum():.0f} true; {offset:.3f} + {score:.3f} score + {log_odds:.3f} log odds")
    others = proposals(list(itertools.islice(faceless(options.faceless), FACELESS)), 1, DETECTION_SIZES[1::2])
    values, truths = np.concatenate([values, others[0]]), np.concatenate([truths, others[1]])
    print(f"fitted: {passed(values, truths, fitted)}; in use: {passed(values, truths, used)}")


if __name__ == "__main__":
    main()
