"""Single-frame accuracy on labelled clips, without smoothing.

    python benchmarks/clips.py --videos FOLDER [--json PATH] [MODEL...]

FOLDER holds clips and labels.csv with the columns clip, start, end (inclusive frame numbers) and label: "smile", "not"
or "noface". A frame is correct if it is classified as smiling exactly when its label is "smile". The false positive
rate of a clip is the share of its "not" frames classified as smiling, frames without a detected face included;
unlabelled frames are not scored.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from smilecam import SmileDetector, provenance

Stretch = tuple[int, int, str]


def read_labels(videos: Path) -> dict[str, list[Stretch]]:
    """Clip -> its labelled segments."""
    stretches: dict[str, list[Stretch]] = defaultdict(list)
    with (videos / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            stretches[row["clip"]].append((int(row["start"]), int(row["end"]), row["label"]))
    return stretches


def score_clip(detector: SmileDetector, clip: Path, stretches: list[Stretch]) -> list[dict[str, Any]]:
    """A row for each labelled segment of a clip."""
    results = [item.result for item in detector.stream(clip) if item.result is not None]
    rows = []
    for start, end, label in stretches:
        part = results[start : end + 1]
        if not part:
            raise SystemExit(f"{clip} ends before frame {start}")
        smiling = sum(any(face.smile >= detector.threshold for face in result.faces) for result in part)
        rows.append(
            {
                "clip": clip.name,
                "start": start,
                "end": end,
                "label": label,
                "frames": len(part),
                "with_face": sum(bool(result.faces) for result in part),
                "smiling": smiling,
                "right": (smiling if label == "smile" else len(part) - smiling) / len(part),
            }
        )
    return rows


def false_smiles(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Clip -> share of its "not" frames classified as smiling."""
    clips: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row["label"] == "not":
            clips[row["clip"]][0] += row["smiling"]
            clips[row["clip"]][1] += row["frames"]
    return {clip: smiling / frames for clip, (smiling, frames) in clips.items()}


def balanced_accuracies(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Clip -> mean of the accuracies on its "smile" and on its "not" frames."""
    clips: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for row in rows:
        if row["label"] != "noface":
            of_label = clips[row["clip"]][row["label"]]
            of_label[0] += row["right"] * row["frames"]
            of_label[1] += row["frames"]
    return {
        clip: statistics.mean(right / frames for right, frames in labels.values()) for clip, labels in clips.items()
    }


def main() -> None:
    """Process every clip with each model, and print a row for each labelled segment."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("models", nargs="*", default=["smilenet"])
    options = parser.parse_args()
    found = {}
    for model in options.models:
        detector = SmileDetector(model, detector="haar")
        labels = read_labels(options.videos)
        rows = [row for clip in labels for row in score_clip(detector, options.videos / clip, labels[clip])]
        balanced = balanced_accuracies(rows)
        found[model] = {
            "rows": rows,
            "false_smiles": false_smiles(rows),
            "balanced_accuracies": balanced,
            "threshold": detector.threshold,
        }
        print(f"\n{model}, threshold {detector.threshold:g}")
        print("| clip | frames | label | face detected | smiling | accuracy |\n|---|---|---|---|---|---|")
        for row in rows:
            frames = f"{row['start']}-{row['end']}"
            print(
                f"| {row['clip']} | {frames} | {row['label']} | {row['with_face']} | {row['smiling']} "
                f"| {row['right']:.3f} |"
            )
        right, frames = statistics.mean(row["right"] for row in rows), sum(row["frames"] for row in rows)
        rates = false_smiles(rows)
        worst = max(rates, key=lambda clip: rates[clip])
        print(f"mean accuracy of {len(rows)} segments, {frames} frames: {right:.4f}")
        print(f"mean balanced accuracy of {len(balanced)} clips: {statistics.mean(balanced.values()):.4f}")
        print(f"false positive rate: worst of {len(rates)} clips {rates[worst]:.2%} ({worst})")
    print(f"\ncommit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"models": found, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
