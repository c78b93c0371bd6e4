"""Reading an ONNX file without trusting it: limits, no external data, metadata.

ONNX lets a weight live in another file, named by a path inside the model; several runtimes have been led to read
files that way. So the file's protobuf records are walked here, without the ``onnx`` package (too heavy for run
time), before any runtime sees them. Field numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from smilecam.errors import ModelFileError

MAX_MODEL_BYTES = 64 * 2**20
"""A model file over this size is refused: ours have about 5 MB."""

MAX_DEPTH = 64
"""Graphs nested deeper than this are refused."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Message -> field number -> the message that stands there; only the ways that lead to a tensor.
_CHILDREN = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14
_MODEL_METADATA, _ENTRY_KEY, _ENTRY_VALUE = 14, 1, 2


def read_model_file(path: Path) -> tuple[bytes, dict[str, str]]:
    """Read a model file whose weights all lie inside it.

    Args:
        path: of the file.

    Returns:
        The file's bytes, and its metadata.

    Raises:
        ModelFileError: it is missing, too large, no ONNX file, or refers to external data.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_MODEL_BYTES:
        raise ModelFileError(f"is over the limit of {MAX_MODEL_BYTES // 2**20} MiB")
    try:
        fields = list(_fields(memoryview(content)))
        _refuse_external_data("model", fields, depth=0)
        metadata = dict(_entry(value) for number, value in fields if number == _MODEL_METADATA)
    except (ValueError, IndexError) as error:
        raise ModelFileError("is not an ONNX file, or is damaged") from error
    if not any(number == 7 for number, _ in fields):
        raise ModelFileError("is not an ONNX file, or is damaged")
    return content, metadata


def _refuse_external_data(message: str, fields: list[tuple[int, memoryview | int]], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ModelFileError(f"nests graphs deeper than {MAX_DEPTH} levels")
    for number, value in fields:
        if message == "tensor" and (number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and value)):
            raise ModelFileError("refers to external data in another file")
        child = _CHILDREN[message].get(number)
        if child:
            _refuse_external_data(child, list(_fields(_as_bytes(value))), depth + 1)


def _entry(value: memoryview | int) -> tuple[str, str]:
    parts = {number: bytes(_as_bytes(part)).decode() for number, part in _fields(_as_bytes(value))}
    return parts.get(_ENTRY_KEY, ""), parts.get(_ENTRY_VALUE, "")


def _as_bytes(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a record belongs")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Walk one protobuf message: (field number, bytes or integer); ValueError where it is damaged."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire}")
        if number == 0 or at + length > len(data):
            raise ValueError("a record leaves the file")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of over ten bytes")
