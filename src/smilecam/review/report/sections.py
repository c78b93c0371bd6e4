"""Parts of a report that are about all files: counts, distributions, failures, settings."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from smilecam.html_page import table
from smilecam.review.report import plots
from smilecam.review.report.data import PROBABILITY_BINS, ReportData
from smilecam.review.report.plots import clock

MAX_ERRORS = 300
"""Listed on a page."""

LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, math.inf)
"""Upper edges of the histogram of lengths, in seconds."""


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def summary(data: ReportData) -> str:
    """The counts at the top of the page."""
    smiling = sum(image.smiling > 0 for image in data.images)
    seconds = sum(video.duration for video in data.videos)
    tiles = [
        ("images", f"{len(data.images):,}", f"{smiling:,} with a smile"),
        ("videos", f"{len(data.videos):,}", f"{clock(seconds)} in all"),
        ("smiles in videos", f"{len(data.smiles):,}", f"{clock(sum(v.smile_time for v in data.videos))} with a smile"),
        ("not readable", f"{len(data.errors):,}", "listed below" if data.errors else ""),
    ]
    shown = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd><dd class='sub'>{note}</dd></div>" for name, value, note in tiles
    )
    return f'<section aria-label="Summary"><dl class="tiles">{shown}</dl></section>'


def distributions(data: ReportData) -> str:
    """How probabilities and lengths of smiles are distributed, each as a plot and as a table."""
    drawings = []
    if sum(data.probabilities):
        edges = [f"{n / PROBABILITY_BINS:.2f}-{(n + 1) / PROBABILITY_BINS:.2f}" for n in range(PROBABILITY_BINS)]
        title = "Faces by probability of a smile"
        plot = plots.histogram(data.probabilities, ("0", "0.5", "1"), f"{title}: a histogram, as a table below")
        drawings.append(_figure(title, plot, "probability", "faces", edges, data.probabilities))
    if data.smiles:
        counts = [0] * len(LENGTHS)
        for smile in data.smiles:
            counts[next(place for place, edge in enumerate(LENGTHS) if smile.seconds < edge)] += 1
        names = ["under 0.5 s", "0.5-1 s", "1-2 s", "2-4 s", "4-8 s", "8 s and more"]
        title = "Smiles in videos by length"
        plot = plots.histogram(counts, ("0 s", "1 s", "4 s", "longer"), f"{title}: a histogram, as a table below")
        drawings.append(_figure(title, plot, "length", "smiles", names, counts))
    if not drawings:
        return ""
    return (
        '<section aria-labelledby="plots-title"><h2 id="plots-title">Distributions</h2>'
        f'<div class="plots">{"".join(drawings)}</div></section>'
    )


def _figure(title: str, plot: str, first: str, second: str, names: Sequence[str], counts: Sequence[int]) -> str:
    rows = [[first, second], *([name, f"{count:,}"] for name, count in zip(names, counts, strict=True))]
    return (
        f'<figure class="card"><figcaption>{title}</figcaption>{plot}'
        f"<details><summary>As a table</summary>{table(title, rows)}</details></figure>"
    )


def unreadable(errors: Sequence[tuple[str, str]]) -> str:
    """The files that could not be read; path and message of each."""
    if not errors:
        return ""
    rows = [["file", "why"], *([path, message] for path, message in errors[:MAX_ERRORS])]
    caption = f"{counted(len(errors), 'file')} that could not be read"
    if len(errors) > MAX_ERRORS:
        caption += f", of which these are the first {MAX_ERRORS}"
    return (
        '<section aria-labelledby="errors-title"><h2 id="errors-title">Not readable</h2>'
        f'<div class="card">{table(caption, rows)}</div></section>'
    )


def settings(data: ReportData) -> str:
    """What the results depend on."""
    if not data.settings:
        return ""
    rows = "".join(
        f"<dt>{html.escape(name.replace('_', ' '))}</dt><dd>{html.escape('-' if value is None else str(value))}</dd>"
        for name, value in data.settings.items()
    )
    return (
        '<section aria-labelledby="settings-title"><h2 id="settings-title">Settings</h2>'
        f'<dl class="card settings">{rows}</dl></section>'
    )
