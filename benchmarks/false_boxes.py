"""Collect boxes of Haar cascades that hold no face, to train the face filter on.

    python benchmarks/false_boxes.py --faceless FOLDER --videos FOLDER --out false_boxes.npz

Pictures of ``--faceless`` (wallpapers, textures) are reduced and turned by quarters; in frames of ``--videos`` a box is
kept where YuNet, asked for every doubtful face, sees none. Half of the videos are left out, by the checksums of their
names, so that measurements on these have not seen their backgrounds.
"""

from __future__ import annotations

import argparse
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from smilecam.classification.crop import cut, resize, square_in_box
from smilecam.detection.detector_settings import YuNetSettings
from smilecam.detection.files import YUNET_FILE
from smilecam.detection.yunet import YuNetDetector
from smilecam.geometry import iou
from smilecam.opencv import cv2, haarcascades, reduced
from smilecam.presets import CropGeometry
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Box, GreyImage

SIZE = 64
"""Side of a collected square, in pixels."""

CONTEXT = CropGeometry(side=1.2, shift_y=0.075)
"""Of a box: what the filter sees, with a third more on every side, so that training can shift and turn it."""

CASCADES = {"default": 0.6, "alt": 0.2, "alt2": 0.2}
"""OpenCV's cascades for frontal faces, with the share of pictures that each is run on: the shipped one most."""

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}
CHANCE_SQUARES = 4
VIDEO_STEP, VIDEO_FRAMES = 15, 900
"""One of so many frames is used, of the first so many."""


class Collector:
    """Collects boxes until its time is over."""

    def __init__(self, seed: int) -> None:
        """Start empty."""
        self.rng = np.random.default_rng(seed)
        self.squares: list[GreyImage] = []
        self.sources: list[str] = []
        folder = Path(haarcascades)
        self.cascades = [
            cv2.CascadeClassifier(str(folder / f"haarcascade_frontalface_{name}.xml")) for name in CASCADES
        ]
        self.faces = YuNetDetector(YUNET_FILE.load(), YuNetSettings(min_confidence=0.25))

    def take(self, grey: GreyImage, source: str, side: int, turns: tuple[int, ...], most: int) -> None:
        """Collect from an image reduced to ``side`` and turned by each of ``turns`` quarters.

        Turned pictures are left out where there may be a face: YuNet does not find it upside down.
        """
        small = reduced(grey, side)
        faces = [face.box for face in self.faces(small)]
        for turn in turns[:1] if faces else turns:
            turned = np.ascontiguousarray(np.rot90(small, turn))
            boxes = [box for box in self.propose(turned) if not any(near(box, face) for face in faces)]
            self.keep(turned, boxes[:most], source)
            self.keep(
                turned, [box for box in self.chance(turned, faces) if not any(near(box, f) for f in faces)], source
            )

    def keep(self, grey: GreyImage, boxes: list[Box], source: str) -> None:
        """Cut boxes out, with their surroundings."""
        self.squares += [resize(cut(grey, square_in_box(box, CONTEXT)), SIZE) for box in boxes]
        self.sources += [source] * len(boxes)

    def chance(self, grey: GreyImage, faces: list[Box]) -> list[Box]:
        """A few squares anywhere, of any size, and more of them where necks and shirts are."""
        height, width = grey.shape
        boxes = []
        for _ in range(CHANCE_SQUARES):
            side = round(float(np.exp(self.rng.uniform(np.log(24), np.log(0.8 * min(height, width))))))
            x, y = self.rng.integers(0, width - side + 1), self.rng.integers(0, height - side + 1)
            boxes.append(Box(int(x), int(y), int(x) + side, int(y) + side))
        for face in (face for face in faces for _ in range(CHANCE_SQUARES)):
            side = round(face.width * self.rng.uniform(0.5, 1.4))
            x = round((face.x1 + face.x2) / 2 + face.width * self.rng.uniform(-1.2, 1.2) - side / 2)
            y = round(face.y2 + face.width * self.rng.uniform(-0.05, 0.9))
            if 0 < x < width - side and y < height - side:
                boxes.append(Box(x, y, x + side, y + side))
        return boxes

    def propose(self, grey: GreyImage) -> list[Box]:
        """Boxes of one of the cascades, with none or one neighbour, in random order."""
        cascade = self.rng.choice(self.cascades, p=list(CASCADES.values()))
        image = cv2.equalizeHist(grey) if self.rng.random() < 0.3 else grey
        found = cascade.detectMultiScale(image, 1.1, int(self.rng.integers(2)), minSize=(24, 24))
        boxes = [Box(x, y, x + width, y + height) for x, y, width, height in np.reshape(found, (-1, 4)).tolist()]
        self.rng.shuffle(boxes)
        return boxes


def near(box: Box, face: Box) -> bool:
    """Whether a box may show a part of a face that is large enough to count as one."""
    x, y = (face.x1 + face.x2) / 2, (face.y1 + face.y2) / 2
    overlap = iou(box, face)
    return overlap > 0.12 or (box.x1 < x < box.x2 and box.y1 < y < box.y2 and overlap > 0.03)


def pictures(folder: Path) -> Iterator[tuple[Path, GreyImage]]:
    """Images of a folder, large ones first, else in the order of the checksums of their names."""
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    for path in sorted(paths, key=lambda path: (not is_large(path), zlib.crc32(path.name.encode()))):
        grey = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_2 if is_large(path) else cv2.IMREAD_GRAYSCALE)
        if grey is not None and min(grey.shape) >= 128:
            yield path, grey


def is_large(path: Path) -> bool:
    """Whether a file is a photograph or a wallpaper rather than a texture."""
    return path.stat().st_size >= 300_000


def main() -> None:
    """Collect and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faceless", type=Path, required=True)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument(
        "--most", type=int, nargs=2, default=(10_000, 13_000), help="with pictures, and with videos too"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    collector = Collector(options.seed)
    used = 0
    for path, grey in pictures(options.faceless):
        if len(collector.squares) >= options.most[0]:
            break
        large = is_large(path)
        collector.take(grey, path.name, 640, (0, 1, 2, 3) if large else (0, 2), 12 if large else 6)
        used += 1
    print(f"{len(collector.squares)} boxes in {used} pictures", flush=True)
    for path in sorted(options.videos.iterdir()):
        if path.suffix == ".csv" or zlib.crc32(path.name.encode()) % 2:
            continue
        with open_source(find_sources(path)[0]) as source:
            for number, frame in enumerate(itertools.islice(source, VIDEO_FRAMES)):
                if len(collector.squares) >= options.most[1]:
                    break
                if number % VIDEO_STEP == 4 and isinstance(frame, Frame):
                    collector.take(frame.grey, path.name, 1000, (0,), 10)
    print(f"{len(collector.squares)} boxes with those of videos")
    np.savez_compressed(options.out, squares=np.stack(collector.squares), sources=np.array(collector.sources))


if __name__ == "__main__":
    main()
