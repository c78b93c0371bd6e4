"""ONNX Runtime as smilecam loads it: one network in memory per content, and no say in the host's telemetry."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from smilecam import onnx_runtime
from smilecam.classification.classifier import SmileClassifier, model_path
from smilecam.detection.detector_settings import YUNET_FOR_IMAGES
from smilecam.detection.yunet import YuNetDetector
from smilecam.errors import ModelFileError
from smilecam.onnx_runtime import load_network

FAKE = """
import os
seen = os.environ.get("ORT_DISABLE_TELEMETRY")
calls = 0

def disable_telemetry_events():
    global calls
    calls += 1
"""


@pytest.fixture
def made(monkeypatch):
    """The content lengths of the networks that were really loaded; none is in memory at the start."""
    gc.collect()
    monkeypatch.setattr(onnx_runtime, "_loaded", type(onnx_runtime._loaded)())
    lengths, load = [], onnx_runtime._load
    monkeypatch.setattr(onnx_runtime, "_load", lambda content: lengths.append(len(content)) or load(content))
    return lengths


def test_models_of_one_content_share_a_network(made):
    classifiers = [SmileClassifier("smilenet"), SmileClassifier("smilenet", "strict"), SmileClassifier("lenet")]
    assert len(made) == 2
    faces = np.random.default_rng(0).normal(size=(4, 1, 64, 64)).astype(np.float32)
    assert np.array_equal(classifiers[0].outputs(faces), classifiers[1].outputs(faces))
    assert not np.array_equal(classifiers[0](faces), classifiers[1](faces))


def test_detectors_of_one_file_share_a_network(made, yunet_model):
    _detectors = [YuNetDetector(yunet_model), YuNetDetector(yunet_model, YUNET_FOR_IMAGES)]
    assert len(made) == 1


def test_threads_that_load_at_once_share_a_network(made):
    content, networks = model_path("smilenet").read_bytes(), []
    threads = [threading.Thread(target=lambda: networks.append(load_network(content))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(map(id, networks))) == 1


def test_a_network_that_nobody_uses_is_freed(made):
    content = model_path("smilenet").read_bytes()
    load_network(content)
    gc.collect()
    assert len(onnx_runtime._loaded) == 0
    load_network(content)
    assert len(made) == 2


def test_a_failure_is_not_kept(made):
    for _ in range(2):
        with pytest.raises(ModelFileError):
            load_network(b"no network")
    assert len(made) == 2
    assert len(onnx_runtime._loaded) == 0


@pytest.mark.parametrize(
    ("variable", "imported", "seen", "calls"),
    [
        (None, False, "1", 1),  # smilecam's own choice
        (None, True, None, 0),  # the host has imported it
        ("0", False, "0", 0),  # the host or the user has set the variable
        ("1", False, "1", 0),
    ],
)
def test_telemetry_is_the_hosts_choice(tmp_path, variable, imported, seen, calls):
    (tmp_path / "onnxruntime.py").write_text(FAKE)
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    if variable is not None:
        environment["ORT_DISABLE_TELEMETRY"] = variable
    code = (
        f"import os, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        f"{'import onnxruntime' if imported else ''}\n"
        "import smilecam.onnx_runtime, onnxruntime\n"
        "print(repr((onnxruntime.seen, onnxruntime.calls, os.environ.get('ORT_DISABLE_TELEMETRY'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == repr((seen, calls, variable))
