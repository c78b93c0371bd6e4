"""A report as one HTML file: metrics, curves, slices and worst errors. Needs Matplotlib."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smilecam.evaluation.error_sheet import error_sheet
from smilecam.evaluation.metrics import Metrics, counts_by_threshold, measure, reliability
from smilecam.evaluation.scored import Scored
from smilecam.evaluation.slices import Slice, measure_slices
from smilecam.html_page import data_image, page, table
from smilecam.opencv import cv2
from smilecam.storage import write_text

WORST = 60
"""Maximum number of errors on the contact sheet."""

ACCENT, SECOND = "#0b6e99", "#c2571a"

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2428; background: #fff; max-width: 70rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } caption { text-align: left; color: #55636b; }
th, td { padding: .25rem .8rem .25rem 0; text-align: right; border-bottom: 1px solid #dde3e6; }
th:first-child, td:first-child { text-align: left; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem; }
.plots svg, .sheet { width: 100%; height: auto; } .wide { overflow-x: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { color: #55636b; } dd { margin: 0;
overflow-wrap: anywhere; }
"""


@dataclass(frozen=True)
class Report:
    """Content of a report.

    Attributes:
        title: of the page.
        remarks: paragraphs below the title.
        scored: faces with predictions.
        thresholds: operating point -> threshold; the predictions of ``scored`` were made with the first one.
        tables: caption -> rows of cells, the header first, of further tables.
        conditions: name -> value of everything that the metrics depend on.
    """

    title: str
    remarks: Sequence[str]
    scored: Scored
    thresholds: dict[str, float]
    tables: Mapping[str, Sequence[Sequence[str]]]
    conditions: dict[str, Any]


def write_report(path: Path, report: Report) -> None:
    """Write the page, which has no external references.

    Raises:
        OutputError: the file cannot be written.
        ValueError: a class is missing.
    """
    scored = report.scored
    metrics = {point: measure(scored.labels, scored.probabilities, at) for point, at in report.thresholds.items()}
    body = [f"<h1>{html.escape(report.title)}</h1>"]
    body += [f"<p>{html.escape(remark)}</p>" for remark in report.remarks]
    body += [table(caption, rows) for caption, rows in report.tables.items()]
    body += ["<h2>Metrics</h2>", table("At each threshold, on all faces of this report.", _metric_rows(metrics))]
    body += [_confusion(scored), "<h2>Curves</h2>", _plots(scored, next(iter(report.thresholds.values())))]
    body += ["<h2>Slices</h2>", table("Quarters of the faces by each property.", _slice_rows(measure_slices(scored)))]
    body += ["<h2>Worst errors</h2>", _sheet_of_errors(scored)]
    body += ["<h2>Conditions</h2>", _conditions(report.conditions)]
    write_text(path, page(report.title, body, STYLE, inline_styles=True))


METRIC_COLUMNS: tuple[tuple[str, Callable[[Metrics], float]], ...] = (
    ("threshold", lambda metrics: metrics.threshold),
    ("accuracy", lambda metrics: metrics.accuracy),
    ("95 % from", lambda metrics: metrics.accuracy_low),
    ("to", lambda metrics: metrics.accuracy_high),
    ("balanced accuracy", lambda metrics: metrics.balanced_accuracy),
    ("smiles found", lambda metrics: metrics.true_positive_rate),
    ("false smiles", lambda metrics: metrics.false_positive_rate),
    ("precision", lambda metrics: metrics.precision),
    ("F1", lambda metrics: metrics.f1),
)


def _metric_rows(metrics: dict[str, Metrics]) -> list[list[str]]:
    rows = [["operating point", *(name for name, _ in METRIC_COLUMNS)]]
    rows += [[point, *(f"{metric(row):.4f}" for _, metric in METRIC_COLUMNS)] for point, row in metrics.items()]
    return rows


def _confusion(scored: Scored) -> str:
    cells = [
        [int(((scored.labels == label) & (scored.smiling == predicted)).sum()) for predicted in (0, 1)]
        for label in (0, 1)
    ]
    rows = [["label", "predicted not smiling", "predicted smiling"]]
    rows += [
        [name, *(f"{cell:,}" for cell in row)] for name, row in zip(("not smiling", "smiling"), cells, strict=True)
    ]
    return table("Confusion matrix at the first operating point: faces.", rows)


def _plots(scored: Scored, threshold: float) -> str:
    plots = (_roc, _precision_recall, _reliability, _accuracy_over_threshold, _histograms)
    images = []
    for draw in plots:
        figure = Figure(figsize=(4.6, 3.6), layout="constrained")
        draw(figure.subplots(), scored, threshold)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        images.append(text.getvalue()[text.getvalue().index("<svg") :])
    return f'<div class="plots">{"".join(images)}</div>'


def _roc(axes: Axes, scored: Scored, threshold: float) -> None:
    counts = counts_by_threshold(scored.labels, scored.probabilities)
    metrics = measure(scored.labels, scored.probabilities, threshold)
    axes.plot(counts.false / counts.rest, counts.found / counts.smiles, color=ACCENT)
    axes.plot(metrics.false_positive_rate, metrics.true_positive_rate, "o", color=SECOND, label=f"at {threshold:.3f}")
    axes.set(title=f"ROC, AUC {metrics.auc:.4f}", xlabel="false smiles", ylabel="smiles found")
    if metrics.auc > 0.9:  # the corner that matters
        axes.set(xlim=(-0.01, 0.4), ylim=(0.6, 1.01))
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)


def _precision_recall(axes: Axes, scored: Scored, threshold: float) -> None:
    counts = counts_by_threshold(scored.labels, scored.probabilities)
    metrics = measure(scored.labels, scored.probabilities, threshold)
    axes.plot(counts.found / counts.smiles, counts.found / (counts.found + counts.false), color=ACCENT)
    axes.plot(metrics.true_positive_rate, metrics.precision, "o", color=SECOND, label=f"at {threshold:.3f}")
    title = f"Precision and recall, AP {metrics.average_precision:.4f}"
    axes.set(title=title, xlabel="smiles found", ylabel="precision", ylim=(0, 1.01))
    axes.legend(loc="lower left")
    axes.grid(alpha=0.3)


def _reliability(axes: Axes, scored: Scored, threshold: float) -> None:
    bins = reliability(scored.labels, scored.probabilities)
    error = measure(scored.labels, scored.probabilities, threshold).expected_calibration_error
    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.plot(bins.probability, bins.share, "-", color=ACCENT, linewidth=1)
    axes.scatter(bins.probability, bins.share, 8 + 200 * bins.count / bins.count.max(), color=ACCENT, alpha=0.7)
    axes.set(title=f"Reliability, error {error:.4f}", xlabel="predicted probability", ylabel="share of smiles")
    axes.grid(alpha=0.3)


def _accuracy_over_threshold(axes: Axes, scored: Scored, threshold: float) -> None:
    counts = counts_by_threshold(scored.labels, scored.probabilities)
    found, kept = counts.found / counts.smiles, 1 - counts.false / counts.rest
    accuracy = (counts.found + counts.rest - counts.false) / (counts.smiles + counts.rest)
    axes.plot(counts.thresholds, accuracy, color=ACCENT, label="accuracy")
    axes.plot(counts.thresholds, (found + kept) / 2, color=SECOND, label="balanced accuracy")
    axes.axvline(threshold, color="grey", linestyle=":")
    axes.set(title="Accuracy over threshold", xlabel="threshold", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower center")
    axes.grid(alpha=0.3)


def _histograms(axes: Axes, scored: Scored, threshold: float) -> None:
    edges = np.linspace(0, 1, 31).tolist()
    for label, name, colour in ((0, "not smiling", SECOND), (1, "smiling", ACCENT)):
        axes.hist(scored.probabilities[scored.labels == label], edges, color=colour, alpha=0.6, label=name)
    axes.axvline(threshold, color="grey", linestyle=":")
    axes.set(title="Faces by probability", xlabel="probability of a smile", ylabel="faces", yscale="log")
    axes.legend(loc="upper center", title="label")


def _slice_rows(slices: list[Slice]) -> list[list[str]]:
    rows = [["property", "from", "to", "n", "smiling", "accuracy", "balanced accuracy", "AUC"]]
    for each in slices:
        metrics = [_or_dash(each.accuracy), _or_dash(each.balanced_accuracy), _or_dash(each.auc)]
        rows.append([each.property, f"{each.low:g}", f"{each.high:g}", f"{each.n:,}", f"{each.smiles:,}", *metrics])
    return rows


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _sheet_of_errors(scored: Scored) -> str:
    rows = scored.worst(WORST)
    if len(rows) == 0:
        return "<p>No error.</p>"
    sheet = data_image(cv2.imencode(".jpg", error_sheet(scored, rows))[1].tobytes(), "jpeg")
    caption = f"The {len(rows)} most confident wrong predictions, in rows from the left"
    cells = [["face", "label", "probability"]]
    cells += [[scored.names[row], f"{scored.labels[row]}", f"{scored.probabilities[row]:.3f}"] for row in rows]
    return (
        f"<p>{caption}. Labels can be wrong too.</p>"
        f'<img class="sheet" alt="{caption}; names in the table below" src="{sheet}">'
        f"<details><summary>Names</summary>{table('In the order of the sheet.', cells)}</details>"
    )


def _conditions(conditions: Mapping[str, Any]) -> str:
    rows = (
        f"<dt>{html.escape(name.replace('_', ' '))}</dt><dd>{html.escape(_as_text(value))}</dd>"
        for name, value in conditions.items()
    )
    return f"<dl>{''.join(rows)}</dl>"


def _as_text(value: object) -> str:
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else str(value)
