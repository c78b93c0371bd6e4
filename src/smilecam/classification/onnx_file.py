"""Reading an ONNX file without trusting it: limits, no external data, known operators, metadata.

ONNX lets a weight live in another file, named by a path inside the model; several runtimes have been led to read
files that way. So the file's protobuf records are walked here, without the ``onnx`` package (too heavy for run
time), before any runtime sees them. Field numbers are those of ``onnx.proto``.

A network is a straight run of known operators: one with a loop might never end, and one that makes large constants out
of small ones might take all memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from smilecam.errors import ModelFileError

MAX_MODEL_BYTES = 64 * 2**20
"""A model file over this size is refused: ours have about 5 MB."""

MAX_RECORDS = 200_000
"""A file with more protobuf records than this is refused: ours have about a hundred."""

MAX_DEPTH = 64
"""Graphs nested deeper than this are refused."""

# fmt: off
OPERATORS = frozenset(
    {
        "Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "CastLike",
        "Ceil", "Celu", "Clip", "Concat", "Constant", "Conv", "Cos", "DepthToSpace", "DequantizeLinear", "Div",
        "Dropout", "DynamicQuantizeLinear", "Einsum", "Elu", "Equal", "Erf", "Exp", "Flatten", "Floor",
        "Gather", "GatherElements", "Gelu", "Gemm", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool",
        "Greater", "GreaterOrEqual", "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax", "Identity",
        "InstanceNormalization", "LRN", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log",
        "LogSoftmax", "LpNormalization", "LpPool", "MatMul", "MatMulInteger", "Max", "MaxPool", "Mean",
        "MeanVarianceNormalization", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pad", "Pow",
        "QLinearConv", "QLinearMatMul", "QuantizeLinear", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum",
        "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
        "Relu", "Reshape", "Resize", "Round", "Selu", "Shape", "Shrink", "Sigmoid", "Sign", "Sin", "Size",
        "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum",
        "Tanh", "ThresholdedRelu", "Transpose", "Unsqueeze", "Where", "Xor",
    }
)
# fmt: on
"""Operators of networks for images, of ONNX's own domain. Loops, branches, random numbers, text and whatever fills a
large array from a few numbers are left out."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Message -> field number -> message type of that field; only the paths that lead to a tensor.
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
_TENSOR_DIMENSIONS, _TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 1, 13, 14
_NODE_OPERATOR, _NODE_DOMAIN = 4, 7
_OWN_DOMAINS = frozenset({b"", b"ai.onnx"})
_REFUSED = {
    ("model", 25): "defines functions",
    ("graph", 15): "has sparse constants",
    ("attribute", 22): "has sparse constants",
    ("attribute", 23): "has sparse constants",
}
_MODEL_GRAPH, _MODEL_METADATA, _ENTRY_KEY, _ENTRY_VALUE = 7, 14, 1, 2


def read_model_file(path: Path) -> tuple[bytes, dict[str, str]]:
    """Read a model file whose weights all lie inside it.

    Args:
        path: of the file.

    Returns:
        The file's bytes, and its metadata.

    Raises:
        ModelFileError: as of ``read_content`` and ``check_model``.
    """
    content = read_content(path)
    return content, check_model(content)


def read_content(path: Path) -> bytes:
    """Read a model file.

    Raises:
        ModelFileError: it is missing, or too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_MODEL_BYTES:
        raise ModelFileError(f"is over the limit of {MAX_MODEL_BYTES // 2**20} MiB")
    return content


def check_model(content: bytes) -> dict[str, str]:
    """Check every record that leads to a tensor.

    Args:
        content: of a model file.

    Returns:
        Its metadata.

    Raises:
        ModelFileError: it is no ONNX file, refers to external data, or has operators that networks for images do not
            need.
    """
    try:
        budget, has_graph = _Budget(), False
        for number, value in _fields(memoryview(content)):
            has_graph = has_graph or number == _MODEL_GRAPH
            _check("model", number, value, 0, budget)
        if not has_graph:
            raise ValueError("no graph")
        return model_metadata(content)
    except (ValueError, IndexError) as error:
        raise ModelFileError("is not an ONNX file, or is damaged") from error


def model_metadata(content: bytes) -> dict[str, str]:
    """The metadata of a model file whose content is known, or was checked."""
    return dict(_entry(value) for number, value in _fields(memoryview(content)) if number == _MODEL_METADATA)


class _Budget:
    """Counts records, so that a file of millions of tiny ones ends soon."""

    def __init__(self) -> None:
        self.left = MAX_RECORDS

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ModelFileError(f"has more than {MAX_RECORDS:,} records")


def _check(message: str, number: int, value: memoryview | int, depth: int, budget: _Budget) -> None:
    """Refuse a field that refers to external data, and descend into one that may hold such a field."""
    budget.spend()
    if depth > MAX_DEPTH:
        raise ModelFileError(f"nests graphs deeper than {MAX_DEPTH} levels")
    if message == "tensor" and (number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and value)):
        raise ModelFileError("refers to external data in another file")
    if (message, number) in _REFUSED:
        raise ModelFileError(_REFUSED[message, number])
    if message == "node":
        _check_operator(number, value)
    child = _CHILDREN[message].get(number)
    if child:
        for inner, content in _fields(_as_bytes(value)):
            _check(child, inner, content, depth + 1, budget)
    if child == "tensor":
        _check_elements(_as_bytes(value))


def _check_operator(number: int, value: memoryview | int) -> None:
    """Refuse a field of a node that names an operator which is not known."""
    if number == _NODE_OPERATOR and (name := bytes(_as_bytes(value)).decode()) not in OPERATORS:
        raise ModelFileError(f"uses the operator {name[:40]!r}, which networks for images do not need")
    if number == _NODE_DOMAIN and bytes(_as_bytes(value)) not in _OWN_DOMAINS:
        raise ModelFileError(f"uses operators of {bytes(_as_bytes(value))[:40].decode()!r}, which are not ONNX's own")


def _check_elements(tensor: memoryview) -> None:
    """Refuse a tensor that announces more elements than its bytes can hold: at most two share a byte."""
    elements = 1
    for number, value in _fields(tensor):
        if number == _TENSOR_DIMENSIONS:
            for size in [value] if isinstance(value, int) else _varints(value):
                elements = min(elements * size, 2**63)
    if elements > max(1, 2 * len(tensor)):
        raise ModelFileError("has a tensor that announces more elements than it holds")


def _varints(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _entry(value: memoryview | int) -> tuple[str, str]:
    fields = {number: bytes(_as_bytes(field)).decode() for number, field in _fields(_as_bytes(value))}
    return fields.get(_ENTRY_KEY, ""), fields.get(_ENTRY_VALUE, "")


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
        # Other readers cut field numbers to 29 bits, and would see another field than this one.
        if not 0 < number < 2**29:
            raise ValueError("a field number out of range")
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
        if at + length > len(data):
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
