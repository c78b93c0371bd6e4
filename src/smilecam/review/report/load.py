"""Reading results for a report: the folder of ``smilecam scan``, or the JSON lines of ``smilecam detect``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from smilecam.errors import DataError, MissingExtra
from smilecam.review.report.data import ReportData, ReportedImage, ReportedSmile, ReportedVideo
from smilecam.review.report.values import (
    Row,
    box_in_list,
    box_of,
    flag,
    number,
    optional_number,
    optional_whole,
    probability_of_face,
    text,
    whole,
)
from smilecam.sinks.smile_intervals import OpenSmiles
from smilecam.types import Box, Event, EventKind

SUMMARY = "summary.json"
"""Of a scan; written last."""


def load_results(path: Path) -> ReportData:
    """Read results.

    Args:
        path: the folder of a scan, or a file of JSON lines.

    Raises:
        DataError: there are none, or they are damaged, or a scan has not ended.
        MissingExtra: they are in Parquet alone, and pyarrow is not installed.
    """
    try:
        return _of_scan(path) if path.is_dir() else _of_lines(path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: damaged, or not results of smilecam ({type(error).__name__}: {error})") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


# The folder of a scan.


def _of_scan(folder: Path) -> ReportData:
    summary = folder / SUMMARY
    if not summary.is_file():
        raise DataError(f"{folder} holds no {SUMMARY}: it is not the folder of a scan, or the scan has not ended")
    content = json.loads(summary.read_text("utf-8"))
    data = ReportData(folder.resolve().name, settings=_flat(content["settings"]) | {"smilecam": content["smilecam"]})
    images = {text(row, "path"): _image(row) for row in _rows(folder, "images")}
    videos = {text(row, "path"): _video(row) for row in _rows(folder, "videos")}
    for row in _rows(folder, "faces"):
        data.count_face(probability_of_face(row))
        if row["path"] in images:
            images[row["path"]].boxes.append((box_of(row), flag(row, "smiling")))
    for row in _rows(folder, "frames"):
        if row["path"] in videos:
            videos[row["path"]].curve.add(number(row, "time"), optional_number(row, "smile", 0, 1) or 0.0)
    for row in _rows(folder, "smiles"):
        if row["path"] in videos:
            videos[row["path"]].smiles.append(_smile(row))
    for video in videos.values():
        video.settle()
    data.images, data.videos = list(images.values()), list(videos.values())
    data.errors = [(text(row, "path"), text(row, "message")) for row in _rows(folder, "errors")]
    return data


def _flat(settings: Row) -> Row:
    """Settings without the level between them."""
    flat: Row = {}
    for name, value in settings.items():
        flat |= {f"{name} {inner}": item for inner, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _image(row: Row) -> ReportedImage:
    return ReportedImage(row["path"], whole(row, "faces"), whole(row, "smiling"), optional_number(row, "smile", 0, 1))


def _video(row: Row) -> ReportedVideo:
    duration = optional_number(row, "duration") or 0.0
    return ReportedVideo(row["path"], whole(row, "frames"), duration, whole(row, "tracks"))


def _smile(row: Row) -> ReportedSmile:
    start, end, at = (number(row, key) for key in ("start", "end", "peak_time"))
    peak = optional_number(row, "peak", 0, 1)
    return ReportedSmile(optional_whole(row, "track"), start, end, peak, at, box_of(row))


def _rows(folder: Path, name: str) -> Iterator[Row]:
    """The rows of a table: of its JSON lines if they are there, else of its Parquet file."""
    lines, parquet = folder / f"{name}.jsonl", folder / f"{name}.parquet"
    if lines.is_file():
        yield from _json_lines(lines)
    elif parquet.is_file():
        yield from _parquet_rows(parquet)
    else:
        raise DataError(f"{folder} holds no table {name}")


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtra("smilecam report for a scan in Parquet alone", "scan") from error
    with ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: no JSON, or cut short") from error


# The lines of ``smilecam detect``.


@dataclass(slots=True)
class _Best:
    """The best moment of a track's smile so far."""

    value: float
    time: float
    box: Box


@dataclass(slots=True)
class _LinesOfVideo:
    """A video that is being read, line by line."""

    video: ReportedVideo
    open: OpenSmiles = field(default_factory=OpenSmiles)
    best: dict[int | None, _Best] = field(default_factory=dict)
    tracks: set[int] = field(default_factory=set)

    def take_frame(self, line: Row, count_face: Callable[[float], None]) -> None:
        video, time = self.video, number(line, "time")
        video.frames, video.duration = video.frames + 1, max(video.duration, time)
        video.curve.add(time, max((probability_of_face(face) for face in line["faces"]), default=0.0))
        for face in line["faces"]:
            count_face(probability_of_face(face))
            track = optional_whole(face, "track")
            if track is not None:
                self.tracks.add(track)
            if not flag(face, "smiling"):
                continue
            value, best = (
                number(face, "smile", 0, 1) + (optional_number(face, "intensity") or 0.0),
                self.best.get(track),
            )
            if best is None or value > best.value:
                self.best[track] = _Best(value, time, box_in_list(face))

    def take_event(self, line: Row) -> None:
        kind = EventKind(line["event"])
        frame, track = (optional_whole(line, key) for key in ("frame", "track"))
        since, peak = optional_number(line, "since"), optional_number(line, "peak", 0, 1)
        self._keep(Event(kind, self.video.path, number(line, "time"), frame, track, since, peak))

    def _keep(self, event: Event) -> None:
        smile = self.open.take(event)
        if smile is None:
            return
        best = self.best.pop(event.track, None)
        known = best is not None and smile.start <= best.time <= smile.end
        at, box = (best.time, best.box) if best is not None and known else ((smile.start + smile.end) / 2, None)
        self.video.smiles.append(ReportedSmile(smile.track, smile.start, smile.end, smile.peak, at, box))

    def finish(self) -> ReportedVideo:
        for smile in self.open.finish(self.video.duration):
            best = self.best.get(smile.track)
            at, box = (best.time, best.box) if best else (smile.start, None)
            self.video.smiles.append(ReportedSmile(smile.track, smile.start, smile.end, smile.peak, at, box))
        self.video.tracks = len(self.tracks)
        self.video.settle()
        return self.video


def _of_lines(path: Path) -> ReportData:
    data, videos = ReportData(path.stem), dict[str, _LinesOfVideo]()
    known = 0
    for line in _json_lines(path):
        kind = line["type"]
        known += kind in ("frame", "event", "figures")
        if kind == "frame" and line["time"] is None:
            data.images.append(_image_of(line, data.count_face))
        elif kind in ("frame", "event"):
            name = text(line, "source")
            if name not in videos:
                videos[name] = _LinesOfVideo(ReportedVideo(name))
            if kind == "frame":
                videos[name].take_frame(line, data.count_face)
            else:
                videos[name].take_event(line)
    if not known:
        raise DataError(f"{path} holds no lines of smilecam detect --jsonl")
    data.videos = [lines.finish() for lines in videos.values()]
    return data


def _image_of(line: Row, count_face: Callable[[float], None]) -> ReportedImage:
    smiles = [number(face, "smile", 0, 1) for face in line["faces"]]
    for smile in smiles:
        count_face(smile)
    boxes = [(box_in_list(face), flag(face, "smiling")) for face in line["faces"]]
    smiling = sum(is_smiling for _, is_smiling in boxes)
    return ReportedImage(text(line, "source"), len(boxes), smiling, max(smiles, default=None), boxes)
