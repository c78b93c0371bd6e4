"""The tables: their columns, and how one image becomes rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from smilecam.pipeline.stream_item import StreamItem
from smilecam.types import Event, Face

_FILE = {"path": "string", "size": "int64", "modified": "timestamp"}
_BOX = dict.fromkeys(("x1", "y1", "x2", "y2"), "int32")

TABLES: Mapping[str, Mapping[str, str]] = {
    "images": _FILE | {"width": "int32", "height": "int32", "faces": "int32", "smiling": "int32", "smile": "float32"},
    "videos": _FILE
    | {"width": "int32", "height": "int32", "fps": "float64", "frames": "int64", "duration": "float64"}
    | {"tracks": "int32", "smiles": "int32", "smile_time": "float64"}
    | {"corrupt": "int32", "missing": "int32", "pieces": "int32"},
    "frames": {"path": "string", "frame": "int64", "time": "float64"}
    | {"faces": "int32", "smiling": "int32", "smile": "float32"},
    "faces": {"path": "string", "frame": "int64", "time": "float64", "track": "int32"}
    | _BOX
    | {"confidence": "float32", "smile": "float32", "smiling": "bool", "intensity": "float32", "smoothed": "float32"}
    | {"interpolated": "bool"},
    "smiles": {"path": "string", "track": "int32", "start": "float64", "end": "float64", "peak": "float32"}
    | {"peak_time": "float64", "peak_frame": "int64"}
    | _BOX,
    "events": {"path": "string", "event": "string", "time": "float64", "frame": "int64"}
    | {"track": "int32", "since": "float64", "peak": "float32"},
    "errors": _FILE | {"error": "string", "message": "string"},
    "duplicates": {"path": "string", "same_as": "string"},
}
"""Table -> column -> type. Times are seconds, boxes half-open in pixels of the upright image."""


class Row(NamedTuple):
    """A row of a table, without the columns about its file, which are added when the table is written."""

    table: str
    values: dict[str, Any]


def timestamp(modified: int | None) -> str | None:
    """Nanoseconds since 1970 as ISO 8601 text in UTC, to the microsecond; None for years outside 1 to 9999."""
    if modified is None:
        return None
    try:  # not fromtimestamp, which refuses times before 1970 on Windows
        moment = datetime(1970, 1, 1) + timedelta(microseconds=modified // 1000)
    except OverflowError:
        return None
    return f"{moment.isoformat(timespec='microseconds')}Z"


def image_rows(item: StreamItem) -> Iterator[Row]:
    """The rows of an image."""
    if item.source_frame is None:
        return
    height, width = item.source_frame.shape
    yield Row("images", {"width": width, "height": height} | face_counts(item.faces))
    for face in item.faces:
        yield face_row(face, None, None)


def face_counts(faces: tuple[Face, ...]) -> dict[str, Any]:
    """How many faces there are, how many smile, and the highest probability."""
    return {
        "faces": len(faces),
        "smiling": sum(face.smiling for face in faces),
        "smile": max((round(face.probability, 4) for face in faces), default=None),
    }


def face_row(face: Face, frame: int | None, time: float | None) -> Row:
    """The row of a face in an image, or in a frame of a video."""
    content = face.as_dict()
    box = dict(zip(_BOX, content.pop("box"), strict=True))
    return Row("faces", {"frame": frame, "time": time} | box | content | {"interpolated": face.interpolated})


def event_row(event: Event) -> Row:
    """The row of an event."""
    content = event.as_dict()
    return Row("events", {name: content.get(name) for name in TABLES["events"] if name != "path"})
