"""Reading results for a report: the folder of ``smilecam scan``, or the JSON lines of ``smilecam detect``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smilecam.errors import DataError, MissingExtra
from smilecam.review.report.data import ReportData, ReportedImage, ReportedSmile, ReportedVideo
from smilecam.sinks.smile_intervals import OpenSmiles
from smilecam.types import Box, Event, EventKind

Row = dict[str, Any]

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
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
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
    images = {row["path"]: _image(row) for row in _rows(folder, "images")}
    videos = {row["path"]: _video(row) for row in _rows(folder, "videos")}
    for row in _rows(folder, "faces"):
        data.count_face(_probability(row))
        if row["path"] in images:
            images[row["path"]].boxes.append((_box(row), row["smiling"]))
    for row in _rows(folder, "frames"):
        if row["path"] in videos:
            videos[row["path"]].curve.add(row["time"], row["smile"] or 0.0)
    for row in _rows(folder, "smiles"):
        if row["path"] in videos:
            smile = ReportedSmile(row["track"], row["start"], row["end"], row["peak"], row["peak_time"], _box(row))
            videos[row["path"]].smiles.append(smile)
    for video in videos.values():
        video.settle()
    data.images, data.videos = list(images.values()), list(videos.values())
    data.errors = [(row["path"], row["message"]) for row in _rows(folder, "errors")]
    return data


def _flat(settings: Row) -> Row:
    """Settings without the level between them."""
    flat: Row = {}
    for name, value in settings.items():
        flat |= {f"{name} {inner}": item for inner, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _image(row: Row) -> ReportedImage:
    return ReportedImage(row["path"], row["faces"], row["smiling"], row["smile"])


def _video(row: Row) -> ReportedVideo:
    return ReportedVideo(row["path"], row["frames"], row["duration"] or 0.0, row["tracks"])


def _box(row: Row) -> Box:
    return Box(row["x1"], row["y1"], row["x2"], row["y2"])


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
        video, time = self.video, line["time"]
        video.frames, video.duration = video.frames + 1, max(video.duration, time)
        video.curve.add(time, max((_probability(face) for face in line["faces"]), default=0.0))
        for face in line["faces"]:
            count_face(_probability(face))
            track = face.get("track")
            if track is not None:
                self.tracks.add(track)
            if not face["smiling"]:
                continue
            value, best = face["smile"] + face.get("intensity", 0.0), self.best.get(track)
            if best is None or value > best.value:
                self.best[track] = _Best(value, time, Box(*face["box"]))

    def take_event(self, line: Row) -> None:
        kind = EventKind(line["event"])
        fields = (line["source"], line["time"], line.get("frame"), line.get("track"), line.get("since"))
        self._keep(Event(kind, *fields, line.get("peak")))

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


def _probability(face: Row) -> float:
    """Of a face in either form of results: over time where it is known, as in videos."""
    smoothed = face.get("smoothed")
    return float(face["smile"] if smoothed is None else smoothed)


def _of_lines(path: Path) -> ReportData:
    data, videos = ReportData(path.stem), dict[str, _LinesOfVideo]()
    known = 0
    for line in _json_lines(path):
        kind = line["type"]
        known += kind in ("frame", "event", "figures")
        if kind == "frame" and line["time"] is None:
            data.images.append(_image_of(line, data.count_face))
        elif kind in ("frame", "event"):
            name = line["source"]
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
    faces = line["faces"]
    for face in faces:
        count_face(face["smile"])
    smile = max((face["smile"] for face in faces), default=None)
    boxes = [(Box(*face["box"]), face["smiling"]) for face in faces]
    return ReportedImage(line["source"], len(faces), sum(smiling for _, smiling in boxes), smile, boxes)
