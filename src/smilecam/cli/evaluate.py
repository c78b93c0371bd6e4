"""``smilecam evaluate``: figures for a model on labelled pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smilecam import storage
from smilecam.errors import UsageProblem

if TYPE_CHECKING:
    from smilecam.evaluation.evaluate import Evaluation

BOXES = ("auto", "haar", "smiles", "fer2013", "find")


@click.command()
@click.option("--model", default="lenet", show_default=True, help="A packaged model, or an .onnx file.")
@click.option("--data", "path", type=click.Path(path_type=Path), help="Labelled folder or archive; default: SMILES.")
@click.option(
    "--boxes",
    type=click.Choice(BOXES),
    default="auto",
    show_default=True,
    help="What the pictures show: whole Haar boxes, SMILES or FER2013 framing, or a face to find first.",
)
@click.option(
    "--crop",
    type=click.Choice(["trained", "whole"]),
    default="trained",
    show_default=True,
    help="whole reads the entire box, as the well-known tutorial does.",
)
@click.option("--threshold", type=click.FloatRange(0, 1), help="In place of the model's own.")
@click.option(
    "--json", "json_path", metavar="PATH", help="Write the figures with their conditions; - for standard output."
)
def evaluate(
    model: str, path: Path | None, boxes: str, crop: str, threshold: float | None, json_path: str | None
) -> None:
    """Score a model on pictures in folders smile/ and not_smile/, on SMILES, or on FER2013."""
    from smilecam.data.smiles import find_smiles
    from smilecam.evaluation.evaluate import Boxes, Crop
    from smilecam.evaluation.evaluate import evaluate as score

    data = find_smiles(path, storage.data_folder())
    if json_path and storage.same_file(Path(json_path), data, Path(model)):
        raise UsageProblem(f"--json {json_path} would replace the data or the model")
    found = score(model, data, Boxes(boxes), Crop(crop), threshold)
    content = json.dumps(found.as_dict(), indent=2, allow_nan=False) + "\n"
    _print(found, to_stderr=json_path == "-")
    if json_path == "-":
        click.echo(content, nl=False)
    elif json_path:
        storage.write_text(Path(json_path), content)


def _print(found: Evaluation, *, to_stderr: bool) -> None:
    metrics = found.metrics
    interval = f"{metrics.accuracy_low:.4f}-{metrics.accuracy_high:.4f}"
    operating = (
        f"threshold {metrics.threshold:g}: {metrics.true_positive_rate:.4f} of the smiles found, "
        f"{metrics.false_positive_rate:.4f} of the rest called smiling"
    )
    lines = [
        f"n                  {metrics.n:,} ({metrics.smiles:,} smiling)",
        f"accuracy           {metrics.accuracy:.4f} (95 % interval {interval})",
        f"balanced accuracy  {metrics.balanced_accuracy:.4f}",
        f"AUC                {metrics.auc:.4f}",
        f"operating point    {operating}",
    ]
    conditions = found.conditions
    lines.append(
        f"conditions         model {conditions['model']['name']}, data {conditions['data']['name']}, "
        f"boxes {conditions['boxes']}, crop {conditions['crop']}, commit {conditions['commit'][:12]}"
    )
    if found.seen_in_training:
        lines.append("beware             the model was trained on this data, or a part of it")
    if found.without_face:
        lines.append(f"no face found in   {found.without_face:,} pictures, counted as not smiling")
    click.echo("\n".join(lines), err=to_stderr)
