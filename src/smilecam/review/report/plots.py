"""Drawings of a report as SVG: they take their colours from the page, so that they fit both of its themes."""

from __future__ import annotations

import html
from collections.abc import Sequence

from smilecam.review.report.data import Curve, ReportedSmile, ReportedVideo
from smilecam.sinks.smile_intervals import track_label

WIDTH = 1000
"""Units of a timeline from its beginning to its end; it is stretched to the width of the page."""

LANE, CURVE_HEIGHT, MAX_LANES = 14, 44, 6
"""Units of height of a row of smiles and of the curve, and the largest number of rows."""

MIN_BAR = 3
"""Units of width of the shortest smile."""

SHORT_SECONDS = 60
"""The times below the timeline of a shorter video have tenths."""

PLOT_WIDTH, PLOT_HEIGHT, PLOT_EDGE = 360, 180, 24


def clock(seconds: float, digits: int = 0) -> str:
    """A time as minutes and seconds, or hours, minutes and seconds."""
    whole = round(seconds, digits)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:0{3 + digits if digits else 2}.{digits}f}"
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes}:{shown}"


def timeline(video: ReportedVideo) -> str:
    """The smiles of a video over its time, in rows where they overlap, above the curve of their probability."""
    duration = max(video.duration, max((smile.end for smile in video.smiles), default=0.0), 1e-3)
    lanes = _lanes(video.smiles)
    count = max([*lanes, 0]) + 1
    height = count * LANE + CURVE_HEIGHT
    bars = "".join(_bar(smile, lane * LANE, WIDTH / duration) for smile, lane in zip(video.smiles, lanes, strict=True))
    digits = 1 if duration < SHORT_SECONDS else 0
    ticks = "".join(f"<span>{clock(duration * n / 4, digits)}</span>" for n in range(5))
    label = f"Timeline of {len(video.smiles)} smiles in {clock(duration)}; the list below has them all"
    return (
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" height="{height}" role="img" '
        f'aria-label="{label}" data-duration="{duration:.3f}">'
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>'
        f"{_curve(video.curve, duration, count * LANE)}{bars}"
        f'<line class="cursor" x1="0" x2="0" y1="0" y2="{height}"/></svg>'
        f'<p class="ticks" aria-hidden="true">{ticks}</p>'
    )


def _bar(smile: ReportedSmile, top: int, scale: float) -> str:
    width = max(MIN_BAR, smile.seconds * scale)
    left = min(smile.start * scale, WIDTH - width)
    title = html.escape(
        f"{track_label(smile.track)}, {clock(smile.start, 1)} to {clock(smile.end, 1)}{peak_phrase(smile)}"
    )
    return (
        f'<rect class="smile" x="{left:.1f}" y="{top + 2}" width="{width:.1f}" height="{LANE - 4}" rx="2" '
        f'data-seek="{smile.start:.2f}"><title>{title}</title></rect>'
    )


def peak_phrase(smile: ReportedSmile) -> str:
    """The largest probability of a smile, as the end of a phrase."""
    return "" if smile.peak is None else f", peak {smile.peak:.0%}"


def _lanes(smiles: Sequence[ReportedSmile]) -> list[int]:
    """A row for each smile, in order of their starts: the first that is free, or the last of all."""
    free: list[float] = []
    lanes = []
    for smile in smiles:
        lane = next((number for number, end in enumerate(free) if end <= smile.start), len(free))
        lane = min(lane, MAX_LANES - 1)
        free[lane:] = [smile.end, *free[lane + 1 :]]
        lanes.append(lane)
    return lanes


def _curve(curve: Curve, duration: float, top: int) -> str:
    base = top + CURVE_HEIGHT
    points = []
    for place, value in sorted(curve.points.items()):
        x1, x2 = (min(WIDTH, WIDTH * at * curve.step / duration) for at in (place, place + 1))
        y = base - value * (CURVE_HEIGHT - 4)
        points += [f"{x1:.1f},{y:.1f}", f"{x2:.1f},{y:.1f}"]
    if not points:
        return ""
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    return f'<polygon class="curve" points="{first},{base} {" ".join(points)} {last},{base}"/>'


def histogram(counts: Sequence[int], ticks: Sequence[str], label: str) -> str:
    """Bars of counts.

    Args:
        counts: height of each bar.
        ticks: words below the plot, from its left edge to its right one.
        label: what it shows, for those who do not see it.
    """
    largest = max([*counts, 1])
    width, height = PLOT_WIDTH / max(1, len(counts)), PLOT_HEIGHT - PLOT_EDGE
    bars = "".join(
        f'<rect class="bar" x="{place * width + 1:.1f}" y="{height - count / largest * (height - 16):.1f}" '
        f'width="{width - 2:.1f}" height="{count / largest * (height - 16):.1f}"><title>{count:,}</title></rect>'
        for place, count in enumerate(counts)
    )
    step = PLOT_WIDTH / max(1, len(ticks) - 1)
    anchors = ["start", *["middle"] * (len(ticks) - 2), "end"]
    words = "".join(
        f'<text x="{place * step:.0f}" y="{PLOT_HEIGHT - 6}" text-anchor="{anchor}">{html.escape(tick)}</text>'
        for place, (tick, anchor) in enumerate(zip(ticks, anchors, strict=True))
    )
    return (
        f'<svg class="plot" viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}" role="img" aria-label="{html.escape(label)}">'
        f'<text x="0" y="10">{largest:,}</text>{bars}<line class="axis" x1="0" x2="{PLOT_WIDTH}" y1="{height}" '
        f'y2="{height}"/>{words}</svg>'
    )
