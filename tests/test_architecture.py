"""The import directions of the house, and what importing it costs."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import smilecam

ROOT = Path(smilecam.__file__).parent

# Room -> the rooms of smilecam that it may import from; its own modules it may always.
VALUES = {"types", "errors", "presets"}
ALLOWED = {
    "types": set(),
    "installation": set(),
    "errors": {"installation"},
    "presets": set(),
    "opencv": set(),
    "gif": set(),
    "interrupts": set(),
    "provenance": set(),
    "output_lock": {"errors"},
    "html_page": set(),
    "storage": {"errors", "output_lock"},
    "download": {"errors", "timed_http"},
    "timed_http": set(),
    "onnx_runtime": {"errors", "opencv", "types"},
    "geometry": {"types"},
    "label_layout": {"types"},
    "drawing": {"types", "opencv", "label_layout"},
    "results": {"types", "drawing"},
    "sources": VALUES | {"opencv", "gif", "storage", "timed_http"},
    "onnx_trial": {"errors", "onnx_runtime", "types"},
    "classification": VALUES | {"opencv", "onnx_runtime", "onnx_trial"},
    "detection": VALUES | {"opencv", "onnx_runtime", "geometry", "storage", "download", "classification"},
    "tracking": {"types", "geometry", "results", "detection"},
    "sinks": {"types", "errors", "opencv", "storage", "drawing", "results", "sources"},
    "notify": {"types", "errors", "interrupts", "results", "sources", "sinks", "timed_http"},
    "pipeline": VALUES | {"results", "sources", "detection", "classification", "tracking", "sinks"},
    "scan": VALUES
    | {"opencv", "storage", "sources", "classification", "tracking", "sinks", "pipeline", "results", "provenance"},
    "review": VALUES
    | {"opencv", "storage", "html_page", "drawing", "results", "sources", "detection", "sinks", "pipeline"},
    "server": VALUES
    | {"opencv", "output_lock", "results", "sources", "detection", "classification", "tracking", "sinks", "pipeline"},
    "data": VALUES | {"opencv", "gif", "storage", "download", "classification", "detection"},
    "evaluation": VALUES | {"opencv", "storage", "html_page", "provenance", "classification", "detection", "data"},
    "training": VALUES | {"storage", "provenance", "classification", "data", "evaluation"},
}
# What stands above everything may import from everywhere.
TOP = {"cli", "demo", "doctor", "process", "__init__", "__main__"}
# Outside package -> the rooms that name it.
HOMES = {
    "cv2": {"opencv"},
    "onnxruntime": {"onnx_runtime"},
    "av": {"sources", "sinks"},
    "pillow_heif": {"sources"},
    "onnx": {"training"},
    "torch": {"training"},
    "matplotlib": {"training", "evaluation", "demo"},
    "skimage": {"demo"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "prometheus_client": {"server"},
    "tqdm": {"cli"},
    "platformdirs": {"storage"},
    "psutil": {"server"},
    "click": {"cli"},
    "paho": {"notify"},
    "pyarrow": {"scan", "review"},
    "fsspec": {"scan"},
    "ray": {"scan"},
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


def module_name(path):
    return ".".join(("smilecam", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def run_time_imports(path):
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in typing_only:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_run_one_way():
    wrong = [
        (room, target)
        for room, target in imports()
        if room not in TOP and target.startswith("smilecam.") and target.split(".")[1] not in {room, *ALLOWED[room]}
    ]
    assert wrong == []


def test_no_two_rooms_import_each_other():
    """The table above has an order in which each room imports only from rooms before it."""
    assert list(TopologicalSorter(ALLOWED).static_order())


def test_no_two_modules_import_each_other():
    """Also inside a room, and by imports inside functions; what only type checkers see is left out."""
    imported = {module_name(path): set(run_time_imports(path)) for path in ROOT.rglob("*.py")}
    graph = {name: {target for target in targets if target in imported} for name, targets in imported.items()}
    assert list(TopologicalSorter(graph).static_order())


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


@pytest.mark.parametrize(
    "name",
    [
        "av",
        "concurrent.futures",
        "importlib.resources",
        "smilecam.onnx_trial",
        "smilecam.pipeline.run",
        "smilecam.sources.open",
        "smilecam.tracking.online",
    ],
)
def test_the_first_photo_needs_only_what_photos_need(name, after_a_photo):
    assert name not in after_a_photo


@pytest.fixture(scope="module")
def after_a_photo():
    """The modules that reading one photo imports, without those of NumPy, OpenCV and ONNX Runtime."""
    code = (
        "import sys, numpy, cv2, onnxruntime\nlibraries = set(sys.modules)\n"
        "import smilecam; smilecam.load_image; smilecam.SmileDetector()(numpy.zeros((64, 64, 3), 'uint8'))\n"
        "print(*sys.modules.keys() - libraries)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"},
    )
    modules = done.stdout.split()
    assert "smilecam.pipeline.detector" in modules
    return modules


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
