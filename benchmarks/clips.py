"""Accuracy on labelled clips: of single frames, and of the states that users see.

    python benchmarks/clips.py --videos FOLDER [--detector NAME] [--live] [--json PATH] [MODEL...]

FOLDER holds clips and labels.csv with the columns clip, start, end (inclusive frame numbers) and label: "smile", "not"
or "noface". A frame is correct if it is classified as smiling exactly when its label is "smile". The false positive
rate of a clip is the share of its "not" frames classified as smiling, frames without a detected face included;
unlabelled frames are not scored.

The first table is about single frames, without time. The second has the balanced accuracy of each clip by single
frames, by the states of a recorded video and, with --live, by those of the clip played in real time, of which only the
frames that were processed count.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from smilecam import FrameResult, SmileDetector, SourceOptions, provenance

Stretch = tuple[int, int, str]


def read_labels(videos: Path) -> dict[str, list[Stretch]]:
    """Clip -> its labelled segments."""
    stretches: dict[str, list[Stretch]] = defaultdict(list)
    with (videos / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            stretches[row["clip"]].append((int(row["start"]), int(row["end"]), row["label"]))
    return stretches


def results_of(detector: SmileDetector, clip: Path, options: SourceOptions) -> list[FrameResult]:
    """The results of a clip, played in real time without the frames that were dropped."""
    return [item.result for item in detector.stream(clip, options) if item.result is not None]


def state_accuracy(results: list[FrameResult], stretches: list[Stretch]) -> float | None:
    """Balanced accuracy of the states over the labelled frames of a clip; None without a labelled face."""
    right: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        for start, end, label in stretches:
            if start <= result.frame <= end and label != "noface":
                right[label].append(result.smiling == (label == "smile"))
    return statistics.mean(statistics.mean(each) for each in right.values()) if right else None


def score_clip(detector: SmileDetector, results: list[FrameResult], stretches: list[Stretch]) -> list[dict[str, Any]]:
    """A row for each labelled segment of a clip."""
    rows = []
    for start, end, label in stretches:
        part = results[start : end + 1]
        if not part:
            raise SystemExit(f"{results[0].source} ends before frame {start}")
        smiling = sum(any(face.smile >= detector.threshold for face in result.faces) for result in part)
        rows.append(
            {
                "clip": Path(results[0].source).name,
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


def measure(model: str, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of a model."""
    detector = SmileDetector(model, detector=options.detector)
    labels = read_labels(options.videos)
    rows: list[dict[str, Any]] = []
    states: dict[str, dict[str, float]] = {"offline": {}, "live": {}}
    modes = {"offline": SourceOptions()} | ({"live": SourceOptions(realtime=True)} if options.live else {})
    for clip, stretches in labels.items():
        for mode, source_options in modes.items():
            results = results_of(detector, options.videos / clip, source_options)
            if mode == "offline":
                rows += score_clip(detector, results, stretches)
            if (accuracy := state_accuracy(results, stretches)) is not None:
                states[mode][clip] = accuracy
    detector.close()
    return {
        "rows": rows,
        "false_smiles": false_smiles(rows),
        "balanced_accuracies": balanced_accuracies(rows),
        "states": {mode: found for mode, found in states.items() if found},
        "threshold": detector.threshold,
    }


def report(model: str, found: dict[str, Any]) -> None:
    """Print the tables of a model."""
    rows, balanced = found["rows"], found["balanced_accuracies"]
    print(f"\n{model}, threshold {found['threshold']:g}")
    print("| clip | frames | label | face detected | smiling | accuracy |\n|---|---|---|---|---|---|")
    for row in rows:
        frames = f"{row['start']}-{row['end']}"
        print(
            f"| {row['clip']} | {frames} | {row['label']} | {row['with_face']} | {row['smiling']} "
            f"| {row['right']:.3f} |"
        )
    right, frames = statistics.mean(row["right"] for row in rows), sum(row["frames"] for row in rows)
    worst = max(found["false_smiles"], key=lambda clip: found["false_smiles"][clip])
    print(f"mean accuracy of {len(rows)} segments, {frames} frames: {right:.4f}")
    print(f"false positive rate: worst of the clips {found['false_smiles'][worst]:.2%} ({worst})")
    print("\nbalanced accuracy")
    columns = {"single frames": balanced} | found["states"]
    print(f"| clip | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for clip in balanced:
        print(f"| {clip} | " + " | ".join(f"{column[clip]:.3f}" for column in columns.values()) + " |")
    means = " | ".join(f"{statistics.mean(column.values()):.4f}" for column in columns.values())
    print(f"| mean of {len(balanced)} clips | {means} |")


def main() -> None:
    """Measure each model, and print its tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--detector", default="haar")
    parser.add_argument("--live", action="store_true", help="also play every clip in real time")
    parser.add_argument("--json", type=Path)
    parser.add_argument("models", nargs="*", default=["smilenet"])
    options = parser.parse_args()
    found = {}
    for model in options.models:
        found[model] = measure(model, options)
        report(model, found[model])
    print(f"\n{options.detector}, commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {
            "models": found,
            "detector": options.detector,
            "commit": provenance.commit(),
            "machine": provenance.machine(),
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
