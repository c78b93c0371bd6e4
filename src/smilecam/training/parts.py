"""The data of a run, divided into what is learned from and what is held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from smilecam.data.faces import FaceSet, load_faces, merge
from smilecam.data.splits import stratified_folds, stratified_split, view, without
from smilecam.errors import DataError, TrainingError
from smilecam.training.engine import Examples
from smilecam.training.settings import RunSettings
from smilecam.types import IntArray


@dataclass(frozen=True, slots=True)
class Parts:
    """The data of a run: two parts and a description of where they come from."""

    training: Examples
    validation: FaceSet
    description: dict[str, Any]


def load_parts(settings: RunSettings) -> Parts:
    """Read, clean and split the data of a run.

    Raises:
        DataError: a data set cannot be read or split.
    """
    whole = [load_faces(path) for path in (settings.data, *settings.extra)]
    faces = view(whole[0], settings.view)
    training_rows, validation_rows = _split(faces, settings)
    validation = faces.take(validation_rows)
    extras = [without(view(extra, settings.view), validation) for extra in whole[1:]]
    for path, extra in zip(settings.extra, extras, strict=True):
        if not 0 < extra.labels.sum() < len(extra):
            raise DataError(f"{path}: of one class, no picture is left that is not in the held-out part")
    own = faces.take(training_rows)
    training = merge(own, *extras)
    policies, repeats = np.zeros(len(training), dtype=np.int64), np.ones(len(training), dtype=np.int64)
    repeats[: len(own)] = settings.recipe.training.repeat
    if settings.recipe.training.policies > 1:
        if not extras:
            raise TrainingError("this recipe has an output for extra data: name some with --extra")
        policies[len(own) :] = 1
    paths = (settings.data, *settings.extra)
    sources = [
        {
            "name": path.resolve().name,
            "content_digest": source.content_digest,
            "used": len(used),
            "smiles": int(used.labels.sum()),
        }
        for path, source, used in zip(paths, whole, (faces, *extras), strict=True)
    ]
    description = {
        "view": settings.view.value,
        "sources": sources,
        "training": _part(training),
        "validation": _part(validation),
    }
    return Parts(Examples(training, policies, repeats), validation, description)


def _split(faces: FaceSet, settings: RunSettings) -> tuple[IntArray, IntArray]:
    if settings.fold is None:
        return stratified_split(faces, settings.recipe.training.validation_share, settings.seed)
    held_out = stratified_folds(faces, settings.fold.count, settings.seed) == settings.fold.number
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _part(faces: FaceSet) -> dict[str, Any]:
    return {"n": len(faces), "smiles": int(faces.labels.sum()), "content_digest": faces.content_digest}
