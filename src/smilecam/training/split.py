"""The data of a run, split into a training and a validation set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smilecam.data.faces import FaceSet, load_faces, merge
from smilecam.data.label_files import LabelFile, load_label_file
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
        DataError: a data set or label file cannot be read, a data set cannot be split, or a label file belongs to none.
        TrainingError: the recipe has outputs for more extra data than there is.
    """
    _check_outputs(settings)
    paths = (settings.data, *settings.extra)
    sources, label_files = apply_label_files([load_faces(path) for path in paths], paths, settings.labels)
    main = select_variant(sources[0], settings.variant)
    training_rows, validation_rows = _split_rows(main, settings)
    validation = main.take(validation_rows)
    training = [_with_target(main.take(training_rows))]
    for path, source in zip(settings.extra, sources[1:], strict=True):
        training.append(_with_target(exclude(select_variant(source, settings.variant), validation)))
        if not 0 < training[-1].labels.sum() < len(training[-1]):
            raise DataError(f"{path}: of one class, no image is left that is not in the validation set")
    examples = _examples(training, settings)
    used = zip(paths, sources, (main, *training[1:]), label_files, strict=True)
    description = {
        "view": settings.variant.value,
        "sources": [_describe_source(*each) for each in used],
        "training": _describe(examples.faces),
        "validation": _describe(validation),
    }
    return Split(examples, validation, description)


def _check_outputs(settings: RunSettings) -> None:
    needed = settings.recipe.training.policies - 1
    if needed > len(settings.extra):
        sets = "extra data: name some" if needed == 1 else f"{needed} extra data sets: name as many"
        raise TrainingError(f"this recipe has an output for {sets} with --extra")


def apply_label_files(
    sources: list[FaceSet], paths: Sequence[Path], files: Sequence[Path]
) -> tuple[list[FaceSet], list[LabelFile | None]]:
    """Give each label file's targets to the data set whose images it names.

    If these are images of the main data set and of an extra one, which holds it a second time, the extra one gets them.

    Args:
        sources: the data sets, the main one first.
        paths: of the data sets, for error messages.
        files: paths of the label files.

    Returns:
        The data sets, and the label file of each.

    Raises:
        DataError: a file cannot be read, or names images of no data set or of several; or a data set has two files.
    """
    applied = list(sources)
    used: list[LabelFile | None] = [None] * len(sources)
    for file in map(load_label_file, files):
        named = [number for number, source in enumerate(sources) if file.count(source.names)]
        if len(named) > 1 and named[0] == 0:
            del named[0]
        if len(named) != 1:
            which = " and ".join(str(paths[number]) for number in named) or "no data set of this run"
            raise DataError(f"label file {file.path} names images of {which}")
        number = named[0]
        if used[number] is not None:
            raise DataError(f"{paths[number]} has more than one label file")
        applied[number], used[number] = file.apply(sources[number]), file
    return applied, used


def _with_target(faces: FaceSet) -> FaceSet:
    """The faces that training does not leave out."""
    wanted = ~np.isnan(faces.targets)
    return faces if wanted.all() else faces.take(np.flatnonzero(wanted))


def _split_rows(faces: FaceSet, settings: RunSettings) -> tuple[IntArray, IntArray]:
    """Rows for training and for validation."""
    if settings.fold is None:
        return stratified_split(faces, settings.recipe.training.validation_share, settings.seed)
    held_out = stratified_folds(faces, settings.fold.count, settings.seed) == settings.fold.number
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _examples(sets: list[FaceSet], settings: RunSettings) -> Examples:
    """The training set: faces of the main data set first, repeated by the recipe, then extra data."""
    last = settings.recipe.training.policies - 1
    policies = [np.full(len(faces), min(number, last), dtype=np.int64) for number, faces in enumerate(sets)]
    repeats = [np.ones(len(faces), dtype=np.int64) for faces in sets]
    repeats[0] *= settings.recipe.training.repeat
    return Examples(merge(*sets), np.concatenate(policies), np.concatenate(repeats))


def _describe_source(path: Path, source: FaceSet, used: FaceSet, labels: LabelFile | None) -> dict[str, Any]:
    description = {
        "name": path.resolve().name,
        "content_digest": source.content_digest,
        "used": len(used),
        "smiles": int(used.labels.sum()),
    }
    if labels is not None:
        description["labels"] = {
            "name": labels.path.resolve().name,
            "sha256": labels.digest,
            "named": labels.count(source.names),
            "left_out": int(np.isnan(source.targets).sum()),
        }
    return description


def _describe(faces: FaceSet) -> dict[str, Any]:
    return {"n": len(faces), "smiles": int(faces.labels.sum()), "content_digest": faces.content_digest}
