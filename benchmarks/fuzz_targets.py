"""What ``benchmarks/fuzz.py`` runs: a function for each of smilecam's own readers, and inputs to begin with.

A target takes any bytes. What it reads is accepted, or refused with the errors that its documentation names; any other
exception, an endless read and a broken property are findings.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import io
import json
import random
import shutil
import struct
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request

from smilecam.classification.classifier import model_path
from smilecam.classification.model_info import parse_model_info
from smilecam.classification.onnx_file import read_model_file
from smilecam.data.framed_png import framing_of
from smilecam.data.label_files import load_label_file
from smilecam.errors import SmilecamError
from smilecam.gif import is_still_gif
from smilecam.review.report.load import load_results
from smilecam.review.report.page import ReportOptions, write_report
from smilecam.server.decoding.header import read_header
from smilecam.server.http.api import _check_form, _uploaded, own_name, query_settings
from smilecam.server.problems import Problem
from smilecam.server.security.access import Access
from smilecam.server.security.limits import Limits
from smilecam.server.stream_settings import Models, Settings
from smilecam.server.ws.messages import FRAME_HEAD, parse_frame, parse_text
from smilecam.sources.mjpeg import MAX_HEAD, PartReader, begins_multipart
from smilecam.sources.resolve import find_sources
from smilecam.sources.urls import redacted
from smilecam.training.recipe import parse_recipe

SECRET = "Zq9secretX"  # noqa: S105 - what must never be shown
BOUNDARY = b"b0undary"
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Attributes:
        run: reads the bytes; raises for a finding.
        seeds: inputs to begin with.
        words: what inputs of this form are made of.
        longest: bytes of an input.
        is_json: whether inputs are JSON, or lines of it: most changes are made to its values, not to its bytes.
    """

    run: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    words: Sequence[str] = ()
    longest: int = 4096
    is_json: bool = False


def text_of(data: bytes) -> str:
    """Any text, with the lone surrogates that stand for undecodable bytes in file names."""
    return data.decode("utf-8", "surrogateescape")


@cache
def scratch() -> Path:
    """An empty folder of this process, in memory where there is such a place."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
    folder = Path(tempfile.mkdtemp(prefix="smilecam-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def source_name(data: bytes) -> None:
    """A name on the command line."""
    name = text_of(data)
    if any(char in name for char in "*?[") and (name.startswith("/") or ".." in name):
        return  # a pattern would walk over the disk of this machine
    try:
        find_sources(name)
    except SmilecamError as error:
        str(error)


def address(data: bytes) -> None:
    """An address that is shown: a password before the host, or in a parameter, never is."""
    text = text_of(data)
    for shown in (redacted(f"rtsp://u:{SECRET}{text}@host/p"), redacted(f"http://host/p?password={SECRET}&{text}")):
        assert SECRET not in shown, shown  # noqa: S101
    redacted(text)


def model_description(data: bytes) -> None:
    """The JSON in a model file: what is accepted is written as it was read."""
    try:
        info = parse_model_info(data.decode("utf-8", "replace"))
    except SmilecamError:
        return
    assert parse_model_info(info.to_json()) == info  # noqa: S101


def model_file(data: bytes) -> None:
    """The records of a model file."""
    path = scratch() / "model.onnx"
    path.write_bytes(data)
    with refused():
        read_model_file(path)


@cache
def models() -> Models:
    """The packaged models."""
    return Models("lenet")


def settings(data: bytes) -> None:
    """A message of settings on a WebSocket, and what they come to."""
    with refused():
        content = parse_text(data.decode("utf-8", "replace"), _LIMITS)
        content.pop("type")
        changed = models().changed(Settings("lenet"), content)
        assert 0 <= models().threshold(changed) <= 1  # noqa: S101
        json.dumps(models().in_force(changed), allow_nan=False)


def query(data: bytes) -> None:
    """Settings in the query of a request."""
    scope = {"type": "http", "method": "POST", "path": "/v1/detect", "query_string": data, "headers": []}
    service = SimpleNamespace(models=models(), settings=Settings("lenet"))
    with refused():
        changed = query_settings(Request(scope), service)  # type: ignore[arg-type]
        assert 0 <= models().threshold(changed) <= 1  # noqa: S101


def stream_frame(data: bytes) -> None:
    """A frame on a WebSocket, and the header of its image."""
    with refused():
        frame = parse_frame(data, _LIMITS, 0.0)
        image_header(frame.content)


def image_header(data: bytes) -> None:
    """The header of an image, before anything is decoded."""
    header = read_header(data)
    assert header is None or (header.pixels > 0 and header.scans >= 0)  # noqa: S101
    is_still_gif(io.BytesIO(data))
    framing = framing_of(data)
    assert framing is None or 0 < framing.side <= 1  # noqa: S101


def access(data: bytes) -> None:
    """The headers of a request without the token: it is never admitted."""
    lines = [line.partition(b":") for line in data.split(b"\n")]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in lines]
    if any(SECRET.encode() in value for _, value in headers):
        return
    for kind in ("http", "websocket"):
        scope = {"type": kind, "method": "POST", "path": "/v1/detect", "query_string": b"", "headers": headers}
        with refused():
            Access(SECRET, "127.0.0.1").check(HTTPConnection(scope))
            raise AssertionError("admitted without the token")


def upload(data: bytes) -> None:
    """A form with files: the first line is the type of its content, and the rest the body, in pieces."""
    kind, _, body = data.partition(b"\n")
    pieces = [body[at : at + 300] for at in range(0, len(body), 300)] or [b""]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/detect",
        "query_string": b"",
        "headers": [(b"content-type", kind)],
        "app": SimpleNamespace(state=SimpleNamespace(service=_Uploads())),
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def read() -> None:
        request = Request(scope, receive)
        _check_form(request)
        async with _uploaded(request, "image", 4) as files:
            for file in files:
                assert isinstance(file, UploadFile)  # noqa: S101
                name = own_name(file.filename or "", "image")
                assert name and len(name) <= 100 and not {"/", "\\", "\n", "\0"} & set(name), name  # noqa: S101, PT018
                file.file.read()

    with refused():
        _loop().run_until_complete(_within_framework(read()))


async def _within_framework(read: Awaitable[None]) -> None:
    """As the application does: errors of the framework for a client are answers."""
    with contextlib.suppress(HTTPException, ClientDisconnect):
        await read


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


class _Uploads:
    """As much of the service as the reading of forms uses."""

    def upload(self) -> _Uploads:
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def mjpeg_parts(data: bytes) -> None:
    """The answer of an MJPEG camera, in pieces: what is given, and what is kept, is limited."""
    reader, step = PartReader(max_part=1000), 1 + (data[0] if data else 0)
    begins_multipart(data)
    with refused():
        for at in range(1, len(data), step):
            assert all(len(jpeg) <= 1000 + step for jpeg in reader.feed(data[at : at + step]))  # noqa: S101
            assert reader.kept <= 1000 + MAX_HEAD + step  # noqa: S101


def result_lines(data: bytes) -> None:
    """Lines of results, as ``smilecam report`` reads them, and the page of them."""
    path = scratch() / "results.jsonl"
    path.write_bytes(data)
    with refused():
        data = load_results(path)
        write_report(scratch() / "page.html", data, ReportOptions(scratch(), thumbnails=0))


def label_file(data: bytes) -> None:
    """A table of labels."""
    path = scratch() / "labels.csv"
    path.write_bytes(data)
    with refused():
        for label in load_label_file(path).soft_labels.values():
            assert label.target is None or 0 <= label.target <= 1  # noqa: S101


def recipe(data: bytes) -> None:
    """A recipe of training."""
    with refused():
        parse_recipe("fuzz", data.decode("utf-8", "replace"))


class refused:  # noqa: N801 - read as a word of the ``with`` line
    """Errors that tell a user or client what is wrong."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if isinstance(error, SmilecamError | Problem):
            str(error)
            return True
        return False


# Changes.

_VALUES = (
    None,
    True,
    0,
    -1,
    1,
    0.5,
    2**63,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "0",
    "\ud800",
    [],
    {},
    [[]],
    [1, 2],
)


def mutate(data: bytes, seed: int, words: Sequence[str]) -> bytes | None:
    """Change a value of a JSON text, or of one line of several; None where its bytes are to be changed instead."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    lines = data.decode("utf-8", "replace").split("\n")
    at = chance.randrange(len(lines))
    try:
        content = json.loads(lines[at])
    except (ValueError, RecursionError):
        return None
    if chance.random() < 0.2:
        return None
    if chance.random() < 0.2:
        lines[at:at] = [lines[chance.randrange(len(lines))]]
    else:
        holder: dict[str, object] = {"": content}
        _change(holder, "", chance, words)
        lines[at] = json.dumps(holder.get(""))
    return "\n".join(lines).encode()


def _change(holder: Any, key: Any, chance: random.Random, words: Sequence[str]) -> None:  # noqa: ANN401 - plain JSON
    """Replace, remove, rename or copy one value somewhere in a value."""
    value = holder[key]
    inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if inside and chance.random() < 0.8:
        _change(value, chance.choice(inside), chance, words)
        return
    odd = chance.choice([*_VALUES, *words])
    match chance.randrange(4):
        case 0 if isinstance(holder, dict) and key:
            del holder[key]
        case 1 if isinstance(holder, dict) and words and key:
            holder[chance.choice(words)] = value
        case 2 if isinstance(holder, dict) and inside:
            holder[key] = value[chance.choice(inside)]
        case _:
            holder[key] = odd


# Inputs to begin with.


def _texts(*texts: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [text.encode() for text in texts]


def _form(parts: Sequence[tuple[str, bytes]]) -> bytes:
    lines = [b"multipart/form-data; boundary=" + BOUNDARY + b"\n"]
    for disposition, content in parts:
        head = f"Content-Disposition: form-data; {disposition}\r\nContent-Type: image/png\r\n\r\n".encode()
        lines += [b"--" + BOUNDARY + b"\r\n", head, content, b"\r\n"]
    return b"".join([*lines, b"--" + BOUNDARY + b"--\r\n"])


def _forms() -> Sequence[bytes]:
    return [
        _form([('name="image"; filename="a.png"', b"12345")]),
        _form(
            [('name="image"; filename="../x"', b""), ("name=\"image\"; filename*=UTF-8''%e2%82%ac.png", b"\0" * 400)]
        ),
        _form([('name="text"', b"a")]),
    ]


def _model_files() -> Sequence[bytes]:
    content = model_path("lenet").read_bytes()
    return [content[:3000], b"".join((b"\x08\x08", b"\x3a\x06\x0a\x04\x22\x02Or"))]


def _descriptions() -> Sequence[bytes]:
    _, metadata = read_model_file(model_path("lenet"))
    content = json.loads(metadata["smilecam"])
    return [json.dumps(content | {"training": {}, "metrics": {}}).encode(), metadata["smilecam"].encode()[:6000]]


def _frames() -> Sequence[bytes]:
    return [struct.pack(FRAME_HEAD.format, 1, 0.5) + content for content in _images()]


def _parts() -> Sequence[bytes]:
    head = b"--frame\r\nContent-Type: image/jpeg\r\n"
    return [
        b"\x30" + (head + b"Content-Length: 3\r\n\r\nabc\r\n") * 3,
        b"\xff" + (head + b"\r\nabc\r\n") * 3 + b"--frame--",
    ]


def _images() -> Sequence[bytes]:
    import numpy as np

    from smilecam.opencv import cv2

    image = np.zeros((16, 24, 3), np.uint8)
    encoded = [cv2.imencode(suffix, image)[1].tobytes() for suffix in (".jpg", ".png", ".webp")]
    gif = b"GIF89a\x02\x00\x02\x00\x80\x00\x00" + bytes(6) + b",\0\0\0\0\x02\0\x02\0\0\x02\x02\x44\x01\0;"
    return [*encoded, gif]


_FACE = (
    '{"box": [0, 0, 9, 9], "smile": 0.9, "smiling": true, "track": 1, "intensity": 0.5, "smoothed": 0.9, '
    '"confidence": 1.0}'
)


def _lines() -> Sequence[bytes]:
    frame = f'{{"type": "frame", "source": "a.mp4", "frame": 0, "time": 0.0, "faces": [{_FACE}]}}\n'
    event = '{"type": "event", "event": "smile_start", "source": "a.mp4", "time": 0.0, "frame": 0, "track": 1}\n'
    end = (
        '{"type": "event", "event": "smile_end", "source": "a.mp4", "time": 1.0, "frame": 9, "track": 1, '
        '"since": 0.0, "peak": 0.9}\n'
    )
    image = frame.replace("0.0, ", "null, ", 1)
    return [(frame + event + end).encode(), image.encode(), (event + '{"type": "figures"}\n').encode()]


def _recipes() -> Sequence[bytes]:
    from smilecam.training import recipe as recipes

    return [path.read_bytes() for path in sorted((Path(recipes.__file__).parent / "recipes").glob("*.toml"))]


def _labels() -> Sequence[bytes]:
    votes = (
        "file,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\na/b.png,1,9,0,0,0,0,0,0,0,0"
    )
    return [
        b"file,smile\na/b.png,0.5\na/c.png,\n",
        votes.encode(),
        b"member,smiles_label,muxspace_emotion,mtfl_smile\na/b.png,1,happiness,0\n",
    ]


TARGETS = {
    "source_name": Target(
        source_name,
        _texts(
            "camera:0",
            "synthetic:face:320x240@30?seconds=2&faces=1&smile=alternate",
            "synthetic:64x48@29.97",
            "rtsp://u:p@host:554/a?x=1",
            "-",
            "a/**/*.jpg",
            "frames_%04d.png",
            "/dev/video0",
        ),
        ("synthetic:", "face:", "camera:", "rtsp://", "?seconds=", "&faces=", "&size=", "smile=", "/dev/video", "%04d"),
        400,
    ),
    "address": Target(
        address, _texts("", "a@b", "x=1&key=2", "http://a:b@c/d;e=f#g"), ("@", "://", "&", "%3d", "token="), 200
    ),
    "model_description": Target(
        model_description, _descriptions, ("policies", "weights", "thresholds", "balanced", "1e999", "NaN"), 8000, True
    ),
    "model_file": Target(model_file, _model_files, ("smilecam", "Conv", "ai.onnx"), 4000),
    "settings": Target(
        settings,
        _texts(
            '{"type": "settings", "threshold": 0.5}',
            '{"type": "settings", "model": "smilenet", "policy": "strict", "relative": true, "smoothing": 1}',
        ),
        ("threshold", "policy", "operating_point", "detector", "hysteresis", "null", "1e400", "NaN"),
        600,
        True,
    ),
    "query": Target(
        query,
        _texts("threshold=.5&smoothing=1", "model=lenet&policy=broad&operating_point=accuracy&detector=haar"),
        ("threshold=", "min_smile=", "nan", "inf", "%00"),
        300,
    ),
    "stream_frame": Target(stream_frame, _frames, (), 2000),
    "image_header": Target(image_header, _images, ("GIF89a", "IHDR", "VP8X", "smilecam margin"), 2000),
    "access": Target(
        access,
        _texts(
            "host: 127.0.0.1\nauthorization: Bearer x\norigin: http://127.0.0.1",
            "host: localhost:80\ncookie: smilecam_0=1; a=b\norigin: null",
        ),
        ("host", "origin", "cookie", "authorization", "Bearer ", "smilecam_", "[::1]"),
        600,
    ),
    "upload": Target(upload, _forms, ("Content-Disposition", "filename*=", "boundary=", "image", "name="), 3000),
    "mjpeg_parts": Target(
        mjpeg_parts, _parts, ("--frame", "Content-Length: ", "Content-Type: image/jpeg", "\\x0d\\x0a\\x0d\\x0a"), 3000
    ),
    "result_lines": Target(
        result_lines, _lines, ("type", "event", "faces", "smile_end", "source_lost", "null", "NaN", "1e999"), 3000, True
    ),
    "label_file": Target(label_file, _labels, ("happiness", "also_in", "nan", "smiles_label"), 1500),
    "recipe": Target(recipe, _recipes, ("policies", "epochs", "widths", "nan", "inf"), 3000),
}
"""By name."""
