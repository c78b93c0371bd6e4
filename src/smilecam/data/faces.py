"""Labelled faces in memory, and loading them from a folder or archive."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from smilecam.classification.crop import cut, resize, square_in_box
from smilecam.data.entries import open_entries
from smilecam.data.framed_png import framing_of
from smilecam.data.layouts import Annotation, Layout, find_layout
from smilecam.data.photos import PhotoCheck
from smilecam.detection.registry import BUNDLED_DETECTOR, Use, detector_spec
from smilecam.errors import DataError
from smilecam.opencv import cv2
from smilecam.presets import LABELS, CropGeometry
from smilecam.types import Box, FloatArray, GreyImage, Image, IntArray

STORED_SIZE = 64
"""Side of the images for training, in pixels: the size of the SMILES images."""

MARGIN = 12
"""Pixels on each edge around the framing of SMILES, so that a face can be translated and rotated."""

MAX_SIDE = 16_384
"""Maximum side of an image in pixels, since images are padded to a square."""


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """One image as in its file.

    Attributes:
        name: path inside its data set, with forward slashes.
        label: 1 smiling, 0 not smiling.
        grey: uint8 (height, width).
        file_digest: SHA-256 of the file's bytes, hexadecimal.
        identity: key of the individual; "" if it is not known.
        framing: the crop with the framing of SMILES, where the file states it: see ``smilecam.data.framed_png``.
    """

    name: str
    label: int
    grey: GreyImage
    file_digest: str
    identity: str = ""
    framing: CropGeometry | None = None

    @property
    def digest_line(self) -> str:
        """Class and file digest, the input of ``content_digest``."""
        return f"{LABELS[self.label]} {self.file_digest}\n"

    @property
    def image_digest(self) -> str:
        """SHA-256 of the decoded image, which does not depend on the file format."""
        return hashlib.sha256(f"{self.grey.shape}".encode() + self.grey.tobytes()).hexdigest()


@dataclass(frozen=True)
class FaceSet:
    """Labelled faces of one size, all in memory.

    Attributes:
        images: uint8 grey (n, size, size): the framing of SMILES with ``MARGIN`` pixels around it; beyond the edges
            of a file its border is repeated.
        labels: int64 (n,), 1 smiling, 0 not smiling.
        names: n paths inside the data set.
        image_digests: n digests of the decoded images, before cropping and resizing.
        photographs: n keys, equal for images of the same photograph.
        digest_lines: n lines of class and file digest, for ``content_digest``.
        identities: n keys, equal for images of one individual and "" where it is not known; None if no image has one.
        soft_labels: float32 (n,), probabilities of a smile as targets of training, NaN for a face to leave out of it;
            None for ``labels``. Evaluation always uses ``labels``.
    """

    images: GreyImage
    labels: IntArray
    names: tuple[str, ...]
    image_digests: tuple[str, ...]
    photographs: tuple[str, ...]
    digest_lines: tuple[str, ...]
    identities: tuple[str, ...] | None = None
    soft_labels: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def framed(self) -> GreyImage:
        """uint8 grey (n, ``STORED_SIZE``, ``STORED_SIZE``): the images without their margin."""
        return self.images[:, MARGIN:-MARGIN, MARGIN:-MARGIN]

    @property
    def targets(self) -> FloatArray:
        """float32 (n,): the soft labels, or the labels where there are none."""
        return self.labels.astype(np.float32) if self.soft_labels is None else self.soft_labels

    @property
    def content_digest(self) -> str:
        """SHA-256 over labels and file contents, independent of names and order; soft labels do not count."""
        return content_digest(self.digest_lines)

    def take(self, rows: IntArray) -> FaceSet:
        """The faces of these rows, in this order."""
        return FaceSet(
            self.images[rows],
            self.labels[rows],
            tuple(self.names[row] for row in rows),
            tuple(self.image_digests[row] for row in rows),
            tuple(self.photographs[row] for row in rows),
            tuple(self.digest_lines[row] for row in rows),
            None if self.identities is None else tuple(self.identities[row] for row in rows),
            None if self.soft_labels is None else self.soft_labels[rows],
        )


def iter_faces(path: Path) -> tuple[Layout, Iterator[LabelledFace]]:
    """Recognise the layout of a data set, and iterate over its faces in the order of their names.

    Args:
        path: a folder or a zip archive in one of ``smilecam.data.layouts.LAYOUTS``.

    Returns:
        The layout, and an iterator that decodes one image at a time.

    Raises:
        DataError: there is no data, the layout is unknown, or an image cannot be decoded.
    """
    with open_entries(path) as entries:
        layout, annotations = find_layout(entries, path)
    return layout, _decode_entries(path, annotations)


def _decode_entries(path: Path, annotations: dict[PurePosixPath, Annotation]) -> Iterator[LabelledFace]:
    with open_entries(path) as entries:
        for name, read in entries:
            if name in annotations:
                yield _decode(str(name), annotations[name], read())


def _decode(name: str, annotation: Annotation, content: bytes) -> LabelledFace:
    grey = decode_image(name, content, cv2.IMREAD_GRAYSCALE)
    digest = hashlib.sha256(content).hexdigest()
    return LabelledFace(name, annotation.label, grey, digest, annotation.identity, framing_of(content))


def decode_image(name: str, content: bytes, mode: int = cv2.IMREAD_COLOR) -> Image:
    """Decode an image file.

    Args:
        name: for messages.
        content: of the file.
        mode: one of OpenCV's.

    Returns:
        uint8 (height, width, 3), blue-green-red; with ``IMREAD_GRAYSCALE`` (height, width).

    Raises:
        DataError: it is not a readable image, or is too large.
    """
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), mode) if content else None
    except cv2.error as error:
        raise DataError(f"{name} is not a readable image, or is too large") from error
    if image is None:
        raise DataError(f"{name} is not a readable image")
    if max(image.shape) > MAX_SIDE:
        raise DataError(f"{name} has a side of more than {MAX_SIDE} pixels")
    return np.asarray(image, np.uint8)


def load_faces(path: Path) -> FaceSet:
    """Load a data set into memory, each face in the framing of SMILES, ``STORED_SIZE`` wide without the margin.

    Args:
        path: a folder or a zip archive.

    Raises:
        DataError: as in ``iter_faces``; or there are whole photos.
    """
    layout, faces = iter_faces(path)
    check = PhotoCheck(detector_spec(BUNDLED_DETECTOR).make(Use.IMAGE), path) if layout.photos else None
    images, labels, names, image_digests, lines, identities = [], [], [], [], [], []
    for face in faces:
        if check and face.framing is None:
            check.add(face.grey, face.label)
        images.append(_with_margin(face.grey, face.framing or layout.to_smiles))
        labels.append(face.label)
        names.append(face.name)
        image_digests.append(face.image_digest)
        lines.append(face.digest_line)
        identities.append(face.identity)
    if check:
        check.refuse_photos()
    return FaceSet(
        np.stack(images),
        np.array(labels, dtype=np.int64),
        tuple(names),
        tuple(image_digests),
        photograph_keys(image_digests, names if layout.numbered else None),
        tuple(lines),
        tuple(identities) if any(identities) else None,
    )


def _with_margin(grey: GreyImage, to_smiles: CropGeometry) -> GreyImage:
    """The framing of SMILES with ``MARGIN`` pixels around it, as ``FaceSet.images`` has it."""
    geometry = dataclasses.replace(to_smiles, side=to_smiles.side * (STORED_SIZE + 2 * MARGIN) / STORED_SIZE)
    whole = Box(0, 0, grey.shape[1], grey.shape[0])
    return resize(cut(grey, square_in_box(whole, geometry)), STORED_SIZE + 2 * MARGIN)


def photograph_keys(image_digests: list[str], names: list[str] | None) -> tuple[str, ...]:
    """A key per image, equal for equal images and, with ``names``, for images of the same file name.

    Args:
        image_digests: n digests of decoded images.
        names: n paths whose file names identify the photograph, or None if file names are arbitrary.
    """
    keys = list(image_digests)
    first_row: dict[str, int] = {}
    for row, name in enumerate(names or ()):
        file_name = name.rpartition("/")[2]
        first, own = keys[first_row.setdefault(file_name, row)], keys[row]
        if first != own:
            keys = [first if key == own else key for key in keys]
    return tuple(keys)


def content_digest(lines: Iterable[str]) -> str:
    """SHA-256 over the sorted ``digest_line`` of every face, independent of names and order."""
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def merge(*sets: FaceSet) -> FaceSet:
    """Concatenate one or more sets."""
    identities = [each.identities or ("",) * len(each) for each in sets]
    soft = any(each.soft_labels is not None for each in sets)
    return FaceSet(
        np.concatenate([each.images for each in sets]),
        np.concatenate([each.labels for each in sets]),
        tuple(name for each in sets for name in each.names),
        tuple(digest for each in sets for digest in each.image_digests),
        tuple(key for each in sets for key in each.photographs),
        tuple(line for each in sets for line in each.digest_lines),
        tuple(key for keys in identities for key in keys) if any(each.identities for each in sets) else None,
        np.concatenate([each.targets for each in sets]) if soft else None,
    )
