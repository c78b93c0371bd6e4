"""Faces that the detectors find in pictures and clips, their false boxes and their time.

    python benchmarks/detection.py --faces FOLDER --videos FOLDER --faceless FOLDER [--settings NAME ...] [--varied]
        [--genki FOLDER] [--json FILE]

--faces: pictures with dlib-style XML files of their boxes. --videos: every 60th frame of those clips whose false boxes
did not train the filter (``false_boxes.py``); what YuNet is sure of counts as a face, what it doubts as neither. The
file of YuNet must be in place. --faceless: pictures without faces, those that the filter was not trained on.

--varied: each image with faces also mirrored, and with a few rows and columns cut off, since whether a face is found
depends on where the cascade's windows fall. --genki: a folder with smile/ and not_smile/ of face crops, for photos of 1
megapixel that show one of them each, as in ``scan.py``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from false_boxes import pictures
from scan import make_photos
from smilecam import provenance
from smilecam.detection.detector_settings import HAAR_FOR_IMAGES, HAAR_FOR_STREAMS, HAAR_THOROUGH, YuNetSettings
from smilecam.detection.files import YUNET_FILE
from smilecam.detection.haar import HaarDetector
from smilecam.detection.yunet import YuNetDetector
from smilecam.geometry import iou
from smilecam.opencv import cv2, reduced
from smilecam.sources.frame import Frame
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import Box, GreyImage

SMALL = replace(HAAR_FOR_IMAGES, detection_size=480)
SETTINGS = {
    "images": HAAR_FOR_IMAGES,
    "images_480": SMALL,
    "images_480_one_pass": replace(SMALL, two_passes_to=0),
    "streams": HAAR_FOR_STREAMS,
    "thorough": HAAR_THOROUGH,
}
PHOTOS = 120
VIDEO_STEP = 60
FACELESS = 60
"""Pictures without faces, wallpapers first."""

SURE, DOUBTED = 0.8, 0.3
"""Confidence of YuNet from which a box is a face, and below which there is none."""

SMALLEST = 1 / 40
"""Of the longer side: smaller faces are none that the cascade is meant to find in a reduced image."""


class Scene(NamedTuple):
    """An image, its faces, and boxes that are neither faces nor false."""

    grey: GreyImage
    faces: list[Box]
    doubtful: list[Box]


@dataclass
class Score:
    """What was found in some images."""

    images: int = 0
    faces: int = 0
    found: int = 0
    false: int = 0
    seconds: float = 0.0


def labelled_pictures(folder: Path) -> Iterator[Scene]:
    """Pictures with hand-labelled boxes."""
    for listing in sorted(folder.glob("*.xml")):
        for image in ET.parse(listing).getroot().iter("image"):  # noqa: S314 - the user's own file
            grey = cv2.imread(str(folder / image.attrib["file"]), cv2.IMREAD_GRAYSCALE)
            numbers = (
                [int(box.attrib[key]) for key in ("left", "top", "width", "height")] for box in image.iter("box")
            )
            yield Scene(grey, [Box(x, y, x + width, y + height) for x, y, width, height in numbers], [])


def labelled_box(element: ET.Element) -> Box:
    """A box of a listing."""
    x, y, width, height = (int(element.attrib[key]) for key in ("left", "top", "width", "height"))
    return Box(x, y, x + width, y + height)


def frames(folder: Path) -> Iterator[Scene]:
    """Frames of the clips that are held out, with the faces that YuNet sees."""
    yunet = YuNetDetector(YUNET_FILE.load(), YuNetSettings(min_confidence=DOUBTED))
    for path in sorted(folder.iterdir()):
        if path.suffix == ".csv" or zlib.crc32(path.name.encode()) % 2 == 0:
            continue
        with open_source(find_sources(path)[0]) as source:
            for number, frame in enumerate(source):
                if number % VIDEO_STEP == VIDEO_STEP // 2 and isinstance(frame, Frame):
                    seen = yunet(frame.grey)
                    least = SMALLEST * max(frame.grey.shape)
                    sure = [f.box for f in seen if f.confidence >= SURE and max(f.box.width, f.box.height) >= least]
                    yield Scene(frame.grey, sure, [face.box for face in seen])


def faceless(folder: Path) -> Iterator[Scene]:
    """Pictures without faces whose boxes did not train the filter."""
    for path, grey in pictures(folder):
        if zlib.crc32(path.name.encode()) % 5 == 0:
            yield Scene(reduced(grey, 1600), [], [])


def photos(faces: Path) -> Iterator[Scene]:
    """Photos of 1 megapixel with one face each."""
    with tempfile.TemporaryDirectory() as folder:
        places = make_photos(Path(folder), faces, PHOTOS)
        for path, box in zip(sorted(Path(folder).iterdir()), places, strict=True):
            yield Scene(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), [box], [])


def varied(scene: Scene) -> Iterator[Scene]:
    """An image, its mirror image, and both with a few rows and columns cut off."""
    height, width = scene.grey.shape
    left, top = width // 37, height // 29
    for mirrored in (False, True):
        grey = scene.grey[:, ::-1] if mirrored else scene.grey
        faces, doubtful = (
            [Box(width - box.x2, box.y1, width - box.x1, box.y2) if mirrored else box for box in boxes]
            for boxes in (scene.faces, scene.doubtful)
        )
        yield Scene(np.ascontiguousarray(grey), faces, doubtful)
        moved = ([box.translated(-left, -top) for box in boxes] for boxes in (faces, doubtful))
        yield Scene(np.ascontiguousarray(grey[top:, left:]), *moved)


def shows(box: Box, face: Box) -> bool:
    """Whether a box has its centre in a face's and a similar size."""
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return face.x1 < x < face.x2 and face.y1 < y < face.y2 and 0.5 < box.width / max(1, face.width) < 3


def score(detector: HaarDetector, scenes: list[Scene]) -> Score:
    """Count over all scenes."""
    total, started = Score(images=len(scenes)), time.process_time()
    found = [[face.box for face in detector(scene.grey)] for scene in scenes]
    total.seconds = time.process_time() - started
    for scene, boxes in zip(scenes, found, strict=True):
        total.faces += len(scene.faces)
        total.found += sum(any(shows(box, face) for box in boxes) for face in scene.faces)
        known = [*scene.faces, *scene.doubtful]
        total.false += sum(not any(shows(box, face) or iou(box, face) > 0.2 for face in known) for box in boxes)
    return total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--faceless", type=Path, required=True)
    parser.add_argument("--varied", action="store_true")
    parser.add_argument("--genki", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sets = {
        "pictures": list(labelled_pictures(options.faces)),
        "frames of clips": list(frames(options.videos)),
        "without faces": list(itertools.islice(faceless(options.faceless), FACELESS)),
    }
    if options.varied:
        for kind in ("pictures", "frames of clips"):
            sets[kind] = [variant for scene in sets[kind] for variant in varied(scene)]
    if options.genki:
        sets["photos"] = list(photos(options.genki))
    rows = []
    for name in options.settings:
        for kind, scenes in sets.items():
            result = score(HaarDetector(SETTINGS[name]), scenes)
            rows.append({"settings": name, "images of": kind, **asdict(result)})
            each = 1000 * result.seconds / max(1, result.images)
            found = f"{result.found} of {result.faces} faces, {result.false} false boxes"
            print(f"{name}, {kind}: {found} in {result.images} images, {each:.1f} ms of CPU each", flush=True)
    if options.json:
        about = {"commit": provenance.commit(), "machine": provenance.machine(), "rows": rows}
        options.json.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
