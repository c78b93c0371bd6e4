"""Model files that would hang, take all memory, or give no numbers: refused, on the real program."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason='needs the "train" extra')

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from smilecam.classification.classifier import SmileClassifier  # noqa: E402
from smilecam.classification.model_info import METADATA_KEY  # noqa: E402
from smilecam.cli import exit_codes  # noqa: E402
from smilecam.errors import ModelFileError  # noqa: E402

INFO = SmileClassifier("lenet").info
OUTPUTS = len(INFO.policy().calibration.weights)


def write(path, nodes, constants=(), sparse=(), functions=(), domains=()):
    """A network of LeNet's inputs and outputs, from ``mean``, the mean of a face, to ``log_odds``."""
    first = [
        helper.make_node("Flatten", ["faces"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["mean"], keepdims=1),
    ]
    first[1].attribute.append(helper.make_attribute("axes", [1]))
    graph = helper.make_graph(
        [*first, *nodes],
        "network",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, ["batch", OUTPUTS])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
        sparse_initializer=list(sparse),
    )
    opsets = [helper.make_opsetid(domain, 17 if domain == "" else 1) for domain in ("", *domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=list(functions))
    helper.set_model_props(model, {METADATA_KEY: INFO.to_json()})
    path.write_bytes(model.SerializeToString())
    return path


def both(name):
    """All outputs from one number for each face."""
    return helper.make_node("Concat", [name] * OUTPUTS, ["log_odds"], axis=1)


def loop():
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["go"]), helper.make_node("Identity", ["value"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, ["batch", 1]),
        ],
        [
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, ["batch", 1]),
        ],
    )
    return helper.make_node("Loop", ["", "yes", "mean"], ["end"], body=body)


def huge_constant():
    return helper.make_node("ConstantOfShape", ["shape"], ["end"])


def product(rows):
    """Two vectors whose product, which the runtime would compute while it loads, takes gigabytes."""
    nodes = [
        helper.make_node("MatMul", ["column", "row"], ["square"]),
        helper.make_node("ReduceMax", ["square"], ["top"], keepdims=0),
        helper.make_node("Add", ["mean", "top"], ["end"]),
        both("end"),
    ]
    return nodes, [("column", np.ones((rows, 1), np.float32)), ("row", np.ones((1, rows), np.float32))]


def announced(tmp_path):
    """A tensor of a terabyte without content."""
    path = write(tmp_path / "net.onnx", [helper.make_node("Add", ["mean", "c"], ["end"]), both("end")], [("c", [0.0])])
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    tensor.data_type, tensor.raw_data = TensorProto.FLOAT, b""
    tensor.dims[:] = [1_000_000, 250_000]
    path.write_bytes(model.SerializeToString())
    return path


def sparse():
    values = helper.make_tensor("c", TensorProto.FLOAT, [1], [1.0])
    return helper.make_sparse_tensor(values, helper.make_tensor("i", TensorProto.INT64, [1], [0]), [10**9])


def function():
    node = helper.make_node("Identity", ["a"], ["b"])
    return helper.make_function("own", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 17)])


def attempt(path, seconds=30):
    """Load a model in a process of its own: (exit code, standard error, peak of its memory in MiB)."""
    code = (
        "import sys, smilecam.classification.classifier as c\n"
        "from smilecam.errors import ModelFileError\n"
        "try: c.SmileClassifier(sys.argv[1])\n"
        "except ModelFileError as error: print(error, file=sys.stderr); code = 4\n"
        "else: code = 0\n"
        # Not by getrusage: that remembers the memory of the process that started this one.
        "from pathlib import Path\n"
        "status = Path('/proc/self/status')\n"
        "lines = status.read_text().splitlines() if status.exists() else []\n"
        "print(next((int(line.split()[1]) // 1024 for line in lines if line.startswith('VmHWM')), 0))\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=seconds)
    return done.returncode, done.stderr, int(done.stdout)


def test_an_honest_network_of_known_operators(tmp_path):
    path = write(tmp_path / "net.onnx", [both("mean")])
    assert SmileClassifier(path).outputs(np.ones((2, 1, 28, 28), np.float32)).tolist() == [[1] * OUTPUTS] * 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: write(folder / "net.onnx", [loop(), both("end")], [("yes", True)]), "the operator 'Loop'"),
        (
            lambda folder: write(folder / "net.onnx", [huge_constant(), both("mean")], [("shape", [60_000, 20_000])]),
            "the operator 'ConstantOfShape'",
        ),
        (lambda folder: write(folder / "net.onnx", *product(25_000)), "too much memory"),
        (announced, "more elements than it holds"),
        (lambda folder: write(folder / "net.onnx", [both("mean")], sparse=[sparse()]), "sparse constants"),
        (
            lambda folder: write(
                folder / "net.onnx",
                [helper.make_node("F", ["mean"], ["end"], domain="own"), both("end")],
                functions=[function()],
                domains=["own"],
            ),
            "the operator 'F'",
        ),
    ],
    ids=["loop", "constant", "product", "announced", "sparse", "function"],
)
def test_bombs_are_refused_before_they_burst(tmp_path, make, words):
    code, error, peak = attempt(make(tmp_path))
    assert code == exit_codes.MODEL, error
    assert words in error
    assert peak < 800


def test_a_slow_network_is_given_up(tmp_path, monkeypatch):
    from smilecam import onnx_trial

    side = 1500
    nodes = [helper.make_node("MatMul", ["square", "square"], ["s0"])]
    nodes += [helper.make_node("MatMul", [f"s{n}", "square"], [f"s{n + 1}"]) for n in range(400)]
    nodes += [helper.make_node("ReduceMax", ["s400"], ["top"], keepdims=0)]
    nodes += [helper.make_node("Add", ["mean", "top"], ["end"]), both("end")]
    path = write(tmp_path / "net.onnx", nodes, [("square", np.full((side, side), 1 / side, np.float32))])
    monkeypatch.setattr(onnx_trial, "TRIAL_SECONDS", 1.0)
    with pytest.raises(ModelFileError, match="does not classify three faces within 1 s"):
        SmileClassifier(path)


STOPPED_TRIAL = """
import time
from smilecam import onnx_trial
from smilecam.classification.classifier import SmileClassifier
onnx_trial.TRIAL_SECONDS, load = 1.0, onnx_trial._load_limited
def slow(content):
    print("loading", flush=True)
    time.sleep(0.6)
    return load(content)
onnx_trial._load_limited = slow
SmileClassifier({path!r})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_process_that_is_stopped_gives_no_network_up(tmp_path):
    write(tmp_path / "net.onnx", [helper.make_node("Identity", ["mean"], ["end"]), both("end")])
    command = [sys.executable, "-c", STOPPED_TRIAL.format(path=str(tmp_path / "net.onnx"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_numbers_that_are_none_are_an_error_and_no_result(smilecam_command, tmp_path, clip):
    """Finite for the faces that the network is tried on, and not for those of the clip."""
    nodes = [
        helper.make_node("ReduceMax", ["flat"], ["most"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["limit", "most"], ["room"]),
        helper.make_node("Log", ["room"], ["end"]),
        both("end"),
    ]
    write(tmp_path / "net.onnx", nodes, [("limit", np.float32(1.001))])
    done = smilecam_command("detect", clip, "--model", "net.onnx", "--detector", "haar", "--jsonl", "out.jsonl")
    assert done.returncode == exit_codes.MODEL, done.stdout
    assert "gives no finite number for a face" in done.stderr
    assert "nan" not in done.stdout
    assert not (tmp_path / "out.jsonl").exists()
