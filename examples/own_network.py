"""Train a network of your own in plain PyTorch, and export it to a file that smilecam runs.

    pip install -c constraints.txt ".[train]"
    smilecam data crop my-photos --out my-faces          # or any data set of ``smilecam train``
    python examples/own_network.py my-faces mine.onnx
    smilecam detect party.jpg --model mine.onnx

For the networks and recipes that smilecam brings, use ``smilecam train``: it has augmentation, teachers and
cross-validation. This is for a network of another kind.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from smilecam import SmileDetector
from smilecam.classification.model_info import ModelInfo
from smilecam.data.faces import FaceSet, load_faces
from smilecam.data.splits import stratified_split
from smilecam.evaluation.predictions import Predictions
from smilecam.presets import HAAR_TO_SMILES, InputSpec, Normalization
from smilecam.training.calibrate import make_policy
from smilecam.training.engine import plain_inputs
from smilecam.training.export import TrainedModel, to_onnx

INPUT = InputSpec(size=32, normalization=Normalization.STANDARDIZE)


class OwnNet(nn.Module):
    """Any network does that takes float32 (n, 1, size, size) and gives float32 (n, 1): the log odds of a smile."""

    def __init__(self) -> None:
        """Make it with fresh weights."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * (INPUT.size // 4) ** 2, 1),
        )  # fmt: skip

    def forward(self, faces: Tensor) -> Tensor:
        """Compute the log odds."""
        logits: Tensor = self.layers(faces)
        return logits


def train(network: nn.Module, inputs: Tensor, labels: Tensor, epochs: int) -> None:
    """The shortest training that works: Adam, batches of 64, classes weighed alike."""
    weight = (labels == 0).sum() / (labels == 1).sum()
    loss_of = nn.BCEWithLogitsLoss(pos_weight=weight)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for rows in torch.randperm(len(labels)).split(64):
            optimizer.zero_grad()
            loss = loss_of(network(inputs[rows])[:, 0], labels[rows].float())
            loss.backward()
            optimizer.step()
            total += float(loss) * len(rows)
        print(f"epoch {epoch:2}  loss {total / len(labels):.4f}")


def held_out(network: nn.Module, faces: FaceSet) -> Predictions:
    """What the network says of faces that it was not trained on: calibration and thresholds come from these."""
    network.eval()
    with torch.no_grad():
        logits = network(plain_inputs(faces.framed, INPUT)).double().numpy()
    return Predictions(faces.names, faces.labels, logits)


def main() -> None:
    """Read the arguments, train, export, and load the file again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder or archive of labelled face crops")
    parser.add_argument("output", type=Path, help="model file to write (.onnx)")
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()

    torch.manual_seed(0)
    faces = load_faces(arguments.data)
    training, validation = (faces.take(rows) for rows in stratified_split(faces, 0.25, seed=0))
    network = OwnNet()
    train(network, plain_inputs(training.framed, INPUT), torch.from_numpy(training.labels), arguments.epochs)

    policy = make_policy("mine", [held_out(network, validation)], f"{len(validation)} faces of {arguments.data.name}")
    info = ModelInfo(
        name=arguments.output.stem,
        version="1",
        input=INPUT,
        crops={"haar": HAAR_TO_SMILES},  # how to cut a face so that it looks like those of training
        policies={policy.name: policy},
        training={"data": arguments.data.name, "content_digest": faces.content_digest, "epochs": arguments.epochs},
        metrics={"validation": policy.costs},
        commit="unknown",
    )
    arguments.output.write_bytes(to_onnx(TrainedModel(network, info)))
    with SmileDetector(model=arguments.output, detector="haar") as detector:
        print(f"wrote {arguments.output}: {detector}")
        print(f"on {len(validation)} faces held out: {policy.costs['balanced']}")


if __name__ == "__main__":
    main()
