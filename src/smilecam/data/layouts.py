"""Layouts of data sets: folders of each class, and framing of the faces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from smilecam.errors import DataError
from smilecam.presets import FER2013_TO_SMILES, WHOLE_BOX, CropGeometry


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder structure of labelled faces.

    Attributes:
        name: for messages and reports.
        labels: name of an image's folder, case and separators ignored -> 1 for smiling, 0 for not smiling.
        to_smiles: crop of an image that has the framing of SMILES.
        training_folder: folder of the training set; with it, images outside are ignored.
        photos: whether images may be whole photos: nobody prepared them.
        numbered: files of one name in both folders show one photograph (SMILES: 5837 and 12525 are in both, one
            translated, one with a frame drawn into it, besides five that are equal to the byte).
    """

    name: str
    labels: dict[str, int]
    to_smiles: CropGeometry
    training_folder: str | None = None
    photos: bool = False
    numbered: bool = False

    def label(self, entry: PurePosixPath) -> int | None:
        """The label of a file, or None outside the layout's folders."""
        folder = plain_name(entry.parent.name)
        return next((label for name, label in self.labels.items() if plain_name(name) == folder), None)

    def select(self, entries: list[PurePosixPath]) -> list[PurePosixPath]:
        """The labelled files; only the training set, where there is one."""
        labelled = [entry for entry in entries if self.label(entry) is not None]
        training = [entry for entry in labelled if self.training_folder in entry.parts]
        return training or labelled


@lru_cache(maxsize=1024)
def plain_name(folder: str) -> str:
    """A folder's name in lower case, without spaces and punctuation: "Not-smiling" and "not smiling" are one name."""
    return re.sub(r"[\W_]+", "", folder).lower()


SMILE_NAMES = ("smile", "smiles", "smiling")
NOT_SMILE_NAMES = (*(f"{no}_{smile}" for no in ("not", "non", "no") for smile in SMILE_NAMES), "neutral")
SMILES = Layout("SMILES", {"positives7": 1, "negatives7": 0}, WHOLE_BOX, numbered=True)
FOLDERS = Layout(
    "smile and not_smile folders",
    dict.fromkeys(SMILE_NAMES, 1) | dict.fromkeys(NOT_SMILE_NAMES, 0),
    WHOLE_BOX,
    photos=True,
)
FER2013 = Layout(
    "FER2013",
    {"happy": 1} | dict.fromkeys(("angry", "disgust", "fear", "neutral", "sad", "surprise"), 0),
    FER2013_TO_SMILES,
    training_folder="train",
)
LAYOUTS = (SMILES, FOLDERS, FER2013)


def find_layout(entries: list[PurePosixPath], where: object) -> Layout:
    """Recognise a layout: the one in which both classes are present.

    Args:
        entries: names of image files.
        where: the data set, for the error message.

    Raises:
        DataError: no layout fits, or several do.
    """
    fitting = [layout for layout in LAYOUTS if {layout.label(entry) for entry in layout.select(entries)} >= {0, 1}]
    if len(fitting) == 1:
        return fitting[0]
    problem = "mixes several layouts" if fitting else "holds no labelled images of both classes"
    raise DataError(f"{where} {problem} (known folders, case and separators ignored: {known_folders()})")


def known_folders() -> str:
    """Every layout with the names of its folders, for messages."""
    return "; ".join(f"{layout.name}: {_names(layout, 1)} against {_names(layout, 0)}" for layout in LAYOUTS)


def _names(layout: Layout, label: int) -> str:
    return ", ".join(name for name, of in layout.labels.items() if of == label)
