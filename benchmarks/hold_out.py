"""Two label files that divide an indexed data set: one to train on, one to measure on.

    python benchmarks/hold_out.py --data ARCHIVE --out FOLDER (--column NAME --values A,B | --share 0.2)

Rows of the index whose column has one of the values, or a random share of them (seed 0), are held out: ARCHIVE's name
with `_train.csv` leaves them out, and with `_held_out.csv` everything else. Use them as `smilecam train --labels` and
`smilecam evaluate --labels`. With `--archive`, the held-out images are copied into an archive of their own as well,
ARCHIVE's name with `_held_out.zip`, for `smilecam export --calibrate`.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path

import numpy as np

from smilecam.data.entries import is_index, open_entries


def read_index(data: Path) -> list[dict[str, str]]:
    """Rows of the index of a data set."""
    with open_entries(data) as entries:
        return [row for name, read in entries if is_index(name) for row in csv.DictReader(io.StringIO(read().decode()))]


def write_archive(data: Path, path: Path, rows: list[dict[str, str]]) -> None:
    """Copy the images of these rows, with their index."""
    wanted = {Path(row["file"]).name for row in rows}
    index = io.StringIO(newline="")
    table = csv.DictWriter(index, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    with open_entries(data) as entries, zipfile.ZipFile(path, "w") as archive:
        for name, read in entries:
            if is_index(name):
                archive.writestr(str(name), index.getvalue())
            elif name.name in wanted:
                archive.writestr(str(name), read())
    print(f"wrote {path}: {len(rows):,} images")


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--column")
    parser.add_argument("--values", default="")
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--archive", action="store_true")
    options = parser.parse_args()
    rows = read_index(options.data)
    drawn = np.random.default_rng(0).random(len(rows)) < options.share
    values = options.values.split(",")
    held_out = [row[options.column] in values for row in rows] if options.column else drawn.tolist()
    for name, left_out in (("train", True), ("held_out", False)):
        path = options.out / f"{options.data.stem}_{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["file", "smile"])
            for row, held in zip(rows, held_out, strict=True):
                table.writerow([row["file"], "" if held is left_out else row["smile"]])
        print(f"wrote {path}: {sum(held is not left_out for held in held_out):,} of {len(rows):,} images")
    if options.archive:
        chosen = [row for row, held in zip(rows, held_out, strict=True) if held]
        write_archive(options.data, options.out / f"{options.data.stem}_held_out.zip", chosen)


if __name__ == "__main__":
    main()
