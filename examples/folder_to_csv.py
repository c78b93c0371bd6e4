"""Read the photos of a folder and write a table: a row per photo, with how many faces smile.

    python examples/folder_to_csv.py photos/ smiles.csv

A photo that cannot be read gets a row that says why, and the others go on.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import smilecam

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic"}


def describe(detector: smilecam.SmileDetector, path: Path) -> dict[str, object]:
    """One row: what was seen in a photo."""
    try:
        faces = detector(smilecam.load_image(path)).faces
    except smilecam.SourceError as error:
        return {"photo": path.name, "problem": str(error)}
    return {
        "photo": path.name,
        "faces": len(faces),
        "smiling": sum(face.smiling for face in faces),
        "highest": max((round(face.smile, 3) for face in faces), default=""),
    }


def main() -> None:
    """Read the arguments, write the table, print a summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("table", type=Path)
    arguments = parser.parse_args()

    photos = sorted(path for path in arguments.folder.iterdir() if path.suffix.lower() in SUFFIXES)
    with smilecam.SmileDetector() as detector:
        rows = [describe(detector, path) for path in photos]
    with arguments.table.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["photo", "faces", "smiling", "highest", "problem"])
        table.writeheader()
        table.writerows(rows)
    failed = sum("problem" in row for row in rows)
    smiling = sum(bool(row.get("smiling")) for row in rows)
    print(f"{len(rows)} photos, {smiling} with a smile, {failed} not readable: {arguments.table}")


if __name__ == "__main__":
    main()
