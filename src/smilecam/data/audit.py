"""Audit of a data set before training: counts, duplicates and contradictory labels."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smilecam.classification.crop import resize
from smilecam.data.faces import LabelledFace, content_digest, iter_faces, photograph_keys
from smilecam.opencv import cv2
from smilecam.presets import LABELS
from smilecam.storage import make_folder, write_bytes, write_text
from smilecam.types import GreyImage

SHEET_ROWS, SHEET_COLUMNS, SHEET_TILE = 8, 16, 64


@dataclass(frozen=True, slots=True)
class Audit:
    """Contents of a data set.

    Attributes:
        layout: name of the recognised layout.
        n: number of images.
        classes: number of images of each class.
        shares: share of each class.
        sizes: number of images of each "width x height".
        equal: groups of names of equal images with the same label.
        contradictory: groups of names of images of one photograph with different labels.
        clean: number of images in the clean variant: without contradictory ones, equal ones once.
        content_digest: SHA-256 over labels and bytes.
        sheets: contact sheet of each class, uint8 grey (height, width).
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
        """Everything but the sheets, as plain values."""
        fields = ("layout", "n", "classes", "shares", "sizes", "equal", "contradictory", "clean", "content_digest")
        return {field: getattr(self, field) for field in fields}


def audit(path: Path, seed: int = 0) -> Audit:
    """Load a data set and count its images.

    Args:
        path: a folder or archive of a known layout.
        seed: of the random choice of faces for the sheets.

    Raises:
        DataError: it cannot be loaded.
    """
    layout, labelled = iter_faces(path)
    faces = list(labelled)
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
    """Groups of two or more images of one photograph."""
    names = [face.name for face in faces]
    keys = photograph_keys([face.image_digest for face in faces], names if numbered else None)
    groups = defaultdict(list)
    for key, face in zip(keys, faces, strict=True):
        groups[key].append(face)
    return [group for group in groups.values() if len(group) > 1]


def contact_sheet(faces: list[LabelledFace], label: int, seed: int) -> GreyImage:
    """A random sample of one class: uint8 grey, at most 8 rows of 16 faces of 64x64."""
    of_class = [face for face in faces if face.label == label]
    chosen = np.random.default_rng(seed).permutation(len(of_class))[: SHEET_ROWS * SHEET_COLUMNS]
    rows = -(-len(chosen) // SHEET_COLUMNS)
    sheet = np.full((rows * SHEET_TILE, SHEET_COLUMNS * SHEET_TILE), 255, np.uint8)
    for tile, index in enumerate(chosen):
        top, left = (SHEET_TILE * position for position in divmod(tile, SHEET_COLUMNS))
        sheet[top : top + SHEET_TILE, left : left + SHEET_TILE] = resize(of_class[index].grey, SHEET_TILE)
    return sheet


def write_audit(found: Audit, folder: Path) -> list[Path]:
    """Write ``audit.json`` and a contact sheet of each class.

    Returns:
        The paths of the files.

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
