"""``smilecam evaluate``: metrics of a model on labelled images, or of a recipe by cross-validation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from smilecam import provenance, storage
from smilecam.cli.extras import require
from smilecam.cli.fold_tables import fold_lines, remarks, spread_rows
from smilecam.cli.model_options import model_options
from smilecam.errors import UsageProblem
from smilecam.presets import OperatingPoint

if TYPE_CHECKING:
    from smilecam.evaluation.evaluate import Evaluation

BOXES = ("auto", "haar", "smiles", "fer2013", "find")
PATH = click.Path(path_type=Path)


@click.command()
@model_options
@click.option("--data", "path", type=PATH, help="Labelled folder or archive; default: SMILES.")
@click.option("--labels", type=PATH, help="CSV file of labels to evaluate against, in place of those of --data.")
@click.option(
    "--boxes",
    type=click.Choice(BOXES),
    default="auto",
    show_default=True,
    help="Content of the images: whole Haar boxes, faces with SMILES or FER2013 framing, or whole photos, in which "
    "faces are detected (find). auto: by folder names and images; the output reports what was assumed.",
)
@click.option(
    "--crop",
    type=click.Choice(["trained", "whole"]),
    default="trained",
    show_default=True,
    help="Classify the part of the box that training images show, or the whole box, as the well-known tutorial does.",
)
@click.option(
    "--cross-validation",
    "folds",
    type=PATH,
    help="Evaluate this folder of smilecam train --folds, trained on --data, instead of a model.",
)
@click.option(
    "--json", "json_path", metavar="PATH", help="Write the metrics and their conditions as JSON; - for standard output."
)
@click.option("--report", metavar="PATH", help="Write a report with metrics, curves and the worst errors (.html).")
def evaluate(
    model: str,
    policy: str | None,
    operating_point: str,
    threshold: float | None,
    path: Path | None,
    labels: Path | None,
    boxes: str,
    crop: str,
    folds: Path | None,
    json_path: str | None,
    report: str | None,
) -> None:
    """Evaluate a model on labelled images: folders smile/ and not_smile/, SMILES, or FER2013.

    With --cross-validation, evaluate each network on its held-out faces, with calibration and thresholds from the
    other folds.
    """
    from smilecam.data.smiles_dataset import find_smiles
    from smilecam.evaluation.evaluate import Boxes, Crop, Decision
    from smilecam.evaluation.evaluate import evaluate as evaluate_model

    if report:
        require("report", "--report")
    if folds:
        _refuse_model_options()
    data = find_smiles(path, storage.data_folder())
    _check_outputs(json_path, report, data, Path(model))
    if folds:
        _evaluate_folds(folds, data, json_path, report)
        return
    decision = Decision(model, policy, OperatingPoint(operating_point), threshold)
    found = evaluate_model(decision, data, Boxes(boxes), Crop(crop), labels)
    _print_metrics(found, to_stderr=json_path == "-")
    _write_json(json_path, found.as_dict())
    if report:
        _write_report(Path(report), found)


def _refuse_model_options() -> None:
    context = click.get_current_context()
    for name in ("model", "policy", "operating_point", "threshold", "labels", "boxes", "crop"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageProblem(f"--{name.replace('_', '-')} does not apply to a cross-validation")


def _check_outputs(json_path: str | None, report: str | None, data: Path, model: Path) -> None:
    for option, output in (("--json", json_path), ("--report", report)):
        if output == "":
            raise UsageProblem(f"{option} is an empty name")
        if output and storage.same_file(Path(output), data, model):
            raise UsageProblem(f"{option} {output} would replace the data or the model")
    if json_path and report and Path(json_path).resolve() == Path(report).resolve():
        raise UsageProblem(f"--json and --report both name {report}")


def _write_json(path: str | None, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    if path == "-":
        click.echo(text, nl=False)
    elif path:
        storage.write_text(Path(path), text)


def _print_metrics(found: Evaluation, *, to_stderr: bool) -> None:
    metrics = found.metrics
    interval = f"{metrics.accuracy_low:.4f}-{metrics.accuracy_high:.4f}"
    operating = (
        f"threshold {metrics.threshold:g}: {metrics.true_positive_rate:.4f} of the smiles found, "
        f"{metrics.false_positive_rate:.4f} of the rest predicted as smiling"
    )
    lines = [
        f"n                  {metrics.n:,} ({metrics.smiles:,} smiling)",
        f"accuracy           {metrics.accuracy:.4f} (95 % interval {interval})",
        f"balanced accuracy  {metrics.balanced_accuracy:.4f}",
        f"AUC                {metrics.auc:.4f}, average precision {metrics.average_precision:.4f}",
        f"operating point    {operating}",
        f"calibration        expected error {metrics.expected_calibration_error:.4f}, Brier score {metrics.brier:.4f}",
    ]
    conditions = found.conditions
    if conditions["boxes"] == "auto":
        lines.append(f"images             {_assumed(found)}")
    detector = f"detector {conditions['detector']}, " if "detector" in conditions else ""
    lines.append(
        f"conditions         model {conditions['model']['name']}, policy {conditions['policy']}, "
        f"data {conditions['data']['name']}, boxes {conditions['boxes']}, {detector}crop {conditions['crop']}, "
        f"commit {conditions['commit'][:12]}"
    )
    lines += [f"beware             {caveat}" for caveat in _caveats(found)]
    if found.without_face:
        lines.append(f"no face detected   {found.without_face:,} images, counted as not smiling")
    click.echo("\n".join(lines), err=to_stderr)


def _assumed(found: Evaluation) -> str:
    """What --boxes auto took the images for."""
    kinds = {
        "whole photos, the largest detected face of each classified": found.whole_photos,
        "face crops, classified as they are": found.face_crops,
    }
    return "; ".join(f"{count:,} taken as {kind}" for kind, count in kinds.items() if count)


def _caveats(found: Evaluation) -> list[str]:
    """Reasons why the metrics may be too optimistic."""
    caveats = []
    if found.seen_in_training:
        caveats.append("the model was trained on this data, or a part of it")
    if found.calibrated_on:
        caveats.append("the policy was calibrated on this data, and its thresholds chosen on it")
    return caveats


def _write_report(path: Path, found: Evaluation) -> None:
    from smilecam.evaluation.report import Report, write_report

    conditions = found.conditions
    remarks = [f"Model {conditions['model']['name']} on {conditions['data']['name']}, {found.metrics.n:,} faces."]
    remarks += [f"Beware: {caveat}." for caveat in _caveats(found)]
    if conditions["boxes"] == "auto":
        remarks.append(f"Images: {_assumed(found)}.")
    if found.without_face:
        remarks.append(f"No face was detected in {found.without_face:,} images; they count as not smiling.")
    title = f"{conditions['model']['name']} on {conditions['data']['name']}"
    write_report(path, Report(title, remarks, found.scored, found.thresholds, {}, conditions))
    click.echo(f"wrote {path}", err=True)


PAGE_REMARK = (
    "In the table of all faces together, the thresholds are means over the folds; the confusion matrix, the slices and "
    "the errors are based on the thresholds of each fold."
)


def _evaluate_folds(folder: Path, data: Path, json_path: str | None, report: str | None) -> None:
    from smilecam.data.faces import load_faces
    from smilecam.evaluation.score_folds import as_scored, read_folds, score_folds
    from smilecam.evaluation.slices import measure_slices

    found = score_folds(read_folds(folder))
    scored = as_scored(found, load_faces(data))
    click.echo("\n".join(fold_lines(found)), err=json_path == "-")
    conditions = {
        "cross_validation": folder.resolve().name,
        "data": data.resolve().name,
        "commit": provenance.commit(),
        "machine": provenance.machine(),
    }
    slices = [{name: getattr(each, name) for name in each.__slots__} for each in measure_slices(scored)]
    _write_json(json_path, {**found.as_dict(), "slices": slices, **conditions})
    if report:
        from smilecam.evaluation.report import Report, write_report

        thresholds = {point: row["threshold"].mean for point, row in found.metrics.items()}
        thresholds = {OperatingPoint.BALANCED.value: thresholds[OperatingPoint.BALANCED.value]} | thresholds
        tables = {"Mean ± standard deviation over the networks, and the mean's 95 % interval.": spread_rows(found)}
        title = f"Cross-validation {folder.resolve().parent.name}/{folder.resolve().name}"
        write_report(
            Path(report),
            Report(title, [*remarks(found), PAGE_REMARK], scored, thresholds, tables, conditions),
        )
        click.echo(f"wrote {report}", err=True)
