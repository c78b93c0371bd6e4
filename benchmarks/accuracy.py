"""Comparison with other smile classifiers on the same faces, in one run.

    python benchmarks/accuracy.py --data FOLDER [--tutorial MODEL.onnx] [--tune FOLDER] [--json PATH]

FOLDER holds smile/ and not_smile/ with images that are whole Haar boxes. Compared are the packaged models; the
well-known tutorial, i.e. LeNet by the recipe "classic" on the whole box at threshold .5 (--tutorial: an exported run);
OpenCV's haarcascade_smile in the lower half of the face, with the best number of neighbours on the faces of --tune;
and, if installed, the FER package on the same boxes, at .5 and at the best threshold on the faces of --tune.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smilecam import provenance
from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import network_input
from smilecam.data.faces import LabelledFace, iter_faces
from smilecam.detection.haar import HaarDetector
from smilecam.evaluation.metrics import Metrics, best_threshold, measure
from smilecam.opencv import cv2, haarcascades
from smilecam.presets import WHOLE_BOX
from smilecam.types import Box, GreyImage

Scorer = Callable[[GreyImage], float]
Probabilities = npt.NDArray[np.float64]


def whole(picture: GreyImage) -> Box:
    """Box of the whole image."""
    return Box(0, 0, picture.shape[1], picture.shape[0])


def packaged(model: str) -> tuple[Scorer, float]:
    """A packaged model with smilecam's crop, and its threshold."""
    classifier = SmileClassifier(model)
    geometry = classifier.info.crop_for(HaarDetector.name)

    def score(picture: GreyImage) -> float:
        return float(classifier(network_input(picture, [whole(picture)], geometry, classifier.info.input))[0])

    return score, classifier.policy.threshold()


def tutorial(model: str) -> Scorer:
    """A network on the whole box, as in the tutorial."""
    classifier = SmileClassifier(model)

    def score(picture: GreyImage) -> float:
        return float(classifier(network_input(picture, [whole(picture)], WHOLE_BOX, classifier.info.input))[0])

    return score


MOST_NEIGHBOURS = 120


def smile_cascade() -> Scorer:
    """Largest number of neighbours, as a share of 120, at which OpenCV still reports a smile; 0 for none."""
    cascade = cv2.CascadeClassifier(str(Path(haarcascades) / "haarcascade_smile.xml"))

    def score(picture: GreyImage) -> float:
        face = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_LINEAR)
        hits, neighbours = cascade.detectMultiScale2(face[64:], scaleFactor=1.1, minNeighbors=1, minSize=(32, 16))
        most = max((int(count) for count in np.ravel(neighbours)), default=0) if len(hits) else 0
        return min(most, MOST_NEIGHBOURS) / MOST_NEIGHBOURS

    return score


def fer_package() -> Scorer | None:
    """The "happy" output of the FER package on the whole box; None if it is not installed."""
    if importlib.util.find_spec("fer") is None:
        return None
    from fer.fer import FER

    detector = FER()

    def score(picture: GreyImage) -> float:
        colour = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        found = detector.detect_emotions(colour, face_rectangles=[(0, 0, picture.shape[1], picture.shape[0])])
        return float(found[0]["emotions"]["happy"])

    return score


def scores_of(scorer: Scorer, faces: list[LabelledFace]) -> Probabilities:
    """Score of every face."""
    return np.array([scorer(face.grey) for face in faces], np.float64)


def labels_of(faces: list[LabelledFace]) -> npt.NDArray[np.int64]:
    """Labels of the faces."""
    return np.array([face.label for face in faces], np.int64)


def contestants(options: argparse.Namespace) -> dict[str, tuple[Scorer, float]]:
    """Name -> scorer and threshold."""
    found = {name: packaged(name) for name in ("smilenet", "lenet")}
    if options.tutorial:
        found["tutorial: classic LeNet, whole box"] = tutorial(options.tutorial), 0.5
    fer = fer_package()
    if options.tune:
        faces = list(iter_faces(options.tune)[1])
        cascade = smile_cascade()
        threshold = tuned(cascade, faces)
        found[f"haarcascade_smile, neighbours > {threshold * MOST_NEIGHBOURS:.1f}"] = cascade, threshold
        if fer:
            found["FER package, whole box, threshold tuned"] = fer, tuned(fer, faces)
    if fer:
        found["FER package, whole box"] = fer, 0.5
    return found


def tuned(scorer: Scorer, faces: list[LabelledFace]) -> float:
    """Threshold of the best balanced accuracy on these faces."""
    return best_threshold(labels_of(faces), scores_of(scorer, faces))


def main() -> None:
    """Score every classifier on the same faces, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tutorial")
    parser.add_argument("--tune", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    faces = list(iter_faces(options.data)[1])
    print("| classifier | threshold | accuracy (95 % interval) | balanced accuracy | AUC | ms per face |")
    print("|---|---|---|---|---|---|")
    rows: dict[str, dict[str, Any]] = {}
    for name, (scorer, threshold) in contestants(options).items():
        started = time.perf_counter()
        metrics = measure(labels_of(faces), scores_of(scorer, faces), threshold)
        milliseconds = 1000 * (time.perf_counter() - started) / len(faces)
        print(_row(name, metrics, milliseconds), flush=True)
        rows[name] = {field: getattr(metrics, field) for field in metrics.__slots__} | {"ms_a_face": milliseconds}
    print(f"\nn {len(faces)}, commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"rows": rows, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _row(name: str, metrics: Metrics, milliseconds: float) -> str:
    interval = f"{metrics.accuracy:.4f} ({metrics.accuracy_low:.3f}-{metrics.accuracy_high:.3f})"
    return (
        f"| {name} | {metrics.threshold:.3f} | {interval} | {metrics.balanced_accuracy:.4f} | {metrics.auc:.4f} "
        f"| {milliseconds:.2f} |"
    )


if __name__ == "__main__":
    main()
