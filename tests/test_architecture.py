"""The import directions of the house, and what importing it costs."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import smilecam

ROOT = Path(smilecam.__file__).parent

# Room -> the rooms of smilecam that it may import from.
ALLOWED = {
    "types": set(),
    "errors": set(),
    "config": set(),
    "opencv": set(),
    "interrupts": set(),
    "storage": {"errors"},
    "download": {"errors"},
    "detector_files": {"errors", "config", "storage", "download", "vision"},
    "provenance": set(),
    "vision": {"types", "errors", "config", "opencv", "vision"},
    "video": {"types", "errors", "config", "opencv", "storage", "video"},
    "stream": {"types", "errors", "config", "vision", "video", "stream"},
    "outputs": {"types", "errors", "storage", "video", "stream", "outputs"},
    "pipeline": {"types", "errors", "config", "detector_files", "vision", "video", "stream"},
    "session": {"types", "errors", "pipeline", "outputs", "video", "stream"},
    "web": {
        "types",
        "errors",
        "config",
        "opencv",
        "detector_files",
        "vision",
        "video",
        "stream",
        "outputs",
        "pipeline",
        "session",
        "web",
    },
    "data": {"types", "errors", "config", "opencv", "storage", "download", "vision", "data"},
    "evaluation": {"types", "errors", "config", "opencv", "storage", "provenance", "vision", "data", "evaluation"},
    "training": {"types", "errors", "config", "storage", "provenance", "vision", "data", "evaluation", "training"},
}
# What stands above everything may import from everywhere.
TOP = {"cli", "demo", "watching", "__init__", "__main__"}
# Outside package -> the rooms that name it.
HOMES = {
    "cv2": {"opencv"},
    "onnxruntime": {"vision"},
    "av": {"video"},
    "onnx": {"training"},
    "torch": {"training"},
    "matplotlib": {"training", "evaluation", "demo"},
    "skimage": {"demo"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "tqdm": {"cli"},
    "click": {"cli"},
}


def imports():
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((parts[0], alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.level == 0, f"{path} imports relatively"
                if node.module == "smilecam":
                    yield from ((parts[0], f"smilecam.{alias.name}") for alias in node.names)
                else:
                    yield parts[0], node.module


def test_imports_run_one_way():
    wrong = [
        (room, target)
        for room, target in imports()
        if room not in TOP and target.startswith("smilecam.") and target.split(".")[1] not in ALLOWED[room]
    ]
    assert wrong == []


def test_outside_packages_live_in_their_rooms():
    wrong = [
        (room, target)
        for room, target in imports()
        if target.split(".")[0] in HOMES and room not in HOMES[target.split(".")[0]]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "statement", ["import smilecam", "import smilecam; smilecam.SmileDetector()", "import smilecam.cli"]
)
def test_run_time_needs_no_training_packages(statement):
    heavy = ("torch", "onnx", "matplotlib", "skimage")
    code = f"{statement}\nimport sys\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_import_of_the_package_is_light():
    code = "import sys, smilecam; print([m for m in ('numpy', 'cv2', 'onnxruntime', 'click') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError):
        smilecam.nothing  # noqa: B018


def test_version_is_the_package_version():
    from importlib.metadata import version

    assert smilecam.__version__ == version("smilecam")


def test_loading_opencv_leaves_the_environment_as_it_was():
    code = "import os, smilecam.opencv; print(not [name for name in os.environ if name.startswith('OPENCV')])"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean)
    assert done.stdout.strip() == "True"


def test_reading_a_face_leaves_nothing_in_the_temporary_folder(tmp_path):
    # ONNX Runtime's reporting library would leave a file there.
    code = "import numpy, smilecam; smilecam.SmileDetector()(numpy.zeros((64, 64, 3), 'uint8'))"
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    folders = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path))
    subprocess.run([sys.executable, "-c", code], check=True, env=clean | folders)
    assert list(tmp_path.iterdir()) == []
