"""How data sets lay out their labels: which folder means a smile, and how tightly the faces are cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from smilecam.errors import DataError
from smilecam.presets import FER2013_TO_SMILES, WHOLE_BOX, CropGeometry


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to lay out labelled faces in folders.

    Attributes:
        name: what it is called.
        labels: name of the folder that holds a picture -> 1 for smiling, 0 for not smiling.
        to_smiles: which part of a picture shows what a SMILES picture shows.
        training_folder: where pictures lie below a folder of this name, those outside it are left alone.
        numbered: files of one name in both folders show one photograph (SMILES: 5837 and 12525 stand in both,
            one shifted, one with a frame drawn into it, besides five that are equal to the byte).
    """

    name: str
    labels: dict[str, int]
    to_smiles: CropGeometry
    training_folder: str | None = None
    numbered: bool = False

    def label(self, entry: PurePosixPath) -> int | None:
        """The label of a file, or None where its folder means nothing in this layout."""
        return self.labels.get(entry.parent.name)

    def select(self, entries: list[PurePosixPath]) -> list[PurePosixPath]:
        """The files that have a label here, without a test part that lies beside a training part."""
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
    """The layout under which both classes are present.

    Args:
        entries: names of picture files.
        where: what to name in the error.

    Raises:
        DataError: no layout fits, or several do.
    """
    fitting = [layout for layout in LAYOUTS if {layout.label(entry) for entry in layout.select(entries)} >= {0, 1}]
    if len(fitting) == 1:
        return fitting[0]
    known = "; ".join(f"{layout.name}: {', '.join(sorted(layout.labels))}" for layout in LAYOUTS)
    problem = "mixes several layouts" if fitting else "holds no labelled pictures of both classes"
    raise DataError(f"{where} {problem} (known folders: {known})")
