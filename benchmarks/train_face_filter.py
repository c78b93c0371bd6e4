"""Train the network that refuses false boxes of the Haar cascade, and write it as ``weights/face_filter.onnx``.

    python benchmarks/train_face_filter.py --faces mtfl_smile_g96.zip --faces celeba_smile_g96.zip \
        --faces fer2013_train.zip --false-boxes false_boxes.npz --out run

Faces are those of the data sets for smiles, whatever their label; false boxes come from ``false_boxes.py``, a fifth of
whose sources, chosen by the checksum of their names, are held out. The run's folder gets ``face_filter.onnx``,
``config.json`` and ``log.txt``; an interrupted run starts anew, for it takes minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from torch import Tensor, nn

from smilecam import provenance
from smilecam.data.faces import load_faces
from smilecam.detection.face_filter import INPUT
from smilecam.training.augment import area_weights, augment, to_input
from smilecam.training.export import network_to_onnx
from smilecam.training.models import SmileNet
from smilecam.training.recipe import Augmentation

WIDTHS = (16, 24, 32)
"""Of a SmileNet: channels of the stem and of each block."""

FACE_MARGIN = 7
"""Pixels on each edge of ``FaceSet.images`` outside what the filter sees: 88 pixels for 1.019 of a Haar box."""

FALSE_MARGIN = 9
"""The same for the squares of ``false_boxes.py``: 64 pixels for 1.2 of a box."""

RENDERED = 48
"""Side of the augmented images from which the input is made, in pixels."""

HELD_OUT_FACES = 3000
FACES, FALSE_BOXES = 96, 144
"""Of a batch."""

AUGMENTATION = Augmentation(
    translation=0.11, rotation=18, scale=0.22, flip=0.5, brightness=30, contrast=0.4, stretch=0.06, gamma=0.9,
    gradient=40, noise=6, degrade=0.35, occlusion=0.1,
)  # fmt: skip
"""Boxes that one or two windows of the cascade saw lie off by a tenth of their side, and are too large or too small."""

LEARNING_RATE, WEIGHT_DECAY, SMOOTHING = 6e-3, 0.03, 0.01
KEPT = (0.999, 0.995, 0.99, 0.98)
"""Shares of faces for which the log shows the share of false boxes that are kept, too."""


class Batches:
    """Random batches of faces and false boxes, and those held out."""

    def __init__(self, faces: list[Path], false_boxes: Path, seed: int) -> None:
        """Load both."""
        self.generator = torch.Generator().manual_seed(seed)
        rng = np.random.default_rng(seed)
        images = np.concatenate([load_faces(path).images for path in faces])
        order = rng.permutation(len(images))
        self.held_out_faces = torch.from_numpy(images[order[:HELD_OUT_FACES]])
        self.faces = torch.from_numpy(images[order[HELD_OUT_FACES:]])
        boxes = np.load(false_boxes)
        held_out = np.array([zlib.crc32(str(name).encode()) % 5 == 0 for name in boxes["sources"]])
        self.held_out_boxes = torch.from_numpy(boxes["squares"][held_out])
        self.boxes = torch.from_numpy(boxes["squares"][~held_out])
        self.weights = area_weights(RENDERED, INPUT.size)

    def next(self) -> tuple[Tensor, Tensor]:
        """Inputs (n, 1, size, size) and targets (n,)."""
        faces = self.augmented(self._some(self.faces, FACES), FACE_MARGIN)
        boxes = self.augmented(self._some(self.boxes, FALSE_BOXES), FALSE_MARGIN)
        targets = torch.cat([torch.full((FACES,), 1 - SMOOTHING), torch.full((FALSE_BOXES,), SMOOTHING)])
        return torch.cat([faces, boxes]), targets

    def _some(self, images: Tensor, n: int) -> Tensor:
        return images[torch.randint(len(images), (n,), generator=self.generator)]

    def augmented(self, images: Tensor, margin: int) -> Tensor:
        """Inputs of images that were changed at random."""
        changed = augment(images.float().unsqueeze(1), AUGMENTATION, self.generator, RENDERED, margin)
        return to_input(changed, self.weights, INPUT)

    def plain(self, images: Tensor, margin: int) -> Tensor:
        """Inputs of images as they are."""
        inside = images[:, margin:-margin, margin:-margin].float().unsqueeze(1)
        return to_input(inside, area_weights(inside.shape[-1], INPUT.size), INPUT)


def train(batches: Batches, steps: int, log: TextIO) -> SmileNet:
    """Train one network, and log how it does on what is held out."""
    network = SmileNet(WIDTHS, dropout=0.1, policies=1)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    started, loss_sum = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        inputs, targets = batches.next()
        loss = nn.functional.binary_cross_entropy_with_logits(network(inputs)[:, 0], targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        loss_sum += loss.item()
        if step % 100 == 0:
            say(log, f"step {step}: loss {loss_sum / 100:.4f}, {time.monotonic() - started:.0f} s")
            loss_sum = 0.0
        if step % 500 == 0 or step == steps:
            evaluate(network, batches, log)
    return network


def evaluate(network: SmileNet, batches: Batches, log: TextIO) -> None:
    """Log what is kept of faces and false boxes at several thresholds."""
    network.eval()
    with torch.no_grad():
        faces = network(batches.plain(batches.held_out_faces, FACE_MARGIN))[:, 0]
        changed = network(batches.augmented(batches.held_out_faces, FACE_MARGIN))[:, 0]
        boxes = network(batches.plain(batches.held_out_boxes, FALSE_MARGIN))[:, 0]
    network.train()
    for kept in KEPT:
        threshold = torch.quantile(faces, 1 - kept)
        shares = ((values >= threshold).float().mean() for values in (changed, boxes))
        say(log, f"  {kept:.3f} of faces kept at log odds {threshold:.2f}: {next(shares):.4f} of augmented ones, "
            f"{next(shares):.4f} of false boxes")  # fmt: skip


def say(log: TextIO, line: str) -> None:
    """Print a line and write it to the log."""
    print(line, flush=True)
    log.write(f"{line}\n")
    log.flush()


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True, action="append")
    parser.add_argument("--false-boxes", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    batches = Batches(options.faces, options.false_boxes, options.seed)
    config = {
        "command": f"python benchmarks/train_face_filter.py {' '.join(Path(word).name for word in sys.argv[1:])}",
        "faces": len(batches.faces), "false_boxes": len(batches.boxes), "held_out_faces": HELD_OUT_FACES,
        "held_out_false_boxes": len(batches.held_out_boxes), "widths": WIDTHS, "augmentation": asdict(AUGMENTATION),
        "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY, "seed": options.seed,
        "commit": provenance.commit(), "machine": provenance.machine(),
        "versions": provenance.versions("torch", "onnx", "numpy", "opencv-python-headless"),
    }  # fmt: skip
    (options.out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    with (options.out / "log.txt").open("w", encoding="utf-8") as log:
        say(log, f"{len(batches.faces)} faces, {len(batches.boxes)} false boxes")
        network = train(batches, options.steps, log)
    content = network_to_onnx(
        network.eval(), INPUT.size, {"smilecam": json.dumps({"name": "face_filter", "version": "1"})}
    )
    (options.out / "face_filter.onnx").write_bytes(content)


if __name__ == "__main__":
    main()
