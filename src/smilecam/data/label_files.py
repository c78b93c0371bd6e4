"""Labels from a file of their own: votes of several annotators, second labellings, or shares of a smile.

A label file is a CSV table in UTF-8 whose column ``member`` or ``file`` names images of a data set by their last folder
and file name (what stands before is ignored). Its other columns decide how it is used:

====================================  ================================  ================================================
columns                               target of training                label in evaluation
====================================  ================================  ================================================
``smile``, from 0 to 1                the number                        1 from .5 up, else 0
``happiness``, ``neutral`` and the    share of votes for happiness      1 or 0 where most votes are for happiness or
other columns of FER+                                                   for neutral
``smiles_label``,                     share of the two or three         the same where all agree
``muxspace_emotion``, ``mtfl_smile``  labellings that state a smile
====================================  ================================  ================================================

An empty ``smile``, an image without votes, one that most call no face or unknown, and one whose ``also_in`` names
another part of its data set have no target and no label: they are left out.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from smilecam.data.faces import FaceSet, LabelledFace
from smilecam.errors import DataError
from smilecam.types import IntArray

Row = dict[str, str]

VOTES = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""Columns of FER+; NF stands for "no face"."""


@dataclass(frozen=True, slots=True)
class SoftLabel:
    """What a label file states about an image.

    Attributes:
        target: probability of a smile, for training; None to leave the image out.
        label: 1 smiling, 0 not smiling, for evaluation; None to leave it out.
    """

    target: float | None
    label: int | None


LEFT_OUT = SoftLabel(None, None)


@dataclass(frozen=True)
class LabelFile:
    """The labels of a file.

    Attributes:
        path: of the file.
        soft_labels: last folder and name of an image -> its labels.
        digest: SHA-256 of the file's bytes, hexadecimal.
    """

    path: Path
    soft_labels: dict[str, SoftLabel]
    digest: str

    def count(self, names: Iterable[str]) -> int:
        """How many of these images the file names."""
        return sum(_key(name) in self.soft_labels for name in names)

    def label(self, name: str) -> int | None:
        """The label of an image for evaluation; None to leave it out."""
        return self.soft_labels.get(_key(name), LEFT_OUT).label

    def apply(self, faces: FaceSet) -> FaceSet:
        """The same faces with this file's targets; images that it does not name keep their labels as targets."""
        targets = faces.targets.copy()
        for row, name in enumerate(faces.names):
            found = self.soft_labels.get(_key(name))
            if found is not None:
                targets[row] = math.nan if found.target is None else found.target
        return dataclasses.replace(faces, soft_labels=targets)

    def labelled(self, names: Iterable[str]) -> tuple[IntArray, IntArray]:
        """Which of these images have a label for evaluation: their rows, int64 (n,), and their labels, int64 (n,)."""
        labels = [self.label(name) for name in names]
        rows = np.array([row for row, label in enumerate(labels) if label is not None], dtype=np.int64)
        return rows, np.array([labels[row] for row in rows], dtype=np.int64)

    def select(self, faces: FaceSet) -> FaceSet:
        """The faces that have a label in this file, with that label."""
        rows, labels = self.labelled(faces.names)
        return dataclasses.replace(faces.take(rows), labels=labels)

    def relabel(self, faces: Iterable[LabelledFace]) -> Iterator[LabelledFace]:
        """The faces that have a label in this file, with that label."""
        for face in faces:
            label = self.label(face.name)
            if label is not None:
                yield dataclasses.replace(face, label=label)


def load_label_file(path: Path) -> LabelFile:
    """Read a label file.

    Raises:
        DataError: it cannot be read, its columns are of no known form, a value is not valid, or an image is named
            twice with different labels.
    """
    try:
        content = path.read_bytes()
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), restval=""))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"label file {path} is not readable as CSV in UTF-8") from error
    if not rows:
        raise DataError(f"label file {path} has no rows")
    name_column, parse = _form(path, rows[0])
    soft_labels: dict[str, SoftLabel] = {}
    for row in rows:
        try:
            soft_label = parse(row)
        except ValueError as error:
            raise DataError(f"label file {path}: no valid label for {row[name_column]}") from error
        if soft_labels.setdefault(_key(row[name_column]), soft_label) != soft_label:
            raise DataError(f"label file {path}: two labels for {row[name_column]}")
    return LabelFile(path, soft_labels, hashlib.sha256(content).hexdigest())


def _form(path: Path, row: Row) -> tuple[str, Callable[[Row], SoftLabel]]:
    """The column of names, and the function that reads the labels of a row."""
    name_column = next((column for column in ("member", "file") if column in row), None)
    parse = next((parse for columns, parse in FORMS if set(columns) <= set(row)), None)
    if name_column is None or parse is None:
        forms = "; ".join(", ".join(columns) for columns, _ in FORMS)
        raise DataError(f"label file {path} needs a column member or file, and those of one form: {forms}")
    return name_column, parse


def _key(name: str) -> str:
    return "/".join(PurePosixPath(name).parts[-2:])


def _from_votes(row: Row) -> SoftLabel:
    votes = {emotion: int(row[emotion] or 0) for emotion in VOTES}
    if min(votes.values()) < 0:
        raise ValueError("negative votes")
    most = [emotion for emotion in VOTES if votes[emotion] == max(votes.values())]
    if not any(votes.values()) or row.get("also_in") or set(most) & {"unknown", "NF"}:
        return LEFT_OUT
    label = {"happiness": 1, "neutral": 0}.get(most[0]) if len(most) == 1 else None
    return SoftLabel(votes["happiness"] / sum(votes.values()), label)


def _from_labellings(row: Row) -> SoftLabel:
    stated = [_zero_or_one(row["smiles_label"])]
    if row["muxspace_emotion"]:
        stated.append(int(row["muxspace_emotion"] == "happiness"))
    if row["mtfl_smile"]:
        stated.append(_zero_or_one(row["mtfl_smile"]))
    return SoftLabel(float(np.mean(stated)), stated[0] if len(set(stated)) == 1 else None)


def _zero_or_one(text: str) -> int:
    if text not in ("0", "1"):
        raise ValueError(text)
    return int(text)


def _from_share(row: Row) -> SoftLabel:
    if not row["smile"]:
        return LEFT_OUT
    share = float(row["smile"])
    if not 0 <= share <= 1:
        raise ValueError(share)
    return SoftLabel(share, int(share >= 0.5))


FORMS: tuple[tuple[tuple[str, ...], Callable[[Row], SoftLabel]], ...] = (
    (VOTES, _from_votes),
    (("smiles_label", "muxspace_emotion", "mtfl_smile"), _from_labellings),
    (("smile",), _from_share),
)
"""Columns of each form of label file, and the function that reads a row."""
