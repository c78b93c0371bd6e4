"""Agreement of recorded video, as it is processed, with finding and reading everything in every frame.

    python benchmarks/agreement.py CLIP... [--detector haar] [--decode no-loop-filter|reference-frames] [--json PATH]

Each clip is processed three times: as by default; with the same faces, all of them read in every frame (--every-frame);
and with full detection and reading in every frame. The second tells what interpolation changes, the third also what
following changes, and the jitter of the detector, which is another one in each way of detecting. The faces of the first
are also read and decided as in a live stream, with and without the frames that it does not read.

Faces of full detection with a confidence of at least .8 are confident; one is matched if the other run has a box with
an IoU of at least .5. Decisions are the states of matched faces, single-frame decisions compare the probability of the
frame alone with the threshold. An event is matched if the other run has one of its kind within a frame; of full
detection only tracks seen for a second count, since false boxes come and go.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from smilecam import SmileDetector, provenance
from smilecam.detection.motion import CutDetector
from smilecam.geometry import iou
from smilecam.pipeline.run import OfflineRun
from smilecam.pipeline.sampling import FoundFrame, LiveSampler
from smilecam.results import FrameResult
from smilecam.sources.base import SourceOptions
from smilecam.sources.decoding import Decoding
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources
from smilecam.tracking.faces import FaceTracks
from smilecam.tracking.offline import OfflineFaceFinder
from smilecam.types import DetectedFace, Event, GreyImage

CONFIDENT = 0.8
SAME = 0.5


class Recorder:
    """A face finder whose faces are kept.

    Attributes:
        faces: of each frame.
    """

    def __init__(self, finder: OfflineFaceFinder) -> None:
        """Record what a finder finds."""
        self._finder = finder
        self.reset, self.ends_window = finder.reset, finder.ends_window
        self.faces: list[list[DetectedFace]] = []

    def __call__(
        self, images: Sequence[GreyImage], times: Sequence[float], lumas: Sequence[GreyImage] | None = None
    ) -> list[list[DetectedFace]]:
        """Find the faces of a window, and keep them."""
        found = self._finder(images, times, lumas)
        self.faces += found
        return found


class EveryFrame(OfflineFaceFinder):
    """Full detection in every frame."""

    def ends_window(self, count: int, seconds: float) -> bool:  # noqa: ARG002 - as in the class above
        """Each frame is a window."""
        return True

    def __call__(
        self,
        images: Sequence[GreyImage],
        times: Sequence[float],  # noqa: ARG002
        lumas: Sequence[GreyImage] | None = None,  # noqa: ARG002
    ) -> list[list[DetectedFace]]:
        """Detect in them all."""
        return [self._detector(image) for image in images]


def read_clip(
    detector: SmileDetector,
    clip: Path,
    finder: OfflineFaceFinder | Recorder,
    *,
    every_frame: bool = False,
    decoding: Decoding = Decoding.FULL,
) -> list[FrameResult]:
    """All results of a clip with a given face finder."""
    setup = replace(detector.setup, every_frame=every_frame)
    with (
        open_source(find_sources(clip)[0], SourceOptions(decoding=decoding)) as source,
        OfflineRun(source, setup, cast(OfflineFaceFinder, finder)) as run,
    ):
        return [item.result for item in run if item.result is not None]


def read_live(
    detector: SmileDetector, clip: Path, faces: Sequence[list[DetectedFace]], *, every_frame: bool
) -> list[FrameResult]:
    """All results of a clip, whose faces are given, as of a live stream."""
    setup, results = detector.setup, []
    tracks, sampler, is_cut = FaceTracks(clip.name, setup.threshold, setup.decision), LiveSampler(), CutDetector()
    with open_source(find_sources(clip)[0]) as source:
        frames = (frame for frame in source if not isinstance(frame, Event))
        for frame, of_frame in zip(frames, faces, strict=True):
            if is_cut(frame.grey):
                tracks.cut()
            association = tracks.associate(frame.time or 0.0, of_frame)
            found = FoundFrame(frame, association.time, of_frame, association.tracks)
            classify = setup.components.classify_faces
            samples = sampler(found, classify, setup.threshold, every_frame=every_frame)
            results.append(tracks.update(frame.number, association, of_frame, samples))
    return results


def events_of(results: list[FrameResult]) -> list[tuple[str, float]]:
    """Kind and time of each event of tracks that were seen for a second."""
    frames = Counter(face.track for result in results for face in result.faces)
    seconds = (results[-1].time or 0.0) - (results[0].time or 0.0)
    lasting = (len(results) - 1) / max(1e-9, seconds)
    found = (event for result in results for event in result.events if frames[event.track] >= lasting)
    return [(event.kind.value, event.since or 0.0) for event in found]


def same_events(ours: list[FrameResult], others: list[FrameResult]) -> dict[str, int]:
    """Events of the other run, of ours, and those of the other that ours has within a frame."""
    mine, theirs = events_of(ours), events_of(others)
    left, matched = list(mine), 0
    frame = ((others[-1].time or 0.0) - (others[0].time or 0.0)) / max(1, len(others) - 1)
    for kind, since in theirs:
        nearest = min((event for event in left if event[0] == kind), key=lambda one: abs(one[1] - since), default=None)
        if nearest is not None and abs(nearest[1] - since) <= 1.01 * frame:
            left.remove(nearest)
            matched += 1
    return {"events_whole": len(theirs), "events": len(mine), "events_matched": matched}


def same_states(ours: list[FrameResult], every: list[FrameResult]) -> dict[str, int]:
    """What changes by interpolation: the same faces, read or not."""
    pairs = [
        pair for mine, theirs in zip(ours, every, strict=True) for pair in zip(mine.faces, theirs.faces, strict=True)
    ]
    events = same_events(ours, every)
    return {
        "faces": len(pairs),
        "read": sum(not mine.interpolated for mine, _ in pairs),
        "states_changed": sum(mine.smiling != theirs.smiling for mine, theirs in pairs),
        "events_read": events["events_whole"],
        "events_read_matched": events["events_matched"],
    }


def same_live_states(detector: SmileDetector, clip: Path, faces: Sequence[list[DetectedFace]]) -> dict[str, int]:
    """The same of a live stream."""
    ours, every = (read_live(detector, clip, faces, every_frame=every_frame) for every_frame in (False, True))
    return {f"live_{name}": value for name, value in same_states(ours, every).items()}


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


def decode_only(clip: Path, decoding: Decoding) -> float:
    """CPU seconds of decoding."""
    begun = time.process_time()
    with open_source(find_sources(clip)[0], SourceOptions(decoding=decoding)) as source:
        for _ in source:
            pass
    return time.process_time() - begun


def compare_decoding(detector: SmileDetector, clip: Path, decoding: Decoding) -> dict[str, Any]:
    """What decoding less changes, and what it saves."""
    seconds, results = {}, {}
    for mode in (Decoding.FULL, decoding):
        begun = time.process_time()
        results[mode] = read_clip(detector, clip, detector.components.offline_finder(), decoding=mode)
        seconds[mode] = time.process_time() - begun
    whole, ours = results[Decoding.FULL], results[decoding]
    numbers = {result.frame for result in ours}
    both = [result for result in whole if result.frame in numbers]
    return {
        "frames_whole": len(whole),
        **compare(ours, both, detector.threshold),
        **same_events(ours, whole),
        "decode_seconds_whole": decode_only(clip, Decoding.FULL),
        "decode_seconds": decode_only(clip, decoding),
        "seconds_whole": seconds[Decoding.FULL],
        "seconds": seconds[decoding],
    }


def tell_decoding(total: dict[str, Any]) -> None:
    """Print what decoding less changes in all clips."""
    found, confident = max(1, total["found"]), max(1, total["confident"])
    print(f"frames {total['frames']} of {total['frames_whole']}, ", end="")
    print(f"CPU of decoding {total['decode_seconds'] / total['decode_seconds_whole']:.0%}, ", end="")
    print(f"of the whole {total['seconds'] / total['seconds_whole']:.0%}; ", end="")
    print(f"confident faces matched {total['found'] / confident:.2%}, states changed {total['changed'] / found:.2%}, ")
    print(f"events within a frame {total['events_matched']} of {total['events_whole']}, ours {total['events']}")


def tell(total: dict[str, Any]) -> None:
    """Print what is changed by not finding and reading everything, in all clips."""
    share, changed = total["found"] / max(1, total["confident"]), total["changed"] / max(1, total["found"])
    raw = total["raw_changed"] / max(1, total["found"])
    print(
        f"full detection in every frame: matched {share:.2%}, decisions changed {changed:.2%}, single-frame {raw:.2%},"
    )
    print(f"  events within a frame {total['events_matched']} of {total['events_whole']}, ours {total['events']}")
    for kind, title in (("", "every face read"), ("live_", "the same in a live stream")):
        faces, events = max(1, total[f"{kind}faces"]), total[f"{kind}events_read"]
        read, states = total[f"{kind}read"] / faces, total[f"{kind}states_changed"] / faces
        print(f"{title}: {read:.1%} of {faces} are read, decisions changed {states:.2%}, ", end="")
        print(f"events within a frame {total[f'{kind}events_read_matched']} of {events}")


def main() -> None:
    """Compare on every clip and in total."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--model", default="smilenet")
    parser.add_argument("--detector", default="haar")
    parser.add_argument("--decode", type=Decoding)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    detector = SmileDetector(options.model, detector=options.detector)
    rows = {}
    for clip in options.clips:
        if options.decode:
            rows[clip.name] = compare_decoding(detector, clip, options.decode)
            continue
        recorder = Recorder(detector.components.offline_finder())
        ours = read_clip(detector, clip, recorder)
        every = read_clip(detector, clip, detector.components.offline_finder(), every_frame=True)
        whole = read_clip(detector, clip, EveryFrame(detector.components.stream_detector()), every_frame=True)
        found = compare(ours, whole, detector.threshold)
        live = same_live_states(detector, clip, recorder.faces)
        rows[clip.name] = found | same_events(ours, whole) | same_states(ours, every) | live
    total = {key: sum(row[key] for row in rows.values()) for key in next(iter(rows.values()))}
    print(f"| clip | {' | '.join(name.replace('_', ' ') for name in total)} |\n|---|{'---|' * len(total)}")
    for name, row in (rows | {"all": total}).items():
        print(f"| {name} | " + " | ".join(f"{value:.4g}" for value in row.values()) + " |")
    if options.decode:
        tell_decoding(total)
    else:
        tell(total)
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
