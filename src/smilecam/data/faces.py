"""Labelled faces in memory, and reading them from a folder or archive."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smilecam.classification.crop import cut, resize, square_in_box
from smilecam.data.entries import open_entries
from smilecam.data.layouts import Layout, find_layout
from smilecam.errors import DataError
from smilecam.opencv import cv2
from smilecam.presets import LABELS
from smilecam.types import Box, GreyImage, IntArray

STORED_SIZE = 64
"""Side of the pictures kept for training, in pixels: the size of the SMILES pictures."""

MARGIN = 12
"""Pixels kept on each edge around the framing of SMILES, so that a face can be shifted and turned."""

MAX_SIDE = 16_384
"""A picture of a longer side is refused: it would be padded to a square."""


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """One picture as its file holds it.

    Attributes:
        name: path inside its data set, with forward slashes.
        label: 1 smiling, 0 not smiling.
        grey: uint8 (height, width).
        file_digest: SHA-256 of the file's bytes, hexadecimal.
    """

    name: str
    label: int
    grey: GreyImage
    file_digest: str

    @property
    def digest_line(self) -> str:
        """What ``content_digest`` takes of this picture: its class and the digest of its file."""
        return f"{LABELS[self.label]} {self.file_digest}\n"

    @property
    def picture_digest(self) -> str:
        """SHA-256 of the decoded picture: equal pictures have equal digests, however they were stored."""
        return hashlib.sha256(f"{self.grey.shape}".encode() + self.grey.tobytes()).hexdigest()


@dataclass(frozen=True)
class FaceSet:
    """Labelled faces of one size, all in memory.

    Attributes:
        pictures: uint8 (n, size, size): the framing of SMILES with ``MARGIN`` pixels around it; where a file ends
            before the margin does, its border is repeated.
        labels: int64 (n,), 1 smiling, 0 not smiling.
        names: n paths inside the data set.
        picture_digests: n digests of the decoded pictures, before any cut or resize.
        photographs: n keys; faces with equal keys show the same photograph.
        digest_lines: n lines of class and file digest, for ``content_digest``.
    """

    pictures: GreyImage
    labels: IntArray
    names: tuple[str, ...]
    picture_digests: tuple[str, ...]
    photographs: tuple[str, ...]
    digest_lines: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def framed(self) -> GreyImage:
        """uint8 (n, ``STORED_SIZE``, ``STORED_SIZE``): the pictures without their margin."""
        return self.pictures[:, MARGIN:-MARGIN, MARGIN:-MARGIN]

    @property
    def content_digest(self) -> str:
        """SHA-256 over the labels and bytes of these faces' files, whatever their names and order."""
        return content_digest(self.digest_lines)

    def take(self, rows: IntArray) -> FaceSet:
        """The faces of these rows, in this order."""
        return FaceSet(
            self.pictures[rows],
            self.labels[rows],
            tuple(self.names[row] for row in rows),
            tuple(self.picture_digests[row] for row in rows),
            tuple(self.photographs[row] for row in rows),
            tuple(self.digest_lines[row] for row in rows),
        )


def classify_faces(path: Path) -> tuple[Layout, Iterator[LabelledFace]]:
    """Recognise the layout of a data set and read its faces one by one, in the order of their names.

    Args:
        path: a folder or a zip archive in one of ``smilecam.data.layouts.LAYOUTS``.

    Raises:
        DataError: nothing is there, the layout is unknown, or a picture cannot be decoded.
    """
    with open_entries(path) as entries:
        names = [name for name, _ in entries]
    layout = find_layout(names, path)
    return layout, _read(path, layout)


def _read(path: Path, layout: Layout) -> Iterator[LabelledFace]:
    with open_entries(path) as entries:
        wanted = set(layout.select([name for name, _ in entries]))
        for name, read in entries:
            label = layout.label(name)
            if name in wanted and label is not None:
                yield _decode(str(name), label, read())


def _decode(name: str, label: int, content: bytes) -> LabelledFace:
    try:
        grey = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) if content else None
    except cv2.error as error:
        raise DataError(f"{name} is not a readable picture, or is too large") from error
    if grey is None:
        raise DataError(f"{name} is not a readable picture")
    if max(grey.shape) > MAX_SIDE:
        raise DataError(f"{name} has a side of more than {MAX_SIDE} pixels")
    return LabelledFace(name, label, np.asarray(grey, np.uint8), hashlib.sha256(content).hexdigest())


def load_faces(path: Path) -> FaceSet:
    """Read a data set into memory, each face in the framing of SMILES, ``STORED_SIZE`` wide without the margin.

    Args:
        path: a folder or a zip archive.

    Raises:
        DataError: as in ``classify_faces``.
    """
    layout, faces = classify_faces(path)
    side = STORED_SIZE + 2 * MARGIN
    geometry = dataclasses.replace(layout.to_smiles, side=layout.to_smiles.side * side / STORED_SIZE)
    pictures, labels, names, picture_digests, lines = [], [], [], [], []
    for face in faces:
        whole = Box(0, 0, face.grey.shape[1], face.grey.shape[0])
        pictures.append(resize(cut(face.grey, square_in_box(whole, geometry)), side))
        labels.append(face.label)
        names.append(face.name)
        picture_digests.append(face.picture_digest)
        lines.append(face.digest_line)
    return FaceSet(
        np.stack(pictures),
        np.array(labels, dtype=np.int64),
        tuple(names),
        tuple(picture_digests),
        photograph_keys(picture_digests, names if layout.numbered else None),
        tuple(lines),
    )


def photograph_keys(picture_digests: list[str], names: list[str] | None) -> tuple[str, ...]:
    """One key a picture, equal where pictures are equal or, where ``names`` are given, bear one file name.

    Args:
        picture_digests: n digests of decoded pictures.
        names: n paths of which the last part names the photograph, or None where names mean nothing.
    """
    keys = list(picture_digests)
    first_row: dict[str, int] = {}
    for row, name in enumerate(names or ()):
        file_name = name.rpartition("/")[2]
        known, own = keys[first_row.setdefault(file_name, row)], keys[row]
        if known != own:
            keys = [known if key == own else key for key in keys]
    return tuple(keys)


def content_digest(lines: Iterable[str]) -> str:
    """SHA-256 over the ``digest_line`` of every face, sorted, so that names and order do not matter."""
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def merge(*sets: FaceSet) -> FaceSet:
    """All faces of one or more sets, in order."""
    return FaceSet(
        np.concatenate([one.pictures for one in sets]),
        np.concatenate([one.labels for one in sets]),
        tuple(name for one in sets for name in one.names),
        tuple(digest for one in sets for digest in one.picture_digests),
        tuple(key for one in sets for key in one.photographs),
        tuple(line for one in sets for line in one.digest_lines),
    )
