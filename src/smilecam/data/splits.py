"""Dividing faces into training and validation parts, and the raw and clean views of a set."""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import Enum

import numpy as np

from smilecam.data.faces import FaceSet
from smilecam.errors import DataError
from smilecam.types import IntArray


class View(Enum):
    """Which pictures of a set to use."""

    RAW = "raw"
    """All of them, as the reference run did."""

    CLEAN = "clean"
    """Without photographs that stand under both labels, and equal pictures once."""


def view(faces: FaceSet, which: View) -> FaceSet:
    """The faces of a view, in their order."""
    return faces if which is View.RAW else faces.take(clean_rows(faces))


def clean_rows(faces: FaceSet) -> IntArray:
    """Rows of the clean view: each photograph once, and none that stands under both labels."""
    labels_of = defaultdict(set)
    for key, label in zip(faces.photographs, faces.labels, strict=True):
        labels_of[key].add(int(label))
    seen: set[str] = set()
    rows = []
    for row, key in enumerate(faces.photographs):
        if len(labels_of[key]) == 1 and key not in seen:
            rows.append(row)
        seen.add(key)
    return np.array(rows, dtype=np.int64)


def stratified_split(faces: FaceSet, validation_share: float, seed: int) -> tuple[IntArray, IntArray]:
    """Divide faces at random, with the same share of each class on both sides.

    The order of files plays no part beyond the shuffle. Photographs that occur more than once all stay in
    the training part, so equal pictures are never on both sides.

    Args:
        faces: the set.
        validation_share: share of each class for validation, between 0 and 1.
        seed: of the shuffle.

    Returns:
        Rows for training and rows for validation, each int64 and sorted.

    Raises:
        DataError: a class is too small for both sides.
    """
    copies = Counter(faces.photographs)
    single = np.array([copies[key] == 1 for key in faces.photographs], dtype=bool)
    shuffle = np.random.default_rng(seed)
    validation = []
    for label in (0, 1):
        of_class = faces.labels == label
        wanted = round(validation_share * int(of_class.sum()))
        candidates = np.flatnonzero(of_class & single)
        if not 0 < wanted <= len(candidates) or wanted == of_class.sum():
            raise DataError("too few pictures of a class to hold some out for validation")
        validation.append(shuffle.permutation(candidates)[:wanted])
    held_out = np.sort(np.concatenate(validation)).astype(np.int64)
    training = np.setdiff1d(np.arange(len(faces), dtype=np.int64), held_out)
    return training, held_out


def without(faces: FaceSet, held_out: FaceSet) -> FaceSet:
    """The faces that do not occur in ``held_out``: for data from elsewhere that joins the training part."""
    taken = set(held_out.picture_digests)
    rows = [row for row, digest in enumerate(faces.picture_digests) if digest not in taken]
    return faces if len(rows) == len(faces) else faces.take(np.array(rows, dtype=np.int64))
