"""Time of one reading of a face by the packaged networks, on one thread, in turns in one run.

    python benchmarks/networks.py [--rounds 30] [--json PATH] [MODEL...]

Inputs are random, which does not affect the time. Compare ratios: machines differ. Doubtful faces are read three times:
benchmarks/test_time_augmentation.py has their share.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from smilecam import provenance
from smilecam.classification.classifier import SmileClassifier, model_path
from smilecam.types import FloatArray

CALLS = 50


def milliseconds(classifier: SmileClassifier, faces: FloatArray) -> float:
    """Mean time per face of a call on these faces."""
    classifier.outputs(faces)
    started = time.perf_counter()
    for _ in range(CALLS):
        classifier.outputs(faces)
    return (time.perf_counter() - started) / CALLS / len(faces) * 1000


def main() -> None:
    """Measure every network, with batches of one face and of eight."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path)
    parser.add_argument("models", nargs="*", default=["lenet", "smilenet"])
    options = parser.parse_args()
    classifiers = {model: SmileClassifier(model) for model in options.models}
    times: dict[tuple[str, int], list[float]] = {(model, n): [] for model in options.models for n in (1, 8)}
    for _ in range(options.rounds):
        for (model, n), values in times.items():
            size = classifiers[model].info.input.size
            values.append(
                milliseconds(classifiers[model], np.random.default_rng(0).random((n, 1, size, size), np.float32))
            )
    print(
        "| network | file, kB | input | ms per face | relative to first | ms, batch of 8 |\n|---|---|---|---|---|---|"
    )
    medians = {key: statistics.median(values) for key, values in times.items()}
    for model, classifier in classifiers.items():
        size, ratio = classifier.info.input.size, medians[model, 1] / medians[options.models[0], 1]
        kilobytes = model_path(model).stat().st_size // 1000
        print(f"| {model} | {kilobytes} | {size} | {medians[model, 1]:.3f} | {ratio:.2f} | {medians[model, 8]:.3f} |")
    print(f"\nmedian of {options.rounds} rounds of {CALLS} calls, commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        rows = [{"model": model, "faces": n, "ms_a_face": value} for (model, n), value in medians.items()]
        content = {"rows": rows, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
