"""Layouts of data sets: folders of each class, and framing of the faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from smilecam.errors import DataError
from smilecam.presets import FER2013_TO_SMILES, WHOLE_BOX, CropGeometry


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder structure of labelled faces.

    Attributes:
        name: for messages and reports.
        labels: name of an image's folder -> 1 for smiling, 0 for not smiling.
        to_smiles: crop of an image that has the framing of SMILES.
        training_folder: folder of the training set; with it, images outside are ignored.
        numbered: files of one name in both folders show one photograph (SMILES: 5837 and 12525 are in both, one
            translated, one with a frame drawn into it, besides five that are equal to the byte).
    """

    name: str
    labels: dict[str, int]
    to_smiles: CropGeometry
    training_folder: str | None = None
    numbered: bool = False

    def label(self, entry: PurePosixPath) -> int | None:
        """The label of a file, or None outside the layout's folders."""
        return self.labels.get(entry.parent.name)

    def select(self, entries: list[PurePosixPath]) -> list[PurePosixPath]:
        """The labelled files; only the training set, where there is one."""
        labelled = [entry for entry in entries if self.label(entry) is not None]
        training = [entry for entry in labelled if self.training_folder in entry.parts]
        return training or labelled


SMILES = Layout("SMILES", {"positives7": 1, "negatives7": 0}, WHOLE_BOX, numbered=True)
FOLDERS = Layout("smile and not_smile folders", {"smile": 1, "not_smile": 0}, WHOLE_BOX)
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
    known = "; ".join(f"{layout.name}: {', '.join(sorted(layout.labels))}" for layout in LAYOUTS)
    problem = "mixes several layouts" if fitting else "holds no labelled images of both classes"
    raise DataError(f"{where} {problem} (known folders: {known})")
