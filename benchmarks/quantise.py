"""The packaged network in 8 bits: what its accuracy and time become, side by side with 32 bits.

    python benchmarks/quantise.py --calibrate DATA --genki FOLDER --data DATA [--labels CSV] [--json PATH]

The network is quantised by ONNX Runtime (onnxruntime.quantization; needs the package onnx), statically in the QDQ
format with the ranges of 512 faces of --calibrate, or dynamically. Images of --genki are whole Haar boxes; --data may
be given several times, and --labels replaces the labels of the last one. Everything else, crop, doubtful faces read
three times, calibration and threshold, is as shipped. Times are of one thread, in turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from smilecam import provenance
from smilecam.classification import classifier as classifier_module
from smilecam.classification.classifier import model_path
from smilecam.evaluation.evaluate import Boxes, Crop, Decision, evaluate
from smilecam.onnx_runtime import load_network

FACES, CALLS, BATCHES = 512, 50, (1, 8)


class Enough(Exception):
    """Enough faces have been seen."""


class Collector:
    """A network that keeps its inputs."""

    def __init__(self, content: bytes) -> None:
        """Load the real one."""
        self.network, self.faces = load_network(content), []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the network has
        return getattr(self.network, name)

    def run(self, outputs: Any, inputs: dict[str, Any], *rest: Any) -> Any:  # noqa: ANN401 - ONNX Runtime's own
        """Run, and keep what went in."""
        self.faces += list(next(iter(inputs.values())))
        if len(self.faces) >= FACES:
            raise Enough
        return self.network.run(outputs, inputs, *rest)


class Faces(CalibrationDataReader):  # type: ignore[misc] - not typed
    """Collected faces, 32 at a time."""

    def __init__(self, name: str, faces: np.ndarray) -> None:
        """Begin with the first ones."""
        self.batches = iter([{name: faces[at : at + 32]} for at in range(0, len(faces), 32)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next ones."""
        return next(self.batches, None)


def collected(data: Path) -> tuple[str, np.ndarray]:
    """Name of the network's input, and faces as it sees them."""
    collector = Collector(model_path("smilenet").read_bytes())
    classifier_module.load_network = lambda _content: collector
    with suppress(Enough):
        evaluate(Decision("smilenet"), data, Boxes.AUTO, Crop.TRAINED)
    return collector.get_inputs()[0].name, np.stack(collector.faces[:FACES])


def variants(folder: Path, name: str, faces: np.ndarray) -> dict[str, Path]:
    """Name -> file of each variant."""
    whole, ready = model_path("smilenet"), folder / "ready.onnx"
    quant_pre_process(str(whole), str(ready))
    found = {"32 bits": whole}
    for method in ("MinMax", "Percentile"):
        found[f"static, {method}"] = folder / f"static-{method}.onnx"
        quantize_static(
            str(ready),
            str(found[f"static, {method}"]),
            Faces(name, faces),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[method],
        )
    found["dynamic"] = folder / "dynamic.onnx"
    quantize_dynamic(str(ready), str(found["dynamic"]), weight_type=QuantType.QUInt8)
    return found


def loaded(path: Path) -> onnxruntime.InferenceSession:
    """A session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def times(sessions: dict[str, onnxruntime.InferenceSession], faces: np.ndarray, rounds: int) -> dict[str, list[float]]:
    """Median CPU milliseconds a face, for each size of a batch."""
    spent: dict[tuple[str, int], list[float]] = {(name, count): [] for name in sessions for count in BATCHES}
    for _ in range(rounds):
        for (name, count), values in spent.items():
            run: Callable[..., Any] = sessions[name].run
            inputs = {sessions[name].get_inputs()[0].name: faces[:count]}
            run(None, inputs)
            begun = time.process_time()
            for _ in range(CALLS):
                run(None, inputs)
            values.append((time.process_time() - begun) / CALLS / count * 1000)
    return {name: [statistics.median(spent[name, count]) for count in BATCHES] for name in sessions}


def main() -> None:
    """Quantise, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calibrate", type=Path, required=True)
    parser.add_argument("--genki", type=Path, required=True)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    name, faces = collected(options.calibrate)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        files = variants(Path(folder), name, faces)
        sessions = {variant: loaded(path) for variant, path in files.items()}
        spent = times(sessions, faces, options.rounds)
        for variant, session in sessions.items():
            classifier_module.load_network = lambda _content, session=session: session
            row: dict[str, Any] = {"variant": variant, "ms": spent[variant], "bytes": files[variant].stat().st_size}
            for data in [options.genki, *options.data]:
                labels = options.labels if data == options.data[-1] else None
                boxes = Boxes.HAAR if data == options.genki else Boxes.AUTO
                metrics = evaluate(Decision("smilenet"), data, boxes, Crop.TRAINED, labels).metrics
                row[data.name] = {"n": metrics.n, "accuracy": metrics.accuracy, "auc": metrics.auc}
            rows.append(row)
            print(json.dumps(row), flush=True)
    print(f"commit {provenance.commit()}, {provenance.machine()}")
    if options.json:
        content = {"rows": rows, "commit": provenance.commit(), "machine": provenance.machine()}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
