"""The loop that users of other packages write: a folder of photos in, whether the first face smiles out.

python scan_peer.py fer|deepface FOLDER ANSWERS, in an interpreter that has the package.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2


def smiles_by_fer(paths: list[Path]) -> Iterator[tuple[str, bool]]:
    """FER with OpenCV's Haar cascade, its default."""
    from fer.fer import FER

    detector = FER()
    for path in paths:
        faces = detector.detect_emotions(cv2.imread(str(path)))
        if faces:
            emotions = faces[0]["emotions"]
            yield path.name, max(emotions, key=emotions.get) == "happy"


def smiles_by_deepface(paths: list[Path]) -> Iterator[tuple[str, bool]]:
    """DeepFace with OpenCV's Haar cascade, its default."""
    from deepface import DeepFace

    DeepFace.build_model("Emotion", task="facial_attribute")  # else missing weights look like missing faces
    for path in paths:
        try:
            faces = DeepFace.analyze(str(path), actions=["emotion"], silent=True)
        except ValueError:  # no face
            continue
        yield path.name, faces[0]["dominant_emotion"] == "happy"


if __name__ == "__main__":
    package, folder, answers = sys.argv[1:]
    smiles = {"fer": smiles_by_fer, "deepface": smiles_by_deepface}[package]
    Path(answers).write_text(json.dumps(dict(smiles(sorted(Path(folder).iterdir())))))
