"""Two label files that divide an indexed data set: one to train on, one to measure on.

    python benchmarks/hold_out.py --data ARCHIVE --out FOLDER (--column NAME --values A,B | --share 0.2)

Rows of the index whose column has one of the values, or a random share of them (seed 0), are held out: ARCHIVE's name
with `_train.csv` leaves them out, and with `_held_out.csv` everything else. Use them as `smilecam train --labels` and
`smilecam evaluate --labels`.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

import numpy as np

from smilecam.data.entries import is_index, open_entries


def read_index(data: Path) -> list[dict[str, str]]:
    """Rows of the index of a data set."""
    with open_entries(data) as entries:
        return [row for name, read in entries if is_index(name) for row in csv.DictReader(io.StringIO(read().decode()))]


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--column")
    parser.add_argument("--values", default="")
    parser.add_argument("--share", type=float, default=0.0)
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


if __name__ == "__main__":
    main()
