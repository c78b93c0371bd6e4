"""Regenerate the tables of the pages in docs/ from the results in docs/.

    python docs/update_figures.py [--check]

A table is between ``<!-- figures: NAME -->`` and ``<!-- end -->``. With --check nothing is written, and the exit code
is 1 if a page is out of date.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smilecam.classification.classifier import SmileClassifier

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "benchmarks"))

import video_tables  # noqa: E402 - benchmarks are scripts, not a package
from targets import change_label, load, table  # noqa: E402

PAGES = ("accuracy.md", "model-card.md", "training.md", "performance.md")
METRICS = {"auc": "AUC", "brier": "Brier score", "f1": "F1"}
MODELS = {"smilenet": "smilenet-2", "lenet": "lenet-3"}
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)


def rows_of(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folds() -> str:
    """Every metric of both cross-validations."""
    names = {
        "accuracy": ("at 0.5", "balanced", "accuracy", "precision"),
        "balanced_accuracy": ("at 0.5", "balanced", "accuracy", "precision"),
        "f1": ("at 0.5", "balanced", "accuracy", "precision"),
        "auc": ("balanced",),
        "average_precision": ("balanced",),
        "brier": ("balanced",),
    }
    rows = []
    for name, points in names.items():
        for point in points:
            cells = [METRICS.get(name, name.replace("_", " ")), "-" if len(points) == 1 else point]
            for folder in MODELS.values():
                of = load(f"models/{folder}/cross_validation.json")["figures"][point][name]
                cells.append(f"{of['mean']:.4f} ± {of['std']:.4f} ({of['low']:.4f}-{of['high']:.4f})")
            rows.append(cells)
    errors = [load(f"models/{folder}/cross_validation.json")["pooled"] for folder in MODELS.values()]
    pooled = [f"{of['expected_calibration_error']:.4f}" for of in errors]
    rows.append(["calibration error, all folds pooled", "-", *pooled])
    return rows_of(["metric", "operating point", *(f"`{model}`" for model in MODELS)], rows)


def points() -> str:
    """Recall, false positives and precision of each operating point: where it was chosen, and in the wild."""
    rows = []
    for model, folder in MODELS.items():
        for policy in ("broad", "strict"):
            wild = load(f"models/{folder}/genki4k_public-{policy}.json")["operating_points"]
            chosen = SmileClassifier(model).info.policies[policy].as_dict()
            for point in ("balanced", "accuracy", "precision"):
                cost, there = chosen["costs"][point], wild[point]
                rows.append(
                    [f"`{model}`", policy, point, f"{chosen['thresholds'][point]:.4f}"]
                    + [f"{cost[name]:.3f}" for name in ("true_positive_rate", "false_positive_rate", "precision")]
                    + [f"{there[name]:.3f}" for name in ("true_positive_rate", "false_positive_rate", "precision")]
                )
    header = ["model", "policy", "point", "threshold", "recall", "false positive rate", "precision"]
    return rows_of([*header, "GENKI-4K: recall", "false positive rate", "precision"], rows)


def peers() -> str:
    """All classifiers on the same faces."""
    content = load("figures/accuracy.json")
    rows = []
    for name, row in content["rows"].items():
        interval = f"{row['accuracy']:.4f} ({row['accuracy_low']:.3f}-{row['accuracy_high']:.3f})"
        rows.append([name, f"{row['threshold']:.3f}", interval, f"{row['balanced_accuracy']:.4f}", f"{row['auc']:.4f}"])
    return rows_of(["classifier", "threshold", "accuracy (95 % interval)", "balanced accuracy", "AUC"], rows)


def robustness() -> str:
    """Accuracy under each change, and points lost."""
    models = load("figures/robustness.json")["models"]
    rows = []
    for change in next(iter(models.values())):
        cells = [change_label(change)]
        for model in MODELS:
            of = models[model]
            lost = 100 * (of["none"]["accuracy"] - of[change]["accuracy"])
            cells.append(
                f"{of[change]['accuracy']:.4f} ({'' if change == 'none' else f'{lost:.1f}'})".replace(" ()", "")
            )
        rows.append(cells)
    return rows_of(["change", *(f"`{model}`, accuracy (points lost)" for model in MODELS)], rows)


SETS = {"mtfl_smile_g96": "MTFL, kept out", "celeba_smile_g96": "CelebA, kept out"}


def readings() -> str:
    """One reading of each face, and three where the first is in doubt."""
    rows = [
        [f"`{row['model']}`", SETS.get(row["data"], row["data"]), f"{row['n']:,}", row["way"], f"{row['again']:.0%}"]
        + [f"{row[name]:.4f}" for name in ("auc", "accuracy", "balanced_accuracy", "calibration_error")]
        for row in load("figures/test_time_augmentation.json")["rows"]
    ]
    header = ["network", "set", "n", "readings", "read again", "AUC", "accuracy", "balanced accuracy"]
    return rows_of([*header, "calibration error"], rows)


def clips() -> str:
    """Labelled segments of clips, without those of which no frame is wrong."""
    models = load("figures/clips.json")["models"]
    rows, left_out = [], []
    for of_models in zip(*(models[model]["rows"] for model in MODELS), strict=True):
        first = of_models[0]
        visible = 0 if first["label"] == "noface" else first["frames"]
        if first["with_face"] == visible and all(row["right"] == 1 for row in of_models):
            left_out.append(first["frames"])
            continue
        cells = [first["clip"], f"{first['start']}-{first['end']}", first["label"]]
        cells += [str(first["frames"]), str(first["with_face"])]
        rows.append(cells + [str(row["smiling"]) for row in of_models])
    header = ["clip", "frames", "label", "n", "face detected"]
    note = (
        f"{len(left_out)} of {len(rows) + len(left_out)} segments, {sum(left_out):,} frames, are left out: "
        "both networks are right in all of their frames."
    )
    return rows_of([*header, *(f"smiling, `{model}`" for model in MODELS)], rows) + "\n\n" + note


def card() -> str:
    """Both models on every data set."""
    rows = []
    for model, folder in MODELS.items():
        found = load(f"models/{folder}/cross_validation.json")
        at, pooled = found["figures"]["balanced"], found["pooled"]
        rows.append(
            [f"`{model}`", "SMILES, out of fold", "strict", f"{found['faces']:,}"]
            + [f"{at[name]['mean']:.4f} ± {at[name]['std']:.4f}" for name in ("accuracy", "balanced_accuracy", "auc")]
            + [f"{pooled['expected_calibration_error']:.3f}"]
        )
        for policy in ("broad", "strict"):
            rows.append(
                _card_row(model, "GENKI-4K, public part", policy, f"models/{folder}/genki4k_public-{policy}.json")
            )
        rows.append(
            _card_row(
                model,
                "FER2013 validation, majorities of FER+, also used to calibrate `broad`",
                "broad",
                f"models/{folder}/fer2013_validation-broad.json",
            )
        )
    header = ["model", "data", "policy", "n", "accuracy", "balanced accuracy", "AUC", "calibration error"]
    return rows_of(header, rows)


def _card_row(model: str, data: str, policy: str, name: str) -> list[str]:
    of: dict[str, Any] = load(name)
    accuracy = f"{of['accuracy']:.4f} ({of['accuracy_low']:.3f}-{of['accuracy_high']:.3f})"
    figures = [f"{of['balanced_accuracy']:.4f}", f"{of['auc']:.4f}", f"{of['expected_calibration_error']:.3f}"]
    return [f"`{model}`", data, policy, f"{of['n']:,}", accuracy, *figures]


def crop() -> str:
    """Whole boxes against smilecam's crop."""
    rows = []
    names = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "auc": "AUC"}
    of_crop: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in load("figures/crop.json"):
        kind = row["model"]["name"] if row["model"]["name"] in MODELS else "classic"
        of_crop.setdefault(kind, {}).setdefault(row["crop"], []).append(row)
    for kind, crops in of_crop.items():
        for key, name in names.items():
            cells = [_mean([row[key] for row in crops[which]]) for which in ("whole", "trained")]
            rows.append(
                [f"{kind}, {len(crops['whole'])} seeds, {name}" if kind == "classic" else f"{kind}, {name}", *cells]
            )
    return rows_of(["network", "whole box", "side .74, centre 7.5 % lower"], rows)


def _mean(values: list[float]) -> str:
    mean = statistics.fmean(values)
    return f"{mean:.4f} ± {statistics.stdev(values):.4f}" if len(values) > 1 else f"{mean:.4f}"


ATTRIBUTES = {
    "mtfl_smile_g96_held_out": {
        "all": "all",
        "gender 1": "men",
        "gender 2": "women",
        "glasses 1": "with glasses",
        "glasses 2": "without glasses",
        "pose 3": "frontal",
        "pose 2": "half left",
        "pose 4": "half right",
        "pose 1": "left profile",
        "pose 5": "right profile",
    },
    "celeba_smile_g96_held_out": {
        "all": "all",
        "mouth_open 0": "mouth closed",
        "mouth_open 1": "mouth open",
        "male 1": "men",
        "male 0": "women",
        "glasses 1": "with glasses",
        "glasses 0": "without glasses",
        "hat 1": "with a hat",
        "young 0": "not young",
        "young 1": "young",
        "blurry 1": "blurred",
    },
}


def attributes() -> str:
    """Errors of smilenet by the attributes of MTFL and CelebA."""
    rows = []
    for stem, names in ATTRIBUTES.items():
        found = load("figures/attributes.json")["models"]["smilenet"][stem]
        for key, name in names.items():
            of = found[key]
            rates = [f"{of[rate]:.3f}" for rate in ("true_positive_rate", "false_positive_rate", "auc")]
            data = {"mtfl_smile_g96_held_out": "MTFL", "celeba_smile_g96_held_out": "CelebA"}[stem]
            rows.append([data, name, f"{of['smiles']:,}", rates[0], f"{of['rest']:,}", *rates[1:]])
    return rows_of(["data", "faces", "smiling", "recall", "not smiling", "false positive rate", "AUC"], rows)


def slices() -> str:
    """Quarters of the public part of GENKI-4K by each property."""
    rows = []
    for part in load("models/smilenet-2/genki4k_public-broad.json")["slices"]:
        span = f"{part['low']:g} to {part['high']:g}"
        figures = [f"{part[name]:.3f}" for name in ("accuracy", "balanced_accuracy", "auc")]
        rows.append([part["property"], span, str(part["n"]), *figures])
    return rows_of(["property", "range", "n", "accuracy", "balanced accuracy", "AUC"], rows)


def film_table() -> str:
    """Recorded video to JSON lines."""
    return video_tables.film_table(load("figures/video.json"))


def live_table() -> str:
    """Live streams."""
    return video_tables.live_table(load("figures/video.json"))


def rest_table() -> str:
    """Many streams, memory and startup."""
    return video_tables.rest_table(load("figures/video.json"))


def flicker_table() -> str:
    """False state changes and delays."""
    return video_tables.flicker_table(load("figures/flicker.json"))


def web_table() -> str:
    """Latency, concurrent sessions and size of the live page, against the targets."""
    web = load("figures/web.json")
    rounds, many = web["rounds"], web["sessions"]

    def over(name: str) -> str:
        values = [one[name] for one in rounds]
        return f"{min(values):.1f} to {max(values):.1f}"

    def met(right: bool) -> str:
        return "yes" if right else "no"

    slowest = {name: max(one[name] for one in rounds) for name in rounds[0]}
    rate = min(one["frames_per_second"] for one in rounds)
    rows = [
        ["sent to drawn, p50, ms", "at most 25", over("sent_to_drawn_p50"), met(slowest["sent_to_drawn_p50"] <= 25)],
        ["sent to drawn, p95, ms", "at most 45", over("sent_to_drawn_p95"), met(slowest["sent_to_drawn_p95"] <= 45)],
        ["frames/s", "at least 25", over("frames_per_second"), met(rate >= 25)],
        ["captured to drawn, p50, ms", "", over("taken_to_drawn_p50"), ""],
        ["captured to drawn, p95, ms", "", over("taken_to_drawn_p95"), ""],
        [
            f"{many['sessions']} sessions at 5 frames/s for {many['seconds']:.0f} s",
            "no errors",
            f"{many['answers']} answers, {many['errors']} errors, p50 {many['p50']:.1f} ms, p95 {many['p95']:.1f} ms",
            met(many["errors"] == 0),
        ],
        [
            "page size, all files, kB",
            "at most 150",
            f"{web['page_bytes'] / 1000:.0f}",
            met(web["page_bytes"] <= 150_000),
        ],
    ]
    note = (
        f"Measured at commit {web['commit'][:10]} on {web['machine']}, headless Chromium {web['chromium']} beside the\n"
        f"server; {len(rounds)} rounds, {rounds[0]['frames']} frames in the first. No seed: nothing is random."
    )
    return rows_of(["measurement", "target", "result", "met"], rows) + "\n\n" + note


def speed() -> str:
    """Training time to the reference's accuracy."""
    rows = []
    for row in load("figures/training.json")["rows"]:
        reached = "never" if row["epoch"] is None else str(row["epoch"])
        figures = [
            f"{row['seconds']:.1f}",
            f"{row['seconds_an_epoch']:.2f}",
            f"{row['best']:.4f}",
            f"{row['final']:.4f}",
        ]
        rows.append([row["recipe"], str(row["seed"]), reached, *figures])
    return rows_of(
        ["recipe", "seed", "reached in epoch", "seconds", "seconds per epoch", "best val_acc", "final"], rows
    )


BACKENDS = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}


def against_keras() -> str:
    """Training time to the reference's accuracies, and that of Keras."""
    found = load("figures/training_time.json")
    rows = []
    for row in found["rows"]:
        cells = [{"keras": "Keras"}.get(row["recipe"], f"`{row['recipe']}`"), str(row["seed"])]
        for reached in (row, row["to_final"]):
            cells.append("never" if reached["epoch"] is None else str(reached["epoch"]))
            cells.append(f"{reached['seconds']:.0f} / {reached['cpu_seconds']:.0f}")
        cells.append(f"{row['seconds_an_epoch']:.1f} / {row['cpu_seconds_an_epoch']:.1f}")
        rows.append([*cells, f"{row['best']:.4f}", f"{row['final']:.4f}"])
    spent = "seconds / CPU seconds"
    header = ["", "seed", "epoch of .9149", spent, "epoch of .9058", spent, f"{spent} per epoch", "best", "final"]
    versions = (
        f"PyTorch {found['torch']}, Keras {found['keras']} with {BACKENDS.get(found['backend'], found['backend'])}"
    )
    sizes = f"{found['n_training']:,} faces for training, {found['n_validation']:,} for validation"
    note = f"Commit {found['commit'][:10]}, {found['machine']}, {found['threads']} threads, {versions}:\n{sizes}."
    return rows_of(header, rows) + "\n\n" + note


TABLES: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        folds,
        points,
        peers,
        robustness,
        readings,
        clips,
        card,
        crop,
        slices,
        attributes,
        speed,
        against_keras,
    )
} | {"targets": table}
TABLES |= {function.__name__: function for function in (film_table, live_table, rest_table, flicker_table)}
TABLES["web_table"] = web_table
TABLES |= {function.__name__: function for function in (video_tables.performance_targets, video_tables.measured_with)}


def updated(text: str) -> str:
    """A page with its tables regenerated."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def main() -> int:
    """Update the pages, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    differing = 0
    for page in (DOCS / name for name in PAGES):
        before = page.read_text("utf-8")
        after = updated(before)
        differing += before != after
        if not check:
            page.write_text(after, "utf-8")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
