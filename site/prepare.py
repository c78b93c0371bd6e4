"""Write what the page without a server takes from the Python package: models, settings, cascade, detector file.

    python site/prepare.py FOLDER [--yunet FILE]

``npm run build`` calls it. smilecam must be importable; nothing is downloaded. YuNet is taken from FILE, or from where
``smilecam models fetch yunet`` has put it; without it the page detects faces by the cascade alone.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import xml.etree.ElementTree as ET
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from smilecam import __version__
from smilecam.classification.classifier import DEFAULT_MODEL, SmileClassifier, model_path
from smilecam.detection import face_filter, haar
from smilecam.detection.cascade import CASCADE
from smilecam.detection.files import YUNET_FILE
from smilecam.detection.registry import BUNDLED_DETECTOR, DETECTORS, PREFERRED_DETECTOR
from smilecam.errors import SmilecamError
from smilecam.opencv import haarcascades
from smilecam.presets import InputSpec, OperatingPoint
from smilecam.server.stream_settings import MAX_FACES, NUMBERS
from smilecam.tracking.smile_state import DecisionSettings

MODELS = (DEFAULT_MODEL,)
"""Networks that the page offers: the default is the more accurate one, and a quarter of the size of the other."""


def input_spec(spec: InputSpec) -> dict[str, Any]:
    """A network's input."""
    return {"size": spec.size, "normalization": spec.normalization.value}


def model(name: str) -> dict[str, Any]:
    """What the page needs to know about a network."""
    info = SmileClassifier(name).info
    policies = [
        {
            "name": policy.name,
            "weights": list(policy.calibration.weights),
            "offset": policy.calibration.offset,
            "thresholds": {point.value: threshold for point, threshold in policy.thresholds.items()},
        }
        for policy in info.policies.values()
    ]
    default = info.policy().name
    policies.sort(key=lambda policy: policy["name"] != default)
    crops = {name: asdict(spec.landmark_crop or info.crop_for(name)) for name, spec in DETECTORS.items()}
    return {
        "name": name,
        "version": info.version,
        "input": input_spec(info.input),
        "policies": policies,
        "crops": crops,
    }


def description(*, with_yunet: bool) -> dict[str, Any]:
    """Models, detectors (the first is the default) and settings that are in force when nobody has changed any."""
    return {
        "version": __version__,
        "models": [model(name) for name in MODELS],
        "detectors": {
            name: {use.value: asdict(settings) for use, settings in spec.settings.items()}
            for name, spec in DETECTORS.items()
        },
        "available": [*([PREFERRED_DETECTOR] if with_yunet else []), BUNDLED_DETECTOR],
        "haar": {
            "crop": asdict(face_filter.CROP),
            "input": input_spec(face_filter.INPUT),
            "offset": haar.OFFSET,
            "per_score": haar.PER_SCORE,
            "per_log_odds": haar.PER_LOG_ODDS,
            "max_iou": haar.MAX_IOU,
            "score_centre": haar.SCORE_CENTRE,
            "score_width": haar.SCORE_WIDTH,
        },
        "operating_point": OperatingPoint.BALANCED.value,
        "decision": asdict(DecisionSettings()),
        "largest": NUMBERS,
        "max_faces": MAX_FACES,
    }


def yunet(given: Path | None) -> bytes | None:
    """The verified content of the face detector's file; None where it is not at hand.

    Raises:
        ModelFileError: it is another file.
    """
    path = given or (YUNET_FILE.path if YUNET_FILE.is_present() else None)
    return None if path is None else YUNET_FILE.read(path)


def cascade(path: Path) -> tuple[bytes, str]:
    """A cascade of OpenCV in the form that detection/cascade.js reads, and the licence at the head of its file."""
    text = path.read_text("utf-8")
    root = ET.fromstring(text)[0]  # noqa: S314 - of an installed package
    counts, limits, stumps = [], [], []
    for stage in root.findall("stages/_"):
        found = stage.findall("weakClassifiers/_")
        counts.append(len(found))
        limits.append(float(stage.findtext("stageThreshold", "")))
        for stump in found:
            _, _, feature, threshold = stump.findtext("internalNodes", "").split()
            left, right = stump.findtext("leafValues", "").split()
            stumps.append((float(threshold), float(left), float(right), int(feature)))
    places, weights = [], []
    for feature_node in root.findall("features/_"):
        parts = [part.text.split() for part in feature_node.findall("rects/_") if part.text]
        parts += [["0"] * 5] * (3 - len(parts))
        places += [int(value) for part in parts for value in part[:4]]
        weights += [float(part[4]) for part in parts]
    thresholds, lefts, rights, features = zip(*stumps, strict=True)
    side = int(root.findtext("width", ""))
    head = struct.pack("<4I", side, len(counts), len(stumps), len(weights) // 3)
    body = [(counts, "I"), (limits, "f"), (thresholds, "f"), (lefts, "f"), (rights, "f"), (features, "I")]
    packed = [struct.pack(f"<{len(values)}{kind}", *values) for values, kind in [*body, (places, "i"), (weights, "f")]]
    return head + b"".join(packed), text[text.index("<!--") + 4 : text.index("-->")].strip()


def main() -> None:
    """Write all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--yunet", type=Path, help="the file of the face detector YuNet")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    network = yunet(options.yunet)
    if network is not None:
        (folder / "yunet.onnx").write_bytes(network)
    content = description(with_yunet=network is not None)
    (folder / "models.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    for name in MODELS:
        (folder / f"{name}.onnx").write_bytes(model_path(name).read_bytes())
    (folder / "face-filter.onnx").write_bytes((resources.files("smilecam.detection") / "face_filter.onnx").read_bytes())
    packed, licence = cascade(Path(haarcascades) / CASCADE)
    (folder / "haar.bin").write_bytes(packed)
    (folder / "haar-licence.txt").write_text(f"{CASCADE} of OpenCV, converted. Its licence:\n\n{licence}\n", "utf-8")


if __name__ == "__main__":
    try:
        main()
    except SmilecamError as error:
        sys.exit(f"error: {error}")
