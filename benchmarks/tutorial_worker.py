"""The tutorial loop over recorded video, timed in a process of its own; started by benchmarks/video.py.

    python benchmarks/tutorial_worker.py CLIP FRAMES keras|ONNX_FILE

Each frame is resized to 300 pixels width and converted to grey; a Haar cascade runs on all of it (1.1, 5 neighbours, 30
pixels); the whole box of each face, resized to 28x28 and scaled to 0..1, is one call of the network. This file needs
OpenCV and Keras or ONNX Runtime but not smilecam, so that it runs where Keras is installed. The Keras network has the
tutorial's layers and random weights, which take the same time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from measuring import measured, peak_rss_mb

WIDTH = 300
SIDE = 28

Network = Callable[[Any], float]


def keras_network() -> Network:
    """LeNet, built and called as in the tutorial."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 1)),
            layers.Conv2D(20, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(50, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(500, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    return lambda face: float(model.predict(face[np.newaxis, :, :, np.newaxis], verbose=0)[0][1])


def onnx_network(path: str) -> Network:
    """A network with a grey input of the same size, called once per face."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda face: float(np.ravel(session.run(None, {name: face[np.newaxis, np.newaxis]})[0])[0])


def frames_of(clip: str, most: int) -> Iterator[Any]:
    """The frames of a clip, at most this many."""
    capture = cv2.VideoCapture(clip)
    for _ in range(most):
        there, frame = capture.read()
        if not there:
            break
        yield frame
    capture.release()


def read_film(clip: str, most: int, cascade: Any, network: Network) -> tuple[int, int]:  # noqa: ANN401 - OpenCV's
    """Process a clip; returns the number of frames and of faces."""
    frames = faces = 0
    for frame in frames_of(clip, most):
        height = round(frame.shape[0] * WIDTH / frame.shape[1])
        grey = cv2.cvtColor(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        for x, y, w, h in cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(30, 30)):
            face = cv2.resize(grey[y : y + h, x : x + w], (SIDE, SIDE)).astype(np.float32) / 255
            network(face)
            faces += 1
        frames += 1
    return frames, faces


def main() -> None:
    """Time one clip, and print the result as JSON."""
    clip, most, which = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with measured() as begin:
        cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))
        network = keras_network() if which == "keras" else onnx_network(which)
        network(np.zeros((SIDE, SIDE), np.float32))
        read_film(clip, 1, cascade, network)
    with measured() as cost:
        frames, faces = read_film(clip, most, cascade, network)
    figures = {"frames": frames, "faces": faces, "seconds": cost.seconds, "cpu_seconds": cost.cpu_seconds}
    print(json.dumps({**figures, "start_seconds": begin.seconds, "peak_rss_mb": peak_rss_mb()}))


if __name__ == "__main__":
    main()
