"""Errors of a model by the attributes of an indexed data set: pose, glasses, sex, open mouth and so on.

    python benchmarks/attributes.py --data ARCHIVE [--data ARCHIVE] [--json PATH] [MODEL...]

ARCHIVE holds images with an index.csv, in the form of `smilecam train --extra`; every column with at most
MAX_VALUES values is an attribute. At the default policy and threshold. Meant for data that no model was trained on.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from smilecam import provenance
from smilecam.classification.classifier import SmileClassifier
from smilecam.classification.crop import network_input
from smilecam.data.entries import is_index, open_entries
from smilecam.data.faces import iter_faces
from smilecam.evaluation.metrics import area_under_curve
from smilecam.types import BoolArray, Box, FloatArray, IntArray

MAX_VALUES = 8
NO_ATTRIBUTES = {"file", "smile", "identity"}


def read_attributes(data: Path) -> dict[str, dict[str, str]]:
    """Name of an image's file -> attribute -> value."""
    rows: list[dict[str, str]] = []
    with open_entries(data) as entries:
        for name, read in entries:
            if is_index(name):
                rows += csv.DictReader(io.StringIO(read().decode("utf-8-sig")))
    columns = [name for name in rows[0] if name not in NO_ATTRIBUTES]
    kept = [name for name in columns if 1 < len({row[name] for row in rows}) <= MAX_VALUES]
    return {Path(row["file"]).name: {name: row[name] for name in kept} for row in rows}


def score(labels: IntArray, probabilities: FloatArray, smiling: BoolArray) -> dict[str, Any]:
    """Recall of smiles, false positive rate and AUC; None where a class is missing."""
    smiles, rest = smiling[labels == 1], smiling[labels == 0]
    return {
        "smiles": len(smiles),
        "rest": len(rest),
        "true_positive_rate": float(smiles.mean()) if len(smiles) else None,
        "false_positive_rate": float(rest.mean()) if len(rest) else None,
        "auc": area_under_curve(labels, probabilities) if len(smiles) and len(rest) else None,
    }


def score_model(model: str, data: Path) -> dict[str, dict[str, Any]]:
    """Metrics on all images, and on those of each value of each attribute."""
    classifier = SmileClassifier(model)
    of_file = read_attributes(data)
    layout, labelled = iter_faces(data)
    probabilities, labels, attributes = [], [], []
    for face in labelled:
        whole = Box(0, 0, face.grey.shape[1], face.grey.shape[0])
        probabilities.append(classifier(network_input(face.grey, [whole], layout.to_smiles, classifier.info.input))[0])
        labels.append(face.label)
        attributes.append(of_file[Path(face.name).name])
    scored, of_label = np.array(probabilities), np.array(labels)
    smiling = scored >= classifier.policy.threshold()
    rows = {"all": score(of_label, scored, smiling)}
    for name in attributes[0]:
        for value in sorted({each[name] for each in attributes}):
            of_value = np.array([each[name] == value for each in attributes])
            rows[f"{name} {value}"] = score(of_label[of_value], scored[of_value], smiling[of_value])
    return rows


def main() -> None:
    """Score every model on every data set, and print a table for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("models", nargs="*", default=["smilenet"])
    options = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    for model in options.models:
        found[model] = {data.stem: score_model(model, data) for data in options.data}
        for stem, rows in found[model].items():
            print(f"\n{model}, {stem}")
            print("| attribute | smiling, n | recall | not smiling, n | false positive rate | AUC |")
            print("|---|---|---|---|---|---|")
            for name, row in rows.items():
                rates = [row["true_positive_rate"], row["false_positive_rate"], row["auc"]]
                recall, false, auc = ("-" if rate is None else f"{rate:.4f}" for rate in rates)
                print(f"| {name} | {row['smiles']:,} | {recall} | {row['rest']:,} | {false} | {auc} |")
    print(f"\ncommit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"models": found, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
