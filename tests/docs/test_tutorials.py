"""The tutorials run from their first cell to their last, on little data, and say what they should."""

import json
import re

import pytest

nbformat = pytest.importorskip("nbformat", reason='needs the "docs" extra')
nbclient = pytest.importorskip("nbclient", reason='needs the "docs" extra')

FOR_EACH_CLASS = 12


@pytest.fixture
def tutorial(root, tmp_path, environment, monkeypatch):
    """Run a notebook in an empty folder, with variables of its own; give its texts and the number of its plots."""

    def run(name, **variables):
        for key, value in (environment | variables).items():
            monkeypatch.setenv(key, str(value))
        notebook = nbformat.read(root / "docs" / "tutorials" / f"{name}.ipynb", 4)
        resources = {"metadata": {"path": str(tmp_path)}}
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        texts = [output["text"] for output in outputs if output["output_type"] == "stream"]
        return "".join(texts), sum("image/png" in output.get("data", {}) for output in outputs)

    return run


def test_notebooks_are_kept_without_outputs(root):
    notebooks = sorted((root / "docs" / "tutorials").glob("*.ipynb"))
    assert len(notebooks) >= 3
    for path in notebooks:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert code
        assert not any(cell["outputs"] or cell["execution_count"] for cell in code), f"{path.name}: clear its outputs"


def test_a_smile_shutter_takes_each_smile(tutorial):
    printed, plots = tutorial("smile_shutter")
    assert printed.count("smile_start, person 1") == printed.count("smile_end, person 1") == 2
    assert "2 pictures" in printed
    assert plots == 3


def test_own_photos_without_any_photos(tutorial):
    printed, plots = tutorial("own_photos")
    assert "24 photos, 24 faces cropped (12 not_smile, 12 smile)" in printed
    assert "24 taken as whole photos" in printed
    assert plots == 2


def test_own_photos_with_photos(tutorial, material, tmp_path):
    photos = tmp_path / "photos"
    for name in ("smile", "not_smile"):
        (photos / name).mkdir(parents=True)
        for path in sorted((material / "genki4k_public" / name).iterdir())[:FOR_EACH_CLASS]:
            (photos / name / path.name).write_bytes(path.read_bytes())
    printed, plots = tutorial("own_photos", SMILECAM_TUTORIAL_PHOTOS=photos)
    accuracy = re.search(r"^accuracy +([.\d]+)", printed, re.MULTILINE)
    assert accuracy is not None
    assert float(accuracy[1]) > 0.8
    assert re.search(r"^slope [\d.]+, offset ", printed, re.MULTILINE)
    assert plots == 2


def test_lenet_is_trained_and_used(tutorial, some_smiles):
    pytest.importorskip("torch")
    printed, plots = tutorial("train_lenet", SMILECAM_SMILES=some_smiles, SMILECAM_TUTORIAL_EPOCHS=2)
    assert "training on 878 faces" in printed
    assert re.search(r"^ +2( +[.\d]+){5}$", printed, re.MULTILINE), "a row for the second epoch"
    assert "weight of an error on a smile: 2.56" in printed
    assert "wrote my_lenet.onnx" in printed
    assert plots == 3
