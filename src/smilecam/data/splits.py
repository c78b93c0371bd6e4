"""Dividing faces into training and validation parts, and the raw and clean views of a set."""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import Enum

import numpy as np

from smilecam.classification.crop import resize
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


NEAR_COPY = 0.97
"""Correlation of two pictures, at 24x24, from which they show one photograph: in SMILES, all pairs above it do."""


def stratified_folds(faces: FaceSet, folds: int, seed: int) -> IntArray:
    """Divide faces at random into folds with the same share of each class, but for near copies, which share a fold.

    Args:
        faces: the set.
        folds: how many.
        seed: of the shuffle.

    Returns:
        int64 (n,): the fold of each face, from 0.

    Raises:
        DataError: a class is too small, or shows too few different faces, to be in every fold.
    """
    shuffle = np.random.default_rng(seed)
    fold_of = np.empty(len(faces), dtype=np.int64)
    for label in (0, 1):
        rows = shuffle.permutation(np.flatnonzero(faces.labels == label))
        fold_of[rows] = np.arange(len(rows)) % folds
    fold_of = fold_of[near_copies(faces)]
    for label in (0, 1):
        if len(np.unique(fold_of[faces.labels == label])) < folds:
            raise DataError(f"too few different pictures of a class for {folds} folds")
    return fold_of


def near_copies(faces: FaceSet) -> IntArray:
    """For each face the first row of its group, itself where it stands alone.

    A group holds what shows one photograph by its key, and what shows nearly the same picture, whatever the light, one
    leading to the next.

    Returns:
        int64 (n,).
    """
    small = np.stack([resize(picture, 24) for picture in faces.framed]).reshape(len(faces), -1).astype(np.float32)
    small -= small.mean(axis=1, keepdims=True)
    small /= np.linalg.norm(small, axis=1, keepdims=True) + 1e-6
    first_of = np.arange(len(faces), dtype=np.int64)
    first_with: dict[str, int] = {}
    for row, key in enumerate(faces.photographs):
        _unite(first_of, first_with.setdefault(key, row), row)
    for start in range(0, len(small), 1024):
        rows, columns = np.nonzero(small[start : start + 1024] @ small[start:].T > NEAR_COPY)
        for one, other in zip(rows.tolist(), columns.tolist(), strict=True):
            _unite(first_of, start + one, start + other)
    return np.array([_first(first_of, row) for row in range(len(faces))], dtype=np.int64)


def _first(first_of: IntArray, row: int) -> int:
    head = row
    while first_of[head] != head:
        head = int(first_of[head])
    return head


def _unite(first_of: IntArray, one: int, other: int) -> None:
    heads = _first(first_of, one), _first(first_of, other)
    first_of[max(heads)] = min(heads)


def without(faces: FaceSet, held_out: FaceSet) -> FaceSet:
    """The faces that do not occur in ``held_out``: for data from elsewhere that joins the training part."""
    taken = set(held_out.picture_digests)
    rows = [row for row, digest in enumerate(faces.picture_digests) if digest not in taken]
    return faces if len(rows) == len(faces) else faces.take(np.array(rows, dtype=np.int64))
