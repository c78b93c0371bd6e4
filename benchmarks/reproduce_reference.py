"""Reproduce the reference run: LeNet, recipe "classic", raw SMILES, several seeds.

    python benchmarks/reproduce_reference.py --data SMILES_ARCHIVE --runs runs --out docs

Trains the seeds without a finished run in --runs, one after another, then writes docs/reference_runs.json and
docs/images/classic.png, and prints the table of docs/training.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from smilecam.training.plots import CURVES, loss_over_accuracy

PUBLISHED = {"final": 0.9058, "best": 0.9149}


def finished_run(data: Path, runs: Path, seed: int) -> Path:
    """The folder of a finished run of this seed; trains it if missing."""
    out = runs / f"classic-raw-seed{seed}"
    if not (out / "metrics.json").exists():
        command = [sys.executable, "-m", "smilecam", "train", "--recipe", "classic", "--variant", "raw"]
        command += ["--data", str(data), "--seed", str(seed), "--out", str(out)]
        command += ["--resume"] if (out / "config.json").exists() else []
        subprocess.run(command, check=True)  # noqa: S603 - our own program
    return out


def read_run(folder: Path) -> dict[str, Any]:
    """Results of a run, with its conditions."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    rows = [json.loads(line) for line in (folder / "epochs.jsonl").read_text("utf-8").splitlines()]
    best = max(rows, key=lambda row: row["val_acc"])
    return {
        "seed": config["seed"],
        "n_training": config["data"]["training"]["n"],
        "n_validation": config["data"]["validation"]["n"],
        "final": rows[-1]["val_acc"],
        "best": best["val_acc"],
        "best_epoch": best["epoch"],
        "auc": metrics["at_0.5"]["auc"],
        "balanced_accuracy_at_0.5": metrics["at_0.5"]["balanced_accuracy"],
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "commit": config["commit"],
        "machine": config["machine"],
        "versions": config["versions"],
        "epochs": rows,
    }


def plot(runs: list[dict[str, Any]], path: Path) -> None:
    """The four curves: each seed thin, their mean thick, the published values as lines."""
    figure, upper, lower = loss_over_accuracy(f"LeNet, recipe classic, raw SMILES: {len(runs)} seeds")
    epochs = [row["epoch"] for row in runs[0]["epochs"]]
    for key, label, colour, style in CURVES:
        axes = upper if key.endswith("loss") else lower
        for run in runs:
            axes.plot(epochs, [row[key] for row in run["epochs"]], color=colour, alpha=0.25, linewidth=0.8)
        mean = [statistics.mean(run["epochs"][at][key] for run in runs) for at in range(len(epochs))]
        axes.plot(epochs, mean, style, color=colour, linewidth=2, label=f"{label}, mean")
    for name, value in PUBLISHED.items():
        lower.axhline(value, color="black", linestyle=":", linewidth=1)
        beside = "bottom" if name == "best" else "top"
        lower.annotate(f"published {name} {value:.4f}", (1, value), fontsize=8, va=beside)
    upper.legend()
    lower.legend()
    figure.savefig(path, dpi=100)


def main() -> None:
    """Train what is missing, then report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    runs = [read_run(finished_run(options.data, options.runs, seed)) for seed in range(options.seeds)]
    print("| seed | final val_acc | best val_acc (epoch) | AUC |\n|---|---|---|---|")
    for run in runs:
        print(f"| {run['seed']} | {run['final']:.4f} | {run['best']:.4f} ({run['best_epoch']}) | {run['auc']:.4f} |")
    summary = {}
    for key in ("final", "best", "auc", "balanced_accuracy_at_0.5"):
        values = [run[key] for run in runs]
        summary[key] = {"mean": statistics.mean(values), "std": statistics.stdev(values)}
    cells = (f"{summary[key]['mean']:.4f} ± {summary[key]['std']:.4f}" for key in ("final", "best", "auc"))
    print(f"| mean ± std | {' | '.join(cells)} |")
    print(f"| published | {PUBLISHED['final']:.4f} | {PUBLISHED['best']:.4f} (12) | - |")
    content = {"published": PUBLISHED, "summary": summary, "runs": runs}
    (options.out / "reference_runs.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    plot(runs, options.out / "images" / "classic.png")


if __name__ == "__main__":
    main()
