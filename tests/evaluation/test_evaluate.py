import json

import numpy as np
import pytest

from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.evaluation.evaluate import Boxes, Crop, Decision, evaluate
from smilecam.opencv import cv2


def test_the_crop_proves_itself_on_faces_in_the_wild(material):
    """GENKI-4K, none of it trained on: 509 smiles, 410 others, each picture a whole Haar box."""
    data = material / "genki4k_public"
    trained = evaluate(Decision("lenet"), data, Boxes.HAAR, Crop.TRAINED)
    whole = evaluate(Decision("lenet"), data, Boxes.HAAR, Crop.WHOLE)
    assert (trained.metrics.n, trained.metrics.smiles) == (919, 509)
    assert trained.metrics.balanced_accuracy > 0.92
    assert trained.metrics.auc > 0.97
    assert trained.metrics.auc > whole.metrics.auc + 0.005


def test_fer2013_layout(material):
    found = evaluate(Decision("lenet"), material / "fer2013_validation", Boxes.AUTO, Crop.TRAINED)
    assert found.metrics.n == 1502
    assert found.metrics.balanced_accuracy > 0.8


@pytest.fixture
def portraits_folder(tmp_path, astronaut, hopper, noise):
    for label, picture in (("smile", astronaut), ("not_smile", hopper)):
        (tmp_path / "set" / label).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "set" / label / "portrait.png"), picture)
    cv2.imwrite(str(tmp_path / "set" / "not_smile" / "noise.png"), noise)
    return tmp_path / "set"


def test_faces_that_have_to_be_found(portraits_folder):
    found = evaluate(Decision("lenet"), portraits_folder, Boxes.FIND, Crop.TRAINED)
    assert found.metrics.n == 3
    assert found.metrics.accuracy == 1
    assert found.without_face == 1


def test_figures_as_json(portraits_folder, capfd, tmp_path):
    arguments = ["evaluate", "--data", str(portraits_folder), "--boxes", "find", "--json"]
    assert call([*arguments, "-"]) == exit_codes.DONE
    out, err = capfd.readouterr()
    figures = json.loads(out)
    assert {"n", "accuracy", "balanced_accuracy", "auc", "threshold"} <= set(figures)
    assert figures["n"] == 3
    assert figures["boxes"] == "find"
    assert "balanced accuracy  1.0000" in err
    assert call([*arguments, str(tmp_path / "figures.json")]) == exit_codes.DONE
    out, err = capfd.readouterr()
    assert "accuracy" in out
    written = json.loads((tmp_path / "figures.json").read_text())
    assert {key: written[key] for key in figures if key != "commit"} == {
        k: figures[k] for k in figures if k != "commit"
    }


def test_threshold_can_be_set(portraits_folder):
    found = evaluate(Decision("lenet", threshold=0.0), portraits_folder, Boxes.FIND, Crop.TRAINED)
    assert found.metrics.threshold == 0
    assert found.metrics.false_positive_rate == 1
    assert np.isfinite(found.metrics.auc)


def test_data_that_the_model_was_trained_on_is_called_so(smiles_archive, material, capfd):
    assert call(["evaluate", "--data", str(smiles_archive)]) == exit_codes.DONE
    assert "the model was trained on this data" in capfd.readouterr().out
    found = evaluate(Decision("lenet"), material / "fer2013_validation", Boxes.AUTO, Crop.TRAINED)
    assert not found.as_dict()["seen_in_training"]


@pytest.mark.parametrize("threshold", ["nan", "2"])
def test_thresholds_that_are_none(portraits_folder, capfd, threshold):
    assert call(["evaluate", "--data", str(portraits_folder), "--threshold", threshold]) == exit_codes.USAGE


def test_no_data(capfd, tmp_path):
    assert call(["evaluate", "--data", str(tmp_path / "none")]) == exit_codes.FAILURE
    assert capfd.readouterr().err.startswith("smilecam: no data at")
