"""The report as one HTML file: its frame, and the cards of videos and images."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template

from smilecam.html_page import data_image, markup_table, page
from smilecam.review.report import plots, sections
from smilecam.review.report.data import ReportData, ReportedImage, ReportedSmile, ReportedVideo
from smilecam.review.report.media import MediaFiles, at_time, is_file_name
from smilecam.review.report.plots import clock
from smilecam.review.report.sections import counted
from smilecam.review.report.thumbnails import Anonymiser, face_thumbnail, frame_at, image_thumbnail, or_none
from smilecam.sinks.smile_intervals import track_label
from smilecam.storage import write_text

MAX_VIDEOS, MAX_IMAGES = 300, 600
"""Shown on a page, those with most smiles first: a browser still scrolls it smoothly. All of them are counted."""

SMILES_OF_VIDEO = 8
"""Smiles of a video that have a thumbnail, the clearest ones."""


@dataclass(slots=True)
class ReportOptions:
    """How a report is made.

    Attributes:
        media: folder that relative paths of results start from.
        thumbnails: how many there are at most, in all.
        anonymise: makes their faces unrecognisable; None for not.
        progress: called for each thumbnail.
    """

    media: Path
    thumbnails: int = 300
    anonymise: Anonymiser | None = None
    progress: Callable[[], object] = lambda: None


@dataclass(slots=True)
class WrittenReport:
    """What came of it.

    Attributes:
        thumbnails: how many there are.
        missing: files that are not where the results say.
    """

    thumbnails: int = 0
    missing: list[str] = field(default_factory=list)


def write_report(path: Path, data: ReportData, options: ReportOptions) -> WrittenReport:
    """Write the page, whole or not at all.

    Args:
        path: of the file.
        data: its content.
        options: how it is made.

    Raises:
        OutputError: it cannot be written.
    """
    builder = _Builder(data, options, MediaFiles(options.media, path))
    shown = builder.sections()
    body = Template(_static("html")).substitute(
        title=html.escape(data.name), summary=sections.summary(data), sections="\n".join(filter(None, shown))
    )
    write_text(path, page(f"Smiles: {data.name}", [body], _static("css"), _static("js"), media=True))
    return builder.written


def _static(kind: str) -> str:
    return files("smilecam.review.report").joinpath(f"static/report.{kind}").read_text("utf-8")


class _Builder:
    """Makes the parts of one page."""

    def __init__(self, data: ReportData, options: ReportOptions, media: MediaFiles) -> None:
        self._data, self._options, self._media = data, options, media
        self._left = options.thumbnails
        self.written = WrittenReport()

    def sections(self) -> list[str]:
        """The sections after the summary, as HTML; empty where there is nothing to show."""
        data = self._data
        videos = sorted(data.videos, key=lambda video: (-video.smile_time, video.path))
        images = sorted(data.images, key=lambda image: (-image.smiling, -(image.smile or 0.0), image.path))
        return [
            _section("videos", "Videos", [self._video(video) for video in videos[:MAX_VIDEOS]], len(videos)),
            _section("images", "Images", [self._image(image) for image in images[:MAX_IMAGES]], len(images)),
            sections.distributions(data),
            sections.unreadable(data.errors),
            sections.settings(data),
        ]

    def _video(self, video: ReportedVideo) -> str:
        path = self._find(video.path)
        link = self._media.link(path) if path else None
        clearest = sorted(video.smiles, key=lambda smile: -(smile.peak or 0.0))[:SMILES_OF_VIDEO]
        shots = "".join(self._shot(smile, path, link) for smile in video.smiles if smile in clearest)
        facts = f"{clock(video.duration)}, {counted(video.tracks, 'track')}, "
        facts += (
            f"{counted(len(video.smiles), 'smile')} in {clock(video.smile_time, 1)}" if video.smiles else "no smile"
        )
        largest = max((smile.peak or 0.0 for smile in video.smiles), default=0.0)
        longest = max((smile.seconds for smile in video.smiles), default=0.0)
        return (
            f'<li class="card video" data-kind="video" data-name="{html.escape(video.path.lower())}" '
            f'data-smiles="{len(video.smiles)}" data-time="{video.smile_time:.2f}" data-peak="{largest:.4f}" '
            f'data-longest="{longest:.2f}"{f" data-media={chr(34)}{html.escape(link)}{chr(34)}" if link else ""}>'
            f"<h3>{_linked(html.escape(video.path), link)}</h3><p class='quiet'>{facts}</p>"
            f"{plots.timeline(video)}"
            + (f'<ol class="shots">{shots}</ol>' if shots else "")
            + _smile_table(video, link)
            + "</li>"
        )

    def _shot(self, smile: ReportedSmile, path: Path | None, link: str | None) -> str:
        thumbnail = None
        if path is not None and self._take():
            image = or_none(lambda: face_thumbnail(frame_at(path, smile.peak_time), smile.box, self._options.anonymise))
            thumbnail = self._counted(image)
        words = f"{track_label(smile.track)} at {clock(smile.peak_time, 1)}{plots.peak_phrase(smile)}"
        shown = f'<img src="{data_image(thumbnail, "jpeg")}" alt="">' if thumbnail else ""
        inside = f"{shown}<span>{html.escape(words)}</span>"
        return f"<li>{_seek_link(inside, link, smile.start)}</li>"

    def _image(self, image: ReportedImage) -> str:
        path = self._find(image.path)
        link = self._media.link(path) if path else None
        thumbnail = None
        if path is not None and self._take():
            boxes = [box for box, _ in image.boxes]
            thumbnail = self._counted(or_none(lambda: image_thumbnail(path, boxes, self._options.anonymise)))
        seen = f'<img src="{data_image(thumbnail, "jpeg")}" alt="">' if thumbnail else ""
        facts = f"{counted(image.faces, 'face')}, {image.smiling:,} smiling" if image.faces else "no face"
        if image.smile is not None:
            facts += f", highest {image.smile:.0%}"
        name = html.escape(image.path)
        return (
            f'<li class="card image" data-kind="image" data-name="{name.lower()}" data-smiles="{image.smiling}" '
            f'data-time="0" data-peak="{image.smile or 0:.4f}" data-longest="0">{seen}'
            f"<h3>{_linked(name, link)}</h3><p class='quiet'>{facts}</p></li>"
        )

    def _find(self, name: str) -> Path | None:
        path = self._media.find(name)
        if path is None and is_file_name(name):
            self.written.missing.append(name)
        return path

    def _take(self) -> bool:
        """Whether one more thumbnail is allowed."""
        self._left -= 1
        return self._left >= 0

    def _counted(self, thumbnail: bytes | None) -> bytes | None:
        self.written.thumbnails += thumbnail is not None
        self._options.progress()
        return thumbnail


def _section(name: str, title: str, cards: Sequence[str], count: int) -> str:
    if not count:
        return ""
    note = f"<p class='quiet'>The {len(cards):,} with most smiles, of {count:,}.</p>" if len(cards) < count else ""
    listed = "\n".join(cards)
    return (
        f'<section aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>{note}'
        f'<ul class="{name}">{listed}</ul></section>'
    )


def expected_thumbnails(data: ReportData, options: ReportOptions) -> int:
    """How many thumbnails a report will have at most, for a progress bar."""
    of_videos = sum(min(SMILES_OF_VIDEO, len(video.smiles)) for video in data.videos)
    return min(options.thumbnails, of_videos + min(MAX_IMAGES, len(data.images)))


def _linked(inside: str, link: str | None) -> str:
    return f'<a href="{html.escape(link)}">{inside}</a>' if link else inside


def _seek_link(inside: str, link: str | None, seconds: float) -> str:
    """A link to a moment of a video; the script plays it in the page."""
    if link is None:
        return inside
    return f'<a href="{html.escape(at_time(link, seconds))}" data-seek="{seconds:.2f}">{inside}</a>'


def _smile_table(video: ReportedVideo, link: str | None) -> str:
    if not video.smiles:
        return ""
    rows = [
        [
            html.escape(track_label(smile.track)),
            _seek_link(clock(smile.start, 1), link, smile.start),
            clock(smile.end, 1),
            f"{smile.seconds:.1f} s",
            "" if smile.peak is None else f"{smile.peak:.0%}",
        ]
        for smile in video.smiles
    ]
    listed = markup_table(f"Smiles of {html.escape(video.path)}", ["who", "from", "to", "length", "peak"], rows)
    return f"<details><summary>{counted(len(rows), 'smile')} as a list</summary>{listed}</details>"
