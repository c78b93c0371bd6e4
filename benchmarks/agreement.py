"""Agreement of offline tracking with full detection in every frame.

    python benchmarks/agreement.py CLIP... [--detector haar] [--json PATH]

Each clip is processed twice: with offline tracking, and with full detection in every frame. Faces of full detection
with a confidence of at least .8 are confident; one is matched if the other run has a box with an IoU of at least .5.
Decisions are the states of matched faces after temporal smoothing, which is the same in both runs; single-frame
decisions compare the probability of the frame alone with the threshold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smilecam import SmileDetector, provenance
from smilecam.geometry import iou
from smilecam.pipeline.run import OfflineRun
from smilecam.results import FrameResult
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.tracking.offline import OfflineFaceFinder
from smilecam.types import DetectedFace, GreyImage

CONFIDENT = 0.8
SAME = 0.5


class EveryFrame(OfflineFaceFinder):
    """Full detection in every frame."""

    def ends_window(self, count: int, seconds: float) -> bool:  # noqa: ARG002 - as in the class above
        """Each frame is a window."""
        return True

    def __call__(self, images: Sequence[GreyImage], times: Sequence[float]) -> list[list[DetectedFace]]:  # noqa: ARG002
        """Detect in them all."""
        return [self._detector(image) for image in images]


def read_clip(detector: SmileDetector, clip: Path, finder: OfflineFaceFinder) -> list[FrameResult]:
    """All results of a clip with a given face finder."""
    with open_source(find_sources(clip)[0]) as source, OfflineRun(source, detector.setup, finder) as run:
        return [item.result for item in run if item.result is not None]


def compare(ours: list[FrameResult], whole: list[FrameResult], threshold: float) -> dict[str, Any]:
    """Number of confident faces, of matched ones, and of decisions that differ."""
    confident = found = changed = raw_changed = 0
    for mine, theirs in zip(ours, whole, strict=True):
        for face in theirs.faces:
            if face.confidence < CONFIDENT:
                continue
            confident += 1
            same = max(mine.faces, key=lambda other: iou(other.box, face.box), default=None)
            if same is None or iou(same.box, face.box) < SAME:
                continue
            found += 1
            changed += same.smiling != face.smiling
            raw_changed += (same.smile >= threshold) != (face.smile >= threshold)
    return {
        "frames": len(ours),
        "confident": confident,
        "found": found,
        "changed": changed,
        "raw_changed": raw_changed,
        "boxes": sum(len(result.faces) for result in ours),
        "boxes_whole": sum(len(result.faces) for result in whole),
    }


def main() -> None:
    """Compare on every clip and in total."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--model", default="smilenet")
    parser.add_argument("--detector", default="haar")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    detector = SmileDetector(options.model, detector=options.detector)
    rows = {}
    for clip in options.clips:
        ours = read_clip(detector, clip, detector.components.offline_finder())
        whole = read_clip(detector, clip, EveryFrame(detector.components.stream_detector()))
        rows[clip.name] = compare(ours, whole, detector.threshold)
    total = {key: sum(row[key] for row in rows.values()) for key in next(iter(rows.values()))}
    print("| clip | frames | confident faces | matched | decisions changed | single-frame | boxes | per-frame boxes |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in (rows | {"all": total}).items():
        print(f"| {name} | " + " | ".join(str(value) for value in row.values()) + " |")
    share, changed = total["found"] / max(1, total["confident"]), total["changed"] / max(1, total["found"])
    raw = total["raw_changed"] / max(1, total["found"])
    print(f"matched {share:.2%}, decisions changed {changed:.2%}, single-frame {raw:.2%}")
    print(f"commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {
            "clips": rows,
            "total": total,
            "detector": options.detector,
            "commit": provenance.commit(),
            "machine": provenance.machine(),
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
