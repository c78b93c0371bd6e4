"""False state changes and detection delay of smiles on labelled clips.

    python benchmarks/flicker.py --videos FOLDER [--detector haar] [--model smilenet] [--recorded-only] [--json PATH]

FOLDER holds clips and labels.csv, as for benchmarks/clips.py. Each clip is processed offline and as a live stream in
real time, with default settings; with --recorded-only offline alone, and the figures of live streams in PATH are kept.
The state of a frame is whether anybody in it smiles: "smoothed" as in results, "events" as in smile_start and
smile_end, "raw" by the probabilities of the frame alone.

Inside a labelled segment the state should not change. If it is wrong at the segment's first frame, the correction is
late and not counted; all other changes are false. A smile counts if it follows a segment labelled "not" and lasts half
a second; its delays are from its first labelled frame to the reported onset ("since"), and to the moment of the report.
Frames between the two labels are ambiguous, so that an onset may precede the label's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from clips import Stretch, read_labels
from smilecam import SmileDetector, provenance
from smilecam.results import FrameResult
from smilecam.sources.base import SourceOptions
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.types import EventKind
from video_tables import flicker_table

MODES = {"film": SourceOptions(), "live": SourceOptions(realtime=True)}
WAYS = ("smoothed", "events", "raw")
LEAST_SMILE = 0.5


@dataclass(frozen=True, slots=True)
class Begin:
    """A smile's onset, and the moment of its report; in seconds."""

    since: float
    told: float


@dataclass(frozen=True, slots=True)
class States:
    """States of one clip: frame number -> whether somebody smiles; and the onsets of smiles."""

    by_frame: dict[int, bool]
    begins: list[Begin]


def read_clip(detector: SmileDetector, clip: Path, options: SourceOptions) -> list[FrameResult]:
    """The results of a clip; as a live stream, without dropped frames."""
    with open_source(find_sources(clip)[0], options) as source, detector.run(source) as run:
        return [item.result for item in run if item.result is not None]


def states(results: Sequence[FrameResult], threshold: float) -> dict[str, States]:
    """Kind of state -> the states of a clip."""
    starts = [event for result in results for event in result.events if event.kind is EventKind.SMILE_START]
    begins = [Begin(event.time if event.since is None else event.since, event.time) for event in starts]
    raw = {result.frame: any(face.smile >= threshold for face in result.faces) for result in results}
    return {
        "smoothed": States({result.frame: result.smiling for result in results}, begins),
        "events": States(dict(_open_smiles(results)), begins),
        "raw": States(raw, list(_raw_begins(results, raw))),
    }


def _open_smiles(results: Sequence[FrameResult]) -> Iterator[tuple[int, bool]]:
    """For each frame whether a smile is open: started and not ended. What ends with the clip stays open."""
    smiling: set[int | None] = set()
    for result in results:
        for event in result.events:
            if event.kind is EventKind.SMILE_START:
                smiling.add(event.track)
            elif event.kind is EventKind.SMILE_END and result is not results[-1]:
                smiling.discard(event.track)
        yield result.frame, bool(smiling)


def _raw_begins(results: Iterable[FrameResult], raw: dict[int, bool]) -> Iterator[Begin]:
    before = False
    for result in results:
        if raw[result.frame] and not before:
            yield Begin(result.time or 0.0, result.time or 0.0)
        before = raw[result.frame]


def false_changes(by_frame: dict[int, bool], start: int, end: int, label: str) -> int:
    """Changes inside a segment, except a first one that only corrects an initially wrong state."""
    inside = [by_frame[number] for number in range(start, end + 1) if number in by_frame]
    changes = sum(a != b for a, b in pairwise(inside))
    late = bool(inside) and changes > 0 and inside[0] != (label == "smile")
    return changes - late


def labelled_smiles(stretches: Sequence[Stretch], times: Sequence[float]) -> Iterator[tuple[float, float, float]]:
    """End of the "not" before, onset, and end of each long enough smile that begins inside a clip; in seconds."""
    for before, smile in pairwise(stretches):
        if (before[2], smile[2]) == ("not", "smile") and times[smile[1]] - times[smile[0]] >= LEAST_SMILE:
            yield times[before[1]], times[smile[0]], times[smile[1]]


def delays(begins: Sequence[Begin], not_until: float, start: float, end: float) -> dict[str, float | None]:
    """Delay of the first onset and of its report after a labelled smile's onset; None if there is none."""
    found = next((begin for begin in begins if not_until < begin.told <= end), None)
    return {
        "since_delay": None if found is None else found.since - start,
        "told_delay": None if found is None else found.told - start,
    }


def score(
    of_clips: dict[str, States], labels: dict[str, list[Stretch]], times: dict[str, list[float]]
) -> dict[str, Any]:
    """Score of one kind of state over all clips."""
    seconds, rows, smiles = 0.0, [], []
    for clip, found in of_clips.items():
        period = times[clip][-1] / (len(times[clip]) - 1)
        for start, end, label in labels[clip]:
            seconds += (end - start + 1) * period
            false = false_changes(found.by_frame, start, end, label)
            rows.append({"clip": clip, "start": start, "end": end, "label": label, "false_changes": false})
        for span in labelled_smiles(labels[clip], times[clip]):
            smiles.append({"clip": clip, "start": span[1], **delays(found.begins, *span)})
    false = sum(row["false_changes"] for row in rows)
    return {
        "false_changes": false,
        "seconds": seconds,
        "per_minute": 60 * false / seconds,
        "smiles": smiles,
        "stretches": rows,
    }


def main() -> None:
    """Process every labelled clip in both modes, and print a row for each kind of state."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--detector", default="haar")
    parser.add_argument("--model", default="smilenet")
    parser.add_argument("--recorded-only", action="store_true", help="keep the figures of live streams in --json")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    kept = json.loads(options.json.read_text("utf-8")) if options.recorded_only and options.json else {}
    detector, labels = SmileDetector(options.model, detector=options.detector), read_labels(options.videos)
    times: dict[str, list[float]] = {}
    modes, frames = {}, {}
    for mode, how in MODES.items():
        if options.recorded_only and mode != "film":
            continue
        read = {clip: read_clip(detector, options.videos / clip, how) for clip in labels}
        frames[mode] = sum(map(len, read.values()))
        if mode == "film":  # which has every frame
            times = {clip: [result.time or 0.0 for result in results] for clip, results in read.items()}
        seen = {clip: states(results, detector.threshold) for clip, results in read.items()}
        modes[mode] = {way: score({clip: seen[clip][way] for clip in seen}, labels, times) for way in WAYS}
    detector.close()
    found = {
        "modes": kept.get("modes", {}) | modes,
        "frames": kept.get("frames", {}) | frames,
        "detector": options.detector,
        "model": options.model,
        "commits": kept.get("commits", {}) | dict.fromkeys(modes, provenance.commit()),
        "machine": provenance.machine(),
        "seed": None,
        "n": sum(end - start + 1 for stretches in labels.values() for start, end, _ in stretches),
    }
    print(flicker_table(found))
    for mode, ways in modes.items():
        label = mode.replace("film", "recorded video")
        for row in ways["smoothed"]["stretches"]:
            if row["false_changes"]:
                print(f"{label}: {row['false_changes']} in {row['clip']} {row['start']}-{row['end']} ({row['label']})")
    print(
        f"\ncommit {provenance.commit()}, {found['machine']}, {found['n']} labelled frames; frames processed: {frames}"
    )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
