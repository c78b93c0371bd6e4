"""Splits into training and validation sets, folds, and the raw and clean variants of a data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from enum import Enum

import numpy as np

from smilecam.classification.crop import resize
from smilecam.data.faces import FaceSet
from smilecam.errors import DataError
from smilecam.types import IntArray


class Variant(Enum):
    """Selection of a data set's images."""

    RAW = "raw"
    """All images, as in the reference run."""

    CLEAN = "clean"
    """Without photographs of both labels, and equal images once."""


def select_variant(faces: FaceSet, variant: Variant) -> FaceSet:
    """The faces of a variant, in their order."""
    return faces if variant is Variant.RAW else faces.take(clean_rows(faces))


def clean_rows(faces: FaceSet) -> IntArray:
    """Rows of the clean variant: each photograph once, and none that has both labels."""
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
    """Split faces at random, with the same share of each class in both sets.

    Photographs that occur more than once stay in the training set, so equal images are never in both sets. Where
    individuals are known, all images of one are in the same set, and the shares are approximate.

    Args:
        faces: the set.
        validation_share: share of each class for validation, between 0 and 1.
        seed: of the shuffling.

    Returns:
        Rows for training and rows for validation, each int64 and sorted.

    Raises:
        DataError: a class is too small for both sets.
    """
    if faces.identities is not None:
        return _split_by_identity(faces, validation_share, seed)
    copies = Counter(faces.photographs)
    single = np.array([copies[key] == 1 for key in faces.photographs], dtype=bool)
    shuffle = np.random.default_rng(seed)
    validation = []
    for label in (0, 1):
        of_class = faces.labels == label
        wanted = round(validation_share * int(of_class.sum()))
        candidates = np.flatnonzero(of_class & single)
        if not 0 < wanted <= len(candidates) or wanted == of_class.sum():
            raise DataError("too few images of a class to hold some out for validation")
        validation.append(shuffle.permutation(candidates)[:wanted])
    held_out = np.sort(np.concatenate(validation)).astype(np.int64)
    training = np.setdiff1d(np.arange(len(faces), dtype=np.int64), held_out)
    return training, held_out


def _split_by_identity(faces: FaceSet, validation_share: float, seed: int) -> tuple[IntArray, IntArray]:
    first_of = np.arange(len(faces), dtype=np.int64)
    _unite_equal(first_of, faces.photographs)
    _unite_equal(first_of, faces.identities or ())
    group_of = _heads(first_of)
    shuffled = np.random.default_rng(seed).permutation(np.unique(group_of))
    sizes = np.bincount(group_of, minlength=len(faces))[shuffled]
    held_out = np.isin(group_of, shuffled[np.cumsum(sizes) <= validation_share * len(faces)])
    for rows in (held_out, ~held_out):
        if len(np.unique(faces.labels[rows])) < 2:
            raise DataError("too few individuals to hold some of both classes out for validation")
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


NEAR_DUPLICATE = 0.97
"""Correlation of two images, at 24x24, above which they show one photograph: in SMILES, all such pairs do."""


def stratified_folds(faces: FaceSet, folds: int, seed: int) -> IntArray:
    """Split faces at random into folds with the same share of each class.

    Near duplicates share a fold, and so do the images of one individual where individuals are known.

    Args:
        faces: the set.
        folds: number of folds.
        seed: of the shuffling.

    Returns:
        int64 (n,): the fold of each face, from 0.

    Raises:
        DataError: a class has too few different images to be in every fold.
    """
    shuffle = np.random.default_rng(seed)
    fold_of = np.empty(len(faces), dtype=np.int64)
    for label in (0, 1):
        rows = shuffle.permutation(np.flatnonzero(faces.labels == label))
        fold_of[rows] = np.arange(len(rows)) % folds
    first_of = near_duplicates(faces)
    _unite_equal(first_of, faces.identities or ())
    fold_of = fold_of[_heads(first_of)]
    for label in (0, 1):
        if len(np.unique(fold_of[faces.labels == label])) < folds:
            raise DataError(f"too few different images of a class for {folds} folds")
    return fold_of


def near_duplicates(faces: FaceSet) -> IntArray:
    """Group images of one photograph, by key or by correlation, which ignores brightness and contrast.

    Similarity is transitive: a chain of similar images is one group.

    Returns:
        int64 (n,): for each face the first row of its group.
    """
    small = np.stack([resize(image, 24) for image in faces.framed]).reshape(len(faces), -1).astype(np.float32)
    small -= small.mean(axis=1, keepdims=True)
    small /= np.linalg.norm(small, axis=1, keepdims=True) + 1e-6
    first_of = np.arange(len(faces), dtype=np.int64)
    _unite_equal(first_of, faces.photographs)
    for start in range(0, len(small), 1024):
        rows, columns = np.nonzero(small[start : start + 1024] @ small[start:].T > NEAR_DUPLICATE)
        for one, other in zip(rows.tolist(), columns.tolist(), strict=True):
            _unite(first_of, start + one, start + other)
    return _heads(first_of)


def _unite_equal(first_of: IntArray, keys: Sequence[str]) -> None:
    """Unite the rows of equal keys; an empty key is equal to none."""
    first_with: dict[str, int] = {}
    for row, key in enumerate(keys):
        if key:
            _unite(first_of, first_with.setdefault(key, row), row)


def _heads(first_of: IntArray) -> IntArray:
    return np.array([_first(first_of, row) for row in range(len(first_of))], dtype=np.int64)


def _first(first_of: IntArray, row: int) -> int:
    head = row
    while first_of[head] != head:
        head = int(first_of[head])
    return head


def _unite(first_of: IntArray, one: int, other: int) -> None:
    heads = _first(first_of, one), _first(first_of, other)
    first_of[max(heads)] = min(heads)


def exclude(faces: FaceSet, held_out: FaceSet) -> FaceSet:
    """The faces whose images do not occur in ``held_out``: for extra data in the training set."""
    excluded = set(held_out.image_digests)
    rows = [row for row, digest in enumerate(faces.image_digests) if digest not in excluded]
    return faces if len(rows) == len(faces) else faces.take(np.array(rows, dtype=np.int64))
