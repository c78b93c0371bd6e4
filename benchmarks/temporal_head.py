"""A temporal head and a per-person baseline beside the decisions as they are, on the labelled clips.

    python benchmarks/temporal_head.py --videos FOLDER [--detector yunet] [--json PATH]

The largest face's log odds of every frame become features: of the frame; mean, spread, mean step from frame to frame,
least and largest value over half a second and one and a half (to both sides for recorded video, of the past for live
streams); and the lowest fifth of the track as the person's baseline. A logistic regression of them is fitted on other
people's clips, each clip and each class with the same weight, and scored on this one. Printed is the mean balanced
accuracy per frame: of single frames, and of the states by ``SmilePath``, without and with the head.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clips import read_labels
from smilecam import SmileDetector, provenance
from smilecam.classification.calibration import logistic
from smilecam.tracking.smile_path import SmilePath
from smilecam.tracking.smile_state import DecisionSettings, log_odds

Array = npt.NDArray[np.float64]
WINDOWS = (0.5, 1.5)
RIDGE = 10.0
FEATURES = {
    "window and baseline": slice(None),
    "window": slice(0, -1),
    "baseline": [0, -1],
    "the frame alone, fitted": [0],
}


@dataclass(frozen=True, slots=True)
class Course:
    """The largest face of each frame that has one: seconds, log odds from the threshold, and label (-1 for none)."""

    clip: str
    times: Array
    values: Array
    labels: npt.NDArray[np.int64]

    @property
    def person(self) -> str:
        """Clips of one person begin alike, but for those of LivePortrait."""
        parts = Path(self.clip).stem.split("_")
        return self.clip if parts[0] == "lp" else f"{parts[0]}_{parts[1][:4]}"


def course_of(clip: Path, labels: list[tuple[int, int, str]], detector: SmileDetector) -> Course:
    """Read a clip, every face in every frame."""
    at, rows = log_odds(detector.threshold), []
    of_frame = {index: int(label == "smile") for start, end, label in labels for index in range(start, end + 1)}
    for item in detector.stream(clip):
        if item.result and item.result.faces:
            face = max(item.result.faces, key=lambda one: one.box.width * one.box.height)
            index = item.result.frame
            rows.append((item.result.time or index / 10, log_odds(face.smile) - at, of_frame.get(index, -1)))
    times, values, known = (np.array(column) for column in zip(*rows, strict=True))
    return Course(clip.name, times, values, known.astype(np.int64))


def features(course: Course, *, live: bool) -> Array:
    """One row for each frame."""
    times, values = course.times, course.values
    columns = [values]
    for seconds in WINDOWS:
        rows = []
        for time in times:
            near = values[(times > time - seconds) & (times <= time + (0 if live else seconds))]
            step = np.abs(np.diff(near)).mean() if len(near) > 1 else 0.0
            rows.append((near.mean(), near.std(), step, near.min(), near.max()))
        columns += list(np.array(rows).T)
    seen = [values[: row + 1] if live else values for row in range(len(values))]
    return np.stack([*columns, np.array([np.quantile(part, 0.2) for part in seen])], 1)


def fitted(rows: Array, labels: Array, weights: Array) -> Array:
    """Weights of a logistic regression with a ridge, the constant last."""
    rows = np.column_stack([rows, np.ones(len(rows))])
    ridge = RIDGE * np.eye(rows.shape[1])
    ridge[-1, -1] = 1e-6
    solution = np.zeros(rows.shape[1])
    for _ in range(50):
        expected = logistic(rows @ solution)
        gradient = rows.T @ (weights * (expected - labels)) + ridge @ solution
        curvature = (rows * (weights * expected * (1 - expected) + 1e-9)[:, None]).T @ rows + ridge
        solution -= np.linalg.solve(curvature, gradient)
    return solution


def states(times: Array, values: Array) -> npt.NDArray[np.bool_]:
    """States over the whole course."""
    path = SmilePath(0.5, DecisionSettings())
    for time, value in zip(times, values, strict=True):
        path.add(float(logistic(np.array(value))), float(time))
    return np.array([state.smiling for state in path.settle(ended=True)])


def balanced(smiling: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64]) -> float:
    """Balanced accuracy over the labelled frames."""
    return float(np.mean([(smiling[labels == k] == k).mean() for k in (0, 1) if (labels == k).any()]))


def with_head(others: list[tuple[Course, Array]], own: Array, columns: slice | list[int]) -> Array:
    """Log odds of a course by a head that was fitted on other people."""
    rows = np.concatenate([table[one.labels >= 0][:, columns] for one, table in others])
    labels = np.concatenate([one.labels[one.labels >= 0] for one, _ in others])
    weights = np.concatenate([np.full(n := (one.labels >= 0).sum(), 1 / max(n, 1)) for one, _ in others])
    for label in (0, 1):
        weights[labels == label] *= len(labels) / 2 / weights[labels == label].sum()
    mean, spread = rows.mean(0), rows.std(0) + 1e-6
    solution = fitted((rows - mean) / spread, labels.astype(np.float64), weights)
    return np.asarray((own[:, columns] - mean) / spread @ solution[:-1] + solution[-1])


def main() -> None:
    """Fit a head for each clip on the others, and print a row for each kind of features."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    labels = {clip: rows for clip, rows in read_labels(options.videos).items() if any(r[2] != "noface" for r in rows)}
    with SmileDetector(detector=options.detector, every_frame=True) as detector:
        courses = [course_of(options.videos / clip, rows, detector) for clip, rows in sorted(labels.items())]
    found = {}
    for mode in ("recorded", "live"):
        tables = [features(course, live=mode == "live") for course in courses]
        for name, columns in FEATURES.items():
            scores = []
            for course, own in zip(courses, tables, strict=True):
                pairs = zip(courses, tables, strict=True)
                others = [(one, table) for one, table in pairs if one.person != course.person]
                head = with_head(others, own, columns)
                scores.append(
                    [balanced(values >= 0, course.labels) for values in (course.values, head)]
                    + [balanced(states(course.times, values), course.labels) for values in (course.values, head)]
                )
            found[f"{mode}, {name}"] = np.mean(scores, axis=0).tolist()
    print("| features | frames | frames, head | states | states, head |\n|---|---|---|---|---|")
    for name, means in found.items():
        print(f"| {name} | {' | '.join(f'{mean:.4f}' for mean in means)} |")
    print(f"\n{len(courses)} clips, {options.detector}, commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"means": found, "clips": len(courses), "commit": provenance.commit()}
        options.json.write_text(json.dumps(content | {"machine": provenance.machine()}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
