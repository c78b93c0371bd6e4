"""The scripts of examples/, each run as its docstring says, on real images and video."""

import ast
import csv
import importlib.util
import subprocess
import sys

import pytest

from smilecam import SmileDetector
from smilecam.sources.images import save_image


@pytest.fixture
def example(root, tmp_path, environment):
    """Run a script of examples/ in an empty folder; give what it prints."""

    def run(name, *arguments):
        command = [sys.executable, str(root / "examples" / name), *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_each_example_says_how_it_is_run_and_is_listed(root):
    page = (root / "docs" / "examples.md").read_text("utf-8")
    scripts = sorted((root / "examples").glob("*.py"))
    assert len(scripts) >= 7
    for script in scripts:
        docstring = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
        assert f"python examples/{script.name}" in docstring
        assert f"[{script.name}](../examples/{script.name})" in page


def test_a_folder_becomes_a_table(example, tmp_path, astronaut, hopper):
    (tmp_path / "photos").mkdir()
    save_image(tmp_path / "photos" / "astronaut.png", astronaut)
    save_image(tmp_path / "photos" / "hopper.png", hopper)
    (tmp_path / "photos" / "torn.jpg").write_bytes(b"\xff\xd8torn")
    assert "3 photos, 1 with a smile, 1 not readable" in example("folder_to_csv.py", "photos", "smiles.csv")
    with (tmp_path / "smiles.csv").open(encoding="utf-8") as file:
        rows = {row["photo"]: row for row in csv.DictReader(file)}
    assert rows["astronaut.png"]["smiling"] == "1"
    assert rows["hopper.png"]["smiling"] == "0"
    assert rows["torn.jpg"]["problem"]


def test_a_camera_is_drawn_with_opencv(example, tmp_path, clip):
    assert "20 frames" in example("webcam.py", clip, "--save", "marked.mp4")
    with SmileDetector() as detector:
        drawn = list(detector.stream(tmp_path / "marked.mp4"))
        plain = list(detector.stream(clip))
    assert len(drawn) == 20
    green = [int((item.image[..., 1].astype(int) - item.image[..., 2] > 60).sum()) for item in (drawn[5], plain[5])]
    assert green[0] > 500 > green[1]  # a circle around the smile


def test_smiles_are_counted(example):
    printed = example("smile_counter.py", "synthetic:face?seconds=8")
    assert printed.splitlines()[-1].startswith("2 smiles, 4.")


def test_several_sources_at_once(example, clip):
    lines = example("several_cameras.py", clip, "synthetic:face?seconds=4", "missing.mp4").splitlines()
    assert [line for line in lines if line.startswith(f"{clip}: ") and "smile_start, person 1" in line]
    assert [line for line in lines if line.startswith("synthetic:face?seconds=4: ") and "smile_end" in line]
    assert "missing.mp4: no file at missing.mp4" in lines


def test_results_are_read_with_pandas_and_duckdb(example, smilecam_command):
    pytest.importorskip("pandas")
    pytest.importorskip("duckdb")
    done = smilecam_command("detect", "synthetic:face?seconds=8", "--jsonl", "r.jsonl", "--csv", "r.csv")
    assert done.returncode == 0
    lines = example("read_results.py", "r.jsonl", "r.csv").splitlines()
    assert [line.split()[-1] for line in lines[1:3]] == ["2.1", "2.1"]
    assert "a face in 240 frames" in lines[-1]


def test_a_web_application_answers(root, astronaut, tmp_path):
    pytest.importorskip("starlette")
    testclient = pytest.importorskip("starlette.testclient")
    spec = importlib.util.spec_from_file_location("web_app", root / "examples" / "web_app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    save_image(tmp_path / "astronaut.png", astronaut)
    with testclient.TestClient(module.make_app("synthetic:face?seconds=4")) as client:
        answer = client.post("/smiles", content=(tmp_path / "astronaut.png").read_bytes())
        assert answer.json()["smiling"] is True
        assert len(answer.json()["faces"]) == 1
        assert client.post("/smiles", content=b"no image").status_code == 415
        assert client.post("/smiles", content=b"x" * (module.MAX_BYTES + 1)).status_code == 413
        events = client.get("/events").text
    assert events.count('"event": "smile_start"') == events.count('"event": "smile_end"') == 1


def test_an_own_network_is_trained_and_runs(example, some_smiles, tmp_path, astronaut, hopper):
    pytest.importorskip("torch")
    printed = example("own_network.py", some_smiles, "mine.onnx", "--epochs", "5")
    assert "wrote mine.onnx: SmileDetector(model='mine'" in printed
    figures = ast.literal_eval(printed.splitlines()[-1].partition(": ")[2])
    assert figures["accuracy"] > 0.75
    with SmileDetector(model=tmp_path / "mine.onnx", detector="haar") as detector:
        smiling, neutral = (detector(image).faces[0].smile for image in (astronaut, hopper))
    assert smiling > neutral
