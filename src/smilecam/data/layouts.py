"""Layouts of data sets: the labels of the images, by folder or by index, and the framing of the faces."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath

from smilecam.data.entries import Read, is_index
from smilecam.errors import DataError
from smilecam.presets import FER2013_TO_SMILES, WHOLE_BOX, CropGeometry

Entries = list[tuple[PurePosixPath, Read]]

INDEXED_TO_SMILES = CropGeometry(side=64 / 96)
"""From an image of an indexed data set, which has half the framing's side around it, to the framing of SMILES."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a data set states about an image.

    Attributes:
        label: 1 for smiling, 0 not smiling.
        identity: key of the individual in the image; "" if it is not known.
    """

    label: int
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """A structure of labelled faces.

    Attributes:
        name: for messages and reports.
        to_smiles: crop of an image that has the framing of SMILES.
        labels: name of an image's folder, case and separators ignored -> 1 for smiling, 0 for not smiling; empty where
            an index has the labels.
        training_folder: folder of the training set; with it, images outside are ignored.
        photos: whether images may be whole photos: nobody prepared them.
        numbered: files of one name in both folders show one photograph (SMILES: 5837 and 12525 are in both, one
            translated, one with a frame drawn into it, besides five that are equal to the byte).
    """

    name: str
    to_smiles: CropGeometry
    labels: dict[str, int] = field(default_factory=dict)
    training_folder: str | None = None
    photos: bool = False
    numbered: bool = False

    def _label(self, entry: PurePosixPath) -> int | None:
        """The label of a file by its folder, or None outside the layout's folders."""
        folder = plain_name(entry.parent.name)
        return next((label for name, label in self.labels.items() if plain_name(name) == folder), None)

    def annotate(self, entries: Entries) -> dict[PurePosixPath, Annotation]:
        """The labelled images; only the training set, where there is one.

        Raises:
            DataError: an index cannot be read.
        """
        if not self.labels:
            return _annotate_by_index(entries)
        labels = {name: self._label(name) for name, _ in entries if not is_index(name)}
        labelled = {name: Annotation(label) for name, label in labels.items() if label is not None}
        training = {name: found for name, found in labelled.items() if self.training_folder in name.parts}
        return training or labelled


@lru_cache(maxsize=1024)
def plain_name(folder: str) -> str:
    """A folder's name in lower case, without spaces and punctuation: "Not-smiling" and "not smiling" are one name."""
    return re.sub(r"[\W_]+", "", folder).lower()


SMILE_NAMES = ("smile", "smiles", "smiling")
NOT_SMILE_NAMES = (*(f"{no}_{smile}" for no in ("not", "non", "no") for smile in SMILE_NAMES), "neutral")


def _annotate_by_index(entries: Entries) -> dict[PurePosixPath, Annotation]:
    images = {name for name, _ in entries if not is_index(name)}
    annotations = {}
    for index, read in entries:
        for row in _index_rows(read) if is_index(index) else []:
            # Rows name files from the archive's root; an unpacked copy may lie elsewhere, but beside its index.
            image = index.parent / PurePosixPath(row["file"]).name
            if image not in images:
                raise DataError(f"{index} lists {row['file']}, which is not beside it")
            if row["smile"] not in ("0", "1", ""):
                raise DataError(f"{index}: smile is {row['smile']!r} for {row['file']}, not 0, 1 or empty")
            if row["smile"]:
                annotations[image] = Annotation(int(row["smile"]), row.get("identity") or "")
    return annotations


def _index_rows(read: Read) -> list[dict[str, str]]:
    """The rows of an index; none where a file of this name is something else."""
    try:
        rows = list(csv.DictReader(io.StringIO(read().decode("utf-8-sig")), restval=""))
    except (UnicodeDecodeError, csv.Error):
        return []
    return rows if rows and {"file", "smile"} <= set(rows[0]) else []


SMILES = Layout("SMILES", WHOLE_BOX, {"positives7": 1, "negatives7": 0}, numbered=True)
FOLDERS = Layout(
    "smile and not_smile folders",
    WHOLE_BOX,
    dict.fromkeys(SMILE_NAMES, 1) | dict.fromkeys(NOT_SMILE_NAMES, 0),
    photos=True,
)
FER2013 = Layout(
    "FER2013",
    FER2013_TO_SMILES,
    {"happy": 1} | dict.fromkeys(("angry", "disgust", "fear", "neutral", "sad", "surprise"), 0),
    training_folder="train",
)
INDEXED = Layout("images listed in index.csv", INDEXED_TO_SMILES)
LAYOUTS = (SMILES, FOLDERS, FER2013, INDEXED)


def find_layout(entries: Entries, where: object) -> tuple[Layout, dict[PurePosixPath, Annotation]]:
    """Recognise a layout: the one in which both classes are present.

    Args:
        entries: image and index files, each with a function that returns its bytes.
        where: the data set, for the error message.

    Returns:
        The layout, and the labelled images.

    Raises:
        DataError: no layout fits, several do, or an index cannot be read.
    """
    found = [(layout, layout.annotate(entries)) for layout in LAYOUTS]
    fitting = [pair for pair in found if {each.label for each in pair[1].values()} >= {0, 1}]
    if len(fitting) == 1:
        return fitting[0]
    problem = "mixes several layouts" if fitting else "holds no labelled images of both classes"
    raise DataError(f"{where} {problem} (known folders, case and separators ignored: {_known()})")


def _known() -> str:
    """What every layout needs, for messages."""
    known = [f"{layout.name}: {_names(layout, 1)} against {_names(layout, 0)}" for layout in LAYOUTS if layout.labels]
    return "; ".join([*known, "index.csv beside the images, with the columns file and smile"])


def _names(layout: Layout, label: int) -> str:
    return ", ".join(name for name, of in layout.labels.items() if of == label)
