"""Make the pictures of docs/gallery.md that nothing else makes: docs/images/gallery_*.jpg.

    python docs/make_gallery.py [FOLDER]

Each is what the command beside it in the gallery writes, reduced to the width of a page. They show two portraits in
the public domain and drawn faces: the astronaut Eileen Collins (NASA, inside scikit-image's wheel) and Grace Hopper (US
Navy, inside matplotlib's). Needs the extra demo.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from smilecam import SmileDetector, load_image
from smilecam.cli.main import call
from smilecam.demo import portraits
from smilecam.opencv import cv2
from smilecam.sources.images import save_image
from smilecam.types import Image

WIDTH = 900
"""Pixels across a picture of the gallery."""

VIEWS = ((60, 0, 330), (60, 20, 420))
"""Left, top and side of the part of each portrait that is shown."""

DRAWN = "synthetic:face:960x400@10?seconds=3&faces=3"
SHOWN_SECOND = 2.0


def smilecam(*arguments: str) -> None:
    """Run a command."""
    if code := call(list(arguments)):
        sys.exit(f"smilecam {' '.join(arguments)} ended with exit code {code}")


def make_photos(folder: Path) -> None:
    """Photos of each portrait, some of them darker or tilted."""
    folder.mkdir()
    for number, view in enumerate(views(), 1):
        for variant, turn in enumerate((0.0, 5.0, -7.0)):
            matrix = cv2.getRotationMatrix2D((240, 240), turn, 1.0 + 0.05 * variant)
            turned = cv2.warpAffine(view, matrix, (480, 480), borderMode=cv2.BORDER_REFLECT)
            dark = cv2.convertScaleAbs(turned, alpha=1.0 - 0.15 * variant)
            save_image(folder / f"IMG_{number}{variant}.jpg", np.asarray(dark, np.uint8))


def views() -> list[Image]:
    """The part of each portrait that is shown, uint8 (480, 480, 3)."""
    parts = [image[y : y + side, x : x + side] for image, (x, y, side) in zip(portraits(), VIEWS, strict=True)]
    return [np.asarray(cv2.resize(part, (480, 480), interpolation=cv2.INTER_AREA), np.uint8) for part in parts]


def pictures() -> Iterator[tuple[str, Image]]:
    """Name and pixels of each picture, made in the present folder."""
    save_image(Path("party.jpg"), np.hstack(views()))
    smilecam("detect", "party.jpg", "--save", "marked.jpg")
    yield "photo", load_image("marked.jpg")
    smilecam("detect", "party.jpg", "--save", "blurred.jpg", "--blur")
    yield "blur", load_image("blurred.jpg")
    make_photos(Path("party"))
    smilecam("best", "party", "--columns", "3")
    yield "best", load_image("best.jpg")
    smilecam("demo")
    rows = np.split(load_image("smilecam-demo/demo_contact_sheet.png"), 4)
    yield "clip", np.vstack([rows[1], rows[3]])  # the others show no face
    smilecam("detect", DRAWN, "--save", "drawn.mp4")
    with SmileDetector(detector="haar") as detector:
        yield "drawn", next(item.image for item in detector.stream("drawn.mp4") if (item.time or 0) >= SHOWN_SECOND)


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "images")
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for name, image in pictures():
            height = round(image.shape[0] * WIDTH / image.shape[1])
            if image.shape[1] > WIDTH:
                image = np.asarray(cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)
            path = folder / f"gallery_{name}.jpg"
            path.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 84])[1].tobytes())
            print(path)  # noqa: T201 - a script
        os.chdir(folder)


if __name__ == "__main__":
    main()
