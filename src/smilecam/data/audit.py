"""Looking a data set over before anyone trains on it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smilecam.classification.crop import resize
from smilecam.data.faces import LabelledFace, classify_faces, content_digest, photograph_keys
from smilecam.opencv import cv2
from smilecam.presets import LABELS
from smilecam.storage import make_folder, write_bytes, write_text
from smilecam.types import GreyImage

SHEET_ROWS, SHEET_COLUMNS, SHEET_TILE = 8, 16, 64


@dataclass(frozen=True, slots=True)
class Audit:
    """What a data set holds.

    Attributes:
        layout: name of the layout that was recognised.
        n: pictures.
        classes: number of pictures of each class.
        shares: share of each class.
        sizes: number of pictures of each "width x height".
        equal: names of pictures that are equal and bear one label, group by group.
        contradictory: names of pictures that show one photograph under both labels, group by group.
        clean: pictures left when contradictory ones are out and equal ones stand once.
        content_digest: SHA-256 over labels and bytes.
        sheets: for each class, a picture of some of its faces, uint8 (height, width).
    """

    layout: str
    n: int
    classes: dict[str, int]
    shares: dict[str, float]
    sizes: dict[str, int]
    equal: list[list[str]]
    contradictory: list[list[str]]
    clean: int
    content_digest: str
    sheets: dict[str, GreyImage]

    def as_dict(self) -> dict[str, Any]:
        """Everything but the pictures, as plain values."""
        fields = ("layout", "n", "classes", "shares", "sizes", "equal", "contradictory", "clean", "content_digest")
        return {field: getattr(self, field) for field in fields}


def audit(path: Path, seed: int = 0) -> Audit:
    """Read a data set and count what is in it.

    Args:
        path: a folder or archive of a known layout.
        seed: of the choice of faces for the sheets.

    Raises:
        DataError: it cannot be read.
    """
    layout, reader = classify_faces(path)
    faces = list(reader)
    classes = Counter(LABELS[face.label] for face in faces)
    groups = _photographs(faces, numbered=layout.numbered)
    equal = [[face.name for face in group] for group in groups if len({face.label for face in group}) == 1]
    contradictory = [[face.name for face in group] for group in groups if len({face.label for face in group}) > 1]
    return Audit(
        layout=layout.name,
        n=len(faces),
        classes={name: classes[name] for name in LABELS},
        shares={name: round(classes[name] / len(faces), 4) for name in LABELS},
        sizes=dict(Counter(f"{face.grey.shape[1]} x {face.grey.shape[0]}" for face in faces).most_common()),
        equal=equal,
        contradictory=contradictory,
        clean=len(faces) - sum(len(group) - 1 for group in equal) - sum(map(len, contradictory)),
        content_digest=content_digest([face.digest_line for face in faces]),
        sheets={name: contact_sheet(faces, label, seed) for label, name in enumerate(LABELS)},
    )


def _photographs(faces: list[LabelledFace], *, numbered: bool) -> list[list[LabelledFace]]:
    """Groups of two or more pictures of one photograph."""
    names = [face.name for face in faces]
    keys = photograph_keys([face.picture_digest for face in faces], names if numbered else None)
    groups = defaultdict(list)
    for key, face in zip(keys, faces, strict=True):
        groups[key].append(face)
    return [group for group in groups.values() if len(group) > 1]


def contact_sheet(faces: list[LabelledFace], label: int, seed: int) -> GreyImage:
    """A random choice of one class, side by side: uint8, at most 8 rows of 16 faces of 64x64."""
    of_class = [face for face in faces if face.label == label]
    chosen = np.random.default_rng(seed).permutation(len(of_class))[: SHEET_ROWS * SHEET_COLUMNS]
    rows = -(-len(chosen) // SHEET_COLUMNS)
    sheet = np.full((rows * SHEET_TILE, SHEET_COLUMNS * SHEET_TILE), 255, np.uint8)
    for place, index in enumerate(chosen):
        top, left = (SHEET_TILE * at for at in divmod(place, SHEET_COLUMNS))
        sheet[top : top + SHEET_TILE, left : left + SHEET_TILE] = resize(of_class[index].grey, SHEET_TILE)
    return sheet


def write_audit(found: Audit, folder: Path) -> list[Path]:
    """Write ``audit.json`` and a contact sheet of each class.

    Returns:
        The files' paths.

    Raises:
        OutputError: they cannot be written.
    """
    report = make_folder(folder) / "audit.json"
    write_text(report, json.dumps(found.as_dict(), indent=2) + "\n")
    paths = [report]
    for name, sheet in found.sheets.items():
        path = folder / f"contact_sheet_{name}.png"
        write_bytes(path, cv2.imencode(".png", sheet)[1].tobytes())
        paths.append(path)
    return paths
