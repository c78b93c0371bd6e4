"""Effect of the crop: the same networks on whole Haar boxes and on boxes cropped like the training images.

    python benchmarks/crop.py --data FOLDER [--json PATH] MODEL...

FOLDER holds smile/ and not_smile/ with images that are whole Haar boxes. A MODEL is a packaged model's name or an
.onnx file. Prints a row for each model and crop, and the mean and standard deviation over the models.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from smilecam.evaluation.evaluate import Boxes, Crop, Decision, evaluate

FIGURES = ("accuracy", "balanced_accuracy", "auc")


def main() -> None:
    """Score every model with both crops."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    results = []
    print("| crop | model | n | threshold | accuracy | balanced accuracy | AUC |\n|---|---|---|---|---|---|---|")
    for crop in (Crop.WHOLE, Crop.TRAINED):
        rows = [evaluate(Decision(model), options.data, Boxes.HAAR, crop).as_dict() for model in options.models]
        results += rows
        for model, row in zip(options.models, rows, strict=True):
            figures = " | ".join(f"{row[figure]:.4f}" for figure in FIGURES)
            print(f"| {crop.value} | {Path(model).stem} | {row['n']} | {row['threshold']:.3f} | {figures} |")
        if len(rows) > 1:
            spreads = [(statistics.mean(of), statistics.stdev(of)) for of in ([r[f] for r in rows] for f in FIGURES)]
            figures = " | ".join(f"{mean:.4f} ± {deviation:.4f}" for mean, deviation in spreads)
            print(f"| {crop.value} | mean ± std of {len(rows)} | {rows[0]['n']} | | {figures} |")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
