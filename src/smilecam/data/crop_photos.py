"""Face crops for training from whole photos: the framing of SMILES with a margin around it, and a manifest.

The folder that is written::

    smile/         a PNG of each face in a photo of this class, named after the photo
    not_smile/     likewise
    crops.csv      a row for each face and for each photo without one
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from smilecam.classification.crop import cut, resize, square_of_face
from smilecam.data.entries import Read, is_index, open_entries
from smilecam.data.faces import MARGIN, STORED_SIZE, decode_image
from smilecam.data.framed_png import encode_crop, framing_of
from smilecam.data.layouts import find_layout
from smilecam.data.photos import largest_face
from smilecam.detection.registry import BUNDLED_DETECTOR, Use, resolve_detector
from smilecam.errors import DataError, UsageProblem
from smilecam.opencv import cv2
from smilecam.presets import LABELS
from smilecam.storage import make_folder, whole_folder, write_bytes, write_text
from smilecam.types import DetectedFace, GreyImage, Image

MANIFEST = "crops.csv"
COLUMNS = ("file", "label", "source", "detector", "confidence", "x1", "y1", "x2", "y2", "problem")

MAX_SIDE = 2 * (STORED_SIZE + 2 * MARGIN)
"""Largest side of a crop in pixels: twice what training uses. Smaller faces are not enlarged."""

NO_FACE = "no face detected"
MAX_STEM = 100


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How faces are cropped.

    Attributes:
        detector: name of the face detector, or "auto".
        detection_size: longer side of the reduced image in pixels, for the detector's own default.
        all_faces: every face of a photo, rather than the largest one.
        grey: whether crops are grey, rather than as the photo is.
    """

    detector: str = BUNDLED_DETECTOR
    detection_size: int | None = None
    all_faces: bool = False
    grey: bool = False


@dataclass(slots=True)
class CropReport:
    """What became of the photos.

    Attributes:
        photos: number of photos.
        crops: number of crops of each class.
        problems: photos without a crop, each with the reason.
        ignored: number of images outside the folders of the classes.
    """

    photos: int = 0
    crops: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LABELS, 0))
    problems: list[tuple[str, str]] = field(default_factory=list)
    ignored: int = 0


def crop_photos(
    source: Path, out: Path, settings: CropSettings, progress: Callable[[], object] = lambda: None
) -> CropReport:
    """Crop the faces of photos that are sorted by class into folders.

    Args:
        source: a folder or zip archive of a layout of ``smilecam.data.layouts``.
        out: folder to make, missing or empty; written as a whole or not at all.
        settings: how to crop.
        progress: called after each photo.

    Raises:
        DataError: the source cannot be read, holds face crops, or no face of a class is detected.
        ModelFileError: the detector's file is missing or damaged.
        OutputError: ``out`` cannot be written.
        UsageProblem: ``out`` lies inside the source or is not empty.
    """
    _check_folder(source, out)
    cropper = _Cropper(settings)
    with open_entries(source) as entries:
        _, annotations = find_layout(entries, source)
        cropper.report.ignored = sum(name not in annotations and not is_index(name) for name, _ in entries)
        with whole_folder(out) as folder:
            for label in LABELS:
                make_folder(folder / label)
            for name, read in entries:
                if name in annotations:
                    cropper.crop(folder, name, LABELS[annotations[name].label], read)
                    progress()
            cropper.finish(folder, source)
    return cropper.report


def _check_folder(source: Path, out: Path) -> None:
    inside, around = out.resolve(), source.resolve()
    if inside == around or around in inside.parents:
        raise UsageProblem(f"--out {out} lies inside the photos: name a folder elsewhere")
    if inside.is_dir() and any(inside.iterdir()):
        raise UsageProblem(f"--out {out} is not empty: name a new folder")


class _Cropper:
    """Crops one photo after the other, and keeps account of them."""

    def __init__(self, settings: CropSettings) -> None:
        self._settings = settings
        spec = resolve_detector(settings.detector).spec
        self._detect = spec.make(Use.IMAGE, settings.detection_size)
        margins = 1 + 2 * MARGIN / STORED_SIZE
        self._geometry = dataclasses.replace(spec.to_smiles, side=spec.to_smiles.side * margins)
        self._detector, self._taken, self._rows = spec.name, set[str](), list[list[object]]()
        self.report = CropReport()

    def crop(self, folder: Path, name: PurePosixPath, label: str, read: Read) -> None:
        """Write the crops of a photo; one that cannot be read is a problem in the report."""
        self.report.photos += 1
        try:
            content = read()
            if framing_of(content):
                raise DataError("a face crop already")
            image = decode_image("the file", content)
        except (DataError, OSError) as error:
            self._leave_out(name, label, getattr(error, "strerror", None) or str(error))
            return
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        faces = self._faces(grey)
        photo = grey if self._settings.grey else image
        if not faces:
            self._leave_out(name, label, NO_FACE)
        for number, face in enumerate(faces, 1):
            file = self._unique(label, name, f"_{number}" if len(faces) > 1 else "")
            write_bytes(folder / file, self._png(photo, face))
            self.report.crops[label] += 1
            self._rows.append([file, label, name, self._detector, f"{face.confidence:.4f}", *face.box, ""])

    def finish(self, folder: Path, source: Path) -> None:
        """Write the manifest.

        Raises:
            DataError: a class has no face.
        """
        empty = [label for label, count in self.report.crops.items() if not count]
        if empty:
            left_out = len(self.report.problems)
            name, problem = self.report.problems[0]
            raise DataError(
                f"{source}: no face to crop for {' and '.join(empty)}; {left_out} of {self.report.photos} photos "
                f"were left out, the first one {name}: {problem}"
            )
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerows([COLUMNS, *self._rows])
        write_text(folder / MANIFEST, text.getvalue())

    def _leave_out(self, name: PurePosixPath, label: str, problem: str) -> None:
        self.report.problems.append((str(name), problem))
        self._rows.append(["", label, name, self._detector, "", "", "", "", "", problem])

    def _faces(self, grey: GreyImage) -> list[DetectedFace]:
        """The faces to crop: the largest, or all from left to right."""
        if self._settings.all_faces:
            return self._detect(grey)
        largest = largest_face(self._detect, grey)
        return [] if largest is None else [largest]

    def _png(self, image: Image, face: DetectedFace) -> bytes:
        square = square_of_face(face, self._geometry)
        return encode_crop(resize(cut(image, square), min(square.width, MAX_SIDE)), MARGIN / STORED_SIZE)

    def _unique(self, label: str, name: PurePosixPath, number: str) -> str:
        """A file name after the photo's, valid and unique on every system."""
        stem = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name.stem)[:MAX_STEM].strip(" .") or "photo"
        file, count = f"{label}/{stem}{number}.png", 1
        while file.lower() in self._taken:  # some file systems ignore case
            count += 1
            file = f"{label}/{stem}{number}_{count}.png"
        self._taken.add(file.lower())
        return file
