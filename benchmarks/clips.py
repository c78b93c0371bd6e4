"""Share of right frames on labelled clips, frame by frame without smoothing.

    python benchmarks/clips.py --videos FOLDER [--model MODEL]

FOLDER holds clips and labels.csv with the columns clip, start, end (inclusive frame numbers) and label: "smile", "not"
or "noface". A frame is right when it is called smiling just where the label is "smile".
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections import defaultdict
from pathlib import Path

from smilecam import SmileDetector, provenance


def main() -> None:
    """Read every clip once, and print a row for each labelled stretch."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--model", default="lenet")
    options = parser.parse_args()
    detector = SmileDetector(options.model)
    stretches = defaultdict(list)
    with (options.videos / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            stretches[row["clip"]].append((int(row["start"]), int(row["end"]), row["label"]))
    shares, frames = [], 0
    print("| clip | frames | label | with a face | called smiling | right |\n|---|---|---|---|---|---|")
    for clip, rows in stretches.items():
        results = list(detector.stream(options.videos / clip))
        for start, end, label in rows:
            part = results[start : end + 1]
            smiling = sum(result.smiling for result in part)
            right = (smiling if label == "smile" else len(part) - smiling) / len(part)
            shares.append(right)
            frames += len(part)
            found = sum(bool(result.faces) for result in part)
            print(f"| {clip} | {start}-{end} | {label} | {found} | {smiling} | {right:.3f} |")
    print(f"mean of {len(shares)} stretches, {frames} frames: {statistics.mean(shares):.4f}")
    print(f"threshold {detector.threshold:g}, commit {provenance.commit()}, {provenance.machine()}")


if __name__ == "__main__":
    main()
