"""Targets and results side by side, from the results in docs/.

    python benchmarks/targets.py

Reads docs/models/*/*.json, docs/figures/*.json and docs/reference_runs.json (written by the other benchmarks and
``smilecam evaluate``) and prints the table of docs/accuracy.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"


@dataclass(frozen=True, slots=True)
class Row:
    """One target: measurement, wanted and measured value, and whether it is met."""

    what: str
    wanted: str
    found: str
    met: bool


def load(name: str) -> Any:  # noqa: ANN401 - plain JSON
    """A JSON file, by its path below docs/."""
    return json.loads((DOCS / name).read_text("utf-8"))


def at_least(what: str, wanted: float, found: float, spread: str = "") -> Row:
    """A lower bound."""
    return Row(what, f"at least {wanted:g}", f"{found:.4f}{spread}", found >= wanted)


def at_most(what: str, wanted: float, found: float, spread: str = "") -> Row:
    """An upper bound."""
    return Row(what, f"at most {wanted:g}", f"{found:.3g}{spread}", found <= wanted)


def folds(model: str, point: str, figure: str, what: str, wanted: float) -> Row:
    """A mean over the folds of a model's cross-validation, as a lower bound."""
    spread = load(f"models/{model}/cross_validation.json")["figures"][point][figure]
    remark = f" ± {spread['std']:.4f} ({spread['low']:.4f}-{spread['high']:.4f}, n {spread['n']})"
    return at_least(what, wanted, spread["mean"], remark)


def reference_rows() -> Iterator[Row]:
    """Reference run: the recipe `classic`."""
    summary = load("reference_runs.json")["summary"]
    for key, wanted in (("final", 0.9058), ("best", 0.9149)):
        remark = f" ± {summary[key]['std']:.4f}"
        yield at_least(f"classic LeNet, {key} validation accuracy, 5 seeds", wanted, summary[key]["mean"], remark)


def accuracy_rows() -> Iterator[Row]:
    """Accuracy on SMILES by cross-validation, and in the wild."""
    yield folds("lenet-3", "accuracy", "accuracy", "`lenet`, SMILES, accuracy", 0.940)
    yield folds("lenet-3", "accuracy", "auc", "`lenet`, SMILES, AUC", 0.978)
    yield folds("smilenet-2", "accuracy", "accuracy", "`smilenet`, SMILES, accuracy", 0.945)
    yield folds("smilenet-2", "accuracy", "auc", "`smilenet`, SMILES, AUC", 0.982)
    yield folds("smilenet-2", "balanced", "balanced_accuracy", "`smilenet`, SMILES, balanced accuracy", 0.940)
    wild = load("models/smilenet-2/genki4k_public-broad.json")
    interval = f" ({wild['accuracy_low']:.4f}-{wild['accuracy_high']:.4f}, n {wild['n']})"
    yield at_least("`smilenet`, GENKI-4K public, accuracy", 0.962, wild["accuracy"], interval)
    yield at_least("`smilenet`, GENKI-4K public, AUC", 0.990, wild["auc"])
    votes = load("models/smilenet-2/fer2013_validation-broad.json")
    yield at_least("`smilenet`, FER+ majorities, balanced accuracy", 0.950, votes["balanced_accuracy"])


def calibration_rows() -> Iterator[Row]:
    """Calibration."""
    pooled = load("models/smilenet-2/cross_validation.json")["pooled"]
    wild = load("models/smilenet-2/genki4k_public-broad.json")
    votes = load("models/smilenet-2/fer2013_validation-broad.json")
    for name, found in (("SMILES, out of fold", pooled), ("GENKI-4K public", wild), ("FER+ majorities", votes)):
        figure = found["expected_calibration_error"]
        yield at_most(f"`smilenet`, calibration error, {name}", 0.02, figure, f" (n {found['n']})")


def size_rows() -> Iterator[Row]:
    """Inference time and file size."""
    times = {row["model"]: row["ms_a_face"] for row in load("figures/networks.json")["rows"] if row["faces"] == 1}
    beside = f" ms; `lenet` in the same run {times['lenet']:.3f} ms"
    yield at_most("`smilenet`, ms per face, one thread", 0.35, times["smilenet"], beside)
    path = DOCS.parent / "src" / "smilecam" / "weights" / "smilenet.onnx"
    yield at_most("`smilenet`, file size, MB", 3, path.stat().st_size / 1e6)


def change_label(name: str) -> str:
    """Label of a change in docs/figures/robustness.json."""
    return name.replace("turned by", "rotation by")


def robustness_rows() -> Iterator[Row]:
    """Percentage points of accuracy lost on GENKI-4K public to changes of the image or box."""
    rows = load("figures/robustness.json")["models"]["smilenet"]
    for name, row in rows.items():
        if name != "none":
            lost = 100 * (rows["none"]["accuracy"] - row["accuracy"])
            yield at_most(f"`smilenet`, points lost: {change_label(name)}", 2.5 if "24 pixels" in name else 1.0, lost)


def video_rows() -> Iterator[Row]:
    """False positives on hard negatives."""
    rates = load("figures/clips.json")["models"]["smilenet"]["false_smiles"]
    worst = max(rates.values())
    yield at_most(f"`smilenet`, single frames, false positive rate in %, worst of {len(rates)} clips", 3, 100 * worst)


def training_rows() -> Iterator[Row]:
    """Training time."""
    rows = load("figures/training.json")["rows"]
    seconds = {name: [row["seconds"] for row in rows if row["recipe"] == name] for name in ("classic", "fast")}
    ratio = sum(seconds["fast"]) / sum(seconds["classic"])
    never = sum(row["epoch"] is None for row in rows if row["recipe"] == "fast")
    remark = f" (n {len(rows) // 2} seeds; `fast` missed it in {never})"
    row = at_most("time to .9149, recipe `fast` relative to `classic`", 0.125, ratio, remark)
    yield Row(row.what, row.wanted, row.found, row.met and never == 0)


def table() -> str:
    """All rows as Markdown."""
    parts = (reference_rows, accuracy_rows, calibration_rows, size_rows, robustness_rows, video_rows, training_rows)
    lines = ["| measurement | target | result | met |", "|---|---|---|---|"]
    lines += [f"| {r.what} | {r.wanted} | {r.found} | {'yes' if r.met else 'no'} |" for part in parts for r in part()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
