"""The data of a run, split into a training and a validation set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smilecam.data.faces import FaceSet, load_faces, merge
from smilecam.data.splits import exclude, select_variant, stratified_folds, stratified_split
from smilecam.errors import DataError, TrainingError
from smilecam.training.engine import Examples
from smilecam.training.settings import RunSettings
from smilecam.types import IntArray


@dataclass(frozen=True, slots=True)
class Split:
    """The two sets of a run's data.

    Attributes:
        training: faces of the main data set and of extra data.
        validation: faces of the main data set.
        description: sources and sets with numbers and digests, for the run's configuration.
    """

    training: Examples
    validation: FaceSet
    description: dict[str, Any]


def load_split(settings: RunSettings) -> Split:
    """Load, clean and split the data of a run.

    Raises:
        DataError: a data set cannot be read or split.
        TrainingError: the recipe needs extra data, and there is none.
    """
    paths = (settings.data, *settings.extra)
    sources = [load_faces(path) for path in paths]
    main = select_variant(sources[0], settings.variant)
    training_rows, validation_rows = _split_rows(main, settings)
    validation = main.take(validation_rows)
    extras = [exclude(select_variant(extra, settings.variant), validation) for extra in sources[1:]]
    for path, extra in zip(settings.extra, extras, strict=True):
        if not 0 < extra.labels.sum() < len(extra):
            raise DataError(f"{path}: of one class, no image is left that is not in the validation set")
    if settings.recipe.training.policies > 1 and not extras:
        raise TrainingError("this recipe has an output for extra data: name some with --extra")
    examples = _examples(main.take(training_rows), extras, settings)
    used = zip(paths, sources, (main, *extras), strict=True)
    description = {
        "view": settings.variant.value,
        "sources": [_describe_source(path, source, of) for path, source, of in used],
        "training": _describe(examples.faces),
        "validation": _describe(validation),
    }
    return Split(examples, validation, description)


def _split_rows(faces: FaceSet, settings: RunSettings) -> tuple[IntArray, IntArray]:
    """Rows for training and for validation."""
    if settings.fold is None:
        return stratified_split(faces, settings.recipe.training.validation_share, settings.seed)
    held_out = stratified_folds(faces, settings.fold.count, settings.seed) == settings.fold.number
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _examples(main: FaceSet, extras: list[FaceSet], settings: RunSettings) -> Examples:
    """The training set: faces of the main data set first, repeated by the recipe, then extra data."""
    faces = merge(main, *extras)
    policies, repeats = np.zeros(len(faces), dtype=np.int64), np.ones(len(faces), dtype=np.int64)
    repeats[: len(main)] = settings.recipe.training.repeat
    if settings.recipe.training.policies > 1:
        policies[len(main) :] = 1
    return Examples(faces, policies, repeats)


def _describe_source(path: Path, source: FaceSet, used: FaceSet) -> dict[str, Any]:
    return {
        "name": path.resolve().name,
        "content_digest": source.content_digest,
        "used": len(used),
        "smiles": int(used.labels.sum()),
    }


def _describe(faces: FaceSet) -> dict[str, Any]:
    return {"n": len(faces), "smiles": int(faces.labels.sum()), "content_digest": faces.content_digest}
