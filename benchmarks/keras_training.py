"""The tutorial's training in Keras, an epoch at a time, in a process of its own; started by benchmarks/training.py.

    python benchmarks/keras_training.py SPLIT.npz SEED

LeNet on 28x28 grey images divided by 255, as in the reference run: Adam, batches of 64, the smaller class weighted up,
shuffled anew in every epoch. Each line on standard input has one epoch trained and validated; its result is a line of
JSON on standard output. The first line there has the versions. The split holds ``images`` and ``labels`` for training
and ``val_images`` and ``val_labels``: uint8 (n, 28, 28) and int64 (n,), 1 smiling. This file needs Keras but not
smilecam.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

from keras_lenet import keras_lenet
from measuring import measured

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

BATCH = 64

Arrays = dict[str, Any]


def lenet() -> Any:  # noqa: ANN401 - Keras's
    """The tutorial's network, ready to be trained."""
    model = keras_lenet()
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def load(path: str) -> Arrays:
    """The split as Keras takes it: float32 images (n, 28, 28, 1) from 0 to 1, one-hot labels (n, 2)."""
    with np.load(path) as split:
        of_labels = {name: np.eye(2, dtype=np.float32)[split[name]] for name in ("labels", "val_labels")}
        of_images = {name: split[name][..., np.newaxis] for name in ("images", "val_images")}
    return of_labels | {name: values.astype(np.float32) / 255 for name, values in of_images.items()}


def class_weights(labels: Any) -> dict[int, float]:  # noqa: ANN401 - an array
    """Weight of each class: size of the larger one divided by its own."""
    counts = labels.sum(axis=0)
    return {number: float(counts.max() / count) for number, count in enumerate(counts)}


def main() -> None:
    """Train for an epoch whenever a line is read."""
    import keras

    keras.utils.set_random_seed(int(sys.argv[2]))
    split, model = load(sys.argv[1]), lenet()
    weights = class_weights(split["labels"])
    print(json.dumps({"keras": keras.__version__, "backend": keras.backend.backend()}), flush=True)
    for _line in sys.stdin:
        with measured() as cost:
            history = model.fit(
                split["images"],
                split["labels"],
                batch_size=BATCH,
                class_weight=weights,
                validation_data=(split["val_images"], split["val_labels"]),
                verbose=0,
            ).history
        figures = {"val_acc": history["val_accuracy"][0], "seconds": cost.seconds, "cpu_seconds": cost.cpu_seconds}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
