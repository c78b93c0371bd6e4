"""The tutorial's LeNet in Keras, for the workers that run where Keras is installed and smilecam is not."""

from __future__ import annotations

from typing import Any

SIDE = 28


def keras_lenet() -> Any:  # noqa: ANN401 - Keras's
    """The network with random weights: grey images of 28x28 pixels from 0 to 1, softmax of two classes."""
    import keras
    from keras import layers

    return keras.Sequential(
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
