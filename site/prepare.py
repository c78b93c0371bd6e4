"""Write what the page without a server takes from the Python package: models, settings, the cascade of OpenCV.

    python site/prepare.py FOLDER
    python site/prepare.py --yunet      # prints which file YuNet's is

``npm run build`` calls it. smilecam must be importable; nothing is downloaded.
"""

from __future__ import annotations

import json
import struct
import sys
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path
from typing import Any

from smilecam import __version__
from smilecam.classification.classifier import DEFAULT_MODEL, SmileClassifier, model_path
from smilecam.detection.files import YUNET_FILE
from smilecam.detection.haar import CASCADE
from smilecam.detection.registry import DETECTORS
from smilecam.opencv import haarcascades
from smilecam.presets import OperatingPoint
from smilecam.server.stream_settings import MAX_FACES, NUMBERS
from smilecam.tracking.smile_state import DecisionSettings

MODELS = (DEFAULT_MODEL,)
"""Networks that the page offers: the default is the more accurate one, and a quarter of the size of the other."""


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
    spec = {"size": info.input.size, "normalization": info.input.normalization.value}
    crops = {name: asdict(spec.landmark_crop or info.crop_for(name)) for name, spec in DETECTORS.items()}
    return {"name": name, "version": info.version, "input": spec, "policies": policies, "crops": crops}


def description() -> dict[str, Any]:
    """Models, detectors and the settings that are in force when nobody has changed any."""
    return {
        "version": __version__,
        "models": [model(name) for name in MODELS],
        "detectors": {
            name: {use.value: asdict(settings) for use, settings in spec.settings.items()}
            for name, spec in DETECTORS.items()
        },
        "operating_point": OperatingPoint.BALANCED.value,
        "decision": asdict(DecisionSettings()),
        "largest": NUMBERS,
        "max_faces": MAX_FACES,
    }


def yunet_file() -> dict[str, Any]:
    """Which file the face detector needs that the build may add, and where it is."""
    return {"name": YUNET_FILE.name, "sha256": YUNET_FILE.sha256, "size": YUNET_FILE.size, "urls": YUNET_FILE.urls}


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


def main(folder: Path) -> None:
    """Write all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.json").write_text(json.dumps(description(), indent=1) + "\n", "utf-8")
    for name in MODELS:
        (folder / f"{name}.onnx").write_bytes(model_path(name).read_bytes())
    content, licence = cascade(Path(haarcascades) / CASCADE)
    (folder / "haar.bin").write_bytes(content)
    (folder / "haar-licence.txt").write_text(f"{CASCADE} of OpenCV, converted. Its licence:\n\n{licence}\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "--yunet":
        print(json.dumps(yunet_file()))
    else:
        main(Path(sys.argv[1]))
