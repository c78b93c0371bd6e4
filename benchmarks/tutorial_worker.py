"""The tutorial loop over recorded video, timed in a process of its own; started by benchmarks/video.py.

    python benchmarks/tutorial_worker.py CLIP FRAMES keras|smile_cascade|fer|ONNX_FILE

Each frame is resized to 300 pixels width and converted to grey; a Haar cascade runs on all of it (1.1, 5 neighbours, 30
pixels); the whole box of each face, resized to 28x28 and scaled to 0..1, is one call of the network. This file needs
OpenCV and Keras or ONNX Runtime but not smilecam, so that it runs where Keras is installed. The Keras network has the
tutorial's layers and random weights, which take the same time. "smile_cascade" is what other tutorials do: the frame in
its own size, and OpenCV's haarcascade_smile in the lower half of each face (1.7, 20 neighbours). "fer" is the loop of
the FER package's introduction, where that is installed: each frame in its own size to its detector of emotions.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_lenet import SIDE, keras_lenet
from measuring import measured, peak_rss_mb

WIDTH = 300

Network = Callable[[Any], float]
Film = Callable[[str, int], tuple[int, int]]


def keras_network() -> Network:
    """LeNet, built and called as in the tutorial."""
    model = keras_lenet()
    return lambda face: float(model.predict(_scaled(face)[np.newaxis, :, :, np.newaxis], verbose=0)[0][1])


def onnx_network(path: str) -> Network:
    """A network with a grey input of the same size, called once per face."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda face: float(np.ravel(session.run(None, {name: _scaled(face)[np.newaxis, np.newaxis]})[0])[0])


def smile_cascade() -> Network:
    """OpenCV's own smile cascade, in the lower half of a face."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_smile.xml"))
    return lambda face: float(len(cascade.detectMultiScale(face[len(face) // 2 :], scaleFactor=1.7, minNeighbors=20)))


def fer_film() -> Film:
    """Frames to the FER package, with its defaults; numbers of frames and of faces."""
    from fer.fer import FER

    detector = FER()

    def read(clip: str, most: int) -> tuple[int, int]:
        found = [len(detector.detect_emotions(frame) or ()) for frame in frames_of(clip, most)]
        return len(found), sum(found)

    return read


def tutorial_film(which: str) -> Film:
    """Frames to the cascade and a network; numbers of frames and of faces."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))
    made = {"keras": keras_network, "smile_cascade": smile_cascade}
    network = made[which]() if which in made else onnx_network(which)
    network(np.zeros((SIDE, SIDE), np.uint8))
    width = None if which == "smile_cascade" else WIDTH
    return lambda clip, most: read_film(clip, most, cascade, network, width)


def _scaled(face: Any) -> Any:  # noqa: ANN401 - OpenCV's
    return cv2.resize(face, (SIDE, SIDE)).astype(np.float32) / 255


def frames_of(clip: str, most: int) -> Iterator[Any]:
    """The frames of a clip, at most this many."""
    capture = cv2.VideoCapture(clip)
    for _ in range(most):
        there, frame = capture.read()
        if not there:
            break
        yield frame
    capture.release()


def read_film(
    clip: str,
    most: int,
    cascade: Any,  # noqa: ANN401 - OpenCV's
    network: Network,
    width: int | None,
) -> tuple[int, int]:
    """Process a clip; returns the number of frames and of faces."""
    frames = faces = 0
    for frame in frames_of(clip, most):
        if width is not None:
            height = round(frame.shape[0] * width / frame.shape[1])
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        for x, y, w, h in cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(30, 30)):
            network(grey[y : y + h, x : x + w])
            faces += 1
        frames += 1
    return frames, faces


def main() -> None:
    """Time one clip, and print the result as JSON."""
    clip, most, which = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with measured() as begin:
        film = fer_film() if which == "fer" else tutorial_film(which)
        film(clip, 1)
    with measured() as cost:
        frames, faces = film(clip, most)
    figures = {"frames": frames, "faces": faces, "seconds": cost.seconds, "cpu_seconds": cost.cpu_seconds}
    print(json.dumps({**figures, "start_seconds": begin.seconds, "peak_rss_mb": peak_rss_mb()}))


if __name__ == "__main__":
    main()
