"""Folds, teachers and calibrated exports, on small made-up faces."""

import csv
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs the "train" extra')
pytest.importorskip("onnxscript", reason='needs the "train" extra')

from smilecam.classification.classifier import SmileClassifier  # noqa: E402
from smilecam.cli import exit_codes  # noqa: E402
from smilecam.cli.main import call  # noqa: E402
from smilecam.evaluation.predictions import read_predictions  # noqa: E402
from smilecam.opencv import cv2  # noqa: E402

TEACHER = """
description = "tiny"
[model]
name = "smilenet"
widths = [4, 8, 8]
dropout = 0.0
[input]
size = 24
normalization = "standardize"
[optimizer]
learning_rate = 0.01
weight_decay = 0.01
schedule = "one_cycle"
average_decay = 0.9
[training]
epochs = 4
batch_size = 16
validation_share = 0.25
class_weights = true
label_smoothing = 0.05
policies = 2
repeat = 2
precision = "bfloat16"
[augmentation]
translation = 0.03
rotation = 5.0
scale = 0.05
flip = 0.5
brightness = 10.0
contrast = 0.1
degrade = 0.1
"""
STUDENT = TEACHER.replace("repeat = 2", "repeat = 2\ndistillation = 0.5")


def write_faces(folder, counts, seed):
    """A smile is a bright bar in the lower half; the labels of ``folder`` name the classes."""
    rng = np.random.default_rng(seed)
    for (label, smiles), count in counts.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            picture = rng.integers(60, 140, (64, 64)).astype(np.uint8)
            if smiles:
                row = rng.integers(40, 52)
                picture[row : row + 4, 16:48] = 230
            cv2.imwrite(str(folder / label / f"{seed}-{number}.png"), picture)
    return folder


@pytest.fixture(scope="module")
def material_folder(tmp_path_factory):
    """A data set, an extra one, one to calibrate on, and the two recipes."""
    folder = tmp_path_factory.mktemp("folds")
    write_faces(folder / "faces", {("smile", True): 30, ("not_smile", False): 60}, 1)
    write_faces(folder / "extra", {("happy", True): 20, ("sad", False): 30}, 2)
    write_faces(folder / "fresh", {("smile", True): 20, ("not_smile", False): 30}, 3)
    (folder / "teacher.toml").write_text(TEACHER)
    (folder / "student.toml").write_text(STUDENT)
    return folder


def train(folder, recipe, out, *more):
    options = ["--data", folder / "faces", "--extra", folder / "extra", "--device", "cpu"]
    return call(["train", "--recipe", str(folder / f"{recipe}.toml"), "--out", str(out), *map(str, options), *more])


@pytest.fixture(scope="module")
def teachers(material_folder):
    out = material_folder / "teachers"
    assert train(material_folder, "teacher", out, "--folds", "3", "--fold", "1") == exit_codes.DONE
    assert [path.name for path in out.iterdir()] == ["seed0-fold1"]
    assert train(material_folder, "teacher", out, "--folds", "3") == exit_codes.DONE
    return out


@pytest.fixture(scope="module")
def students(material_folder, teachers):
    out = material_folder / "students"
    options = ("--folds", "3", "--teacher", str(teachers))
    assert train(material_folder, "student", out, *options) == exit_codes.DONE
    return out


def test_every_face_is_held_out_once(teachers):
    folds = [read_predictions(path) for path in sorted(teachers.glob("*/predictions.csv"))]
    names = [name for fold in folds for name in fold.names]
    assert len(names) == len(set(names)) == 90
    assert [int(fold.labels.sum()) for fold in folds] == [10, 10, 10]
    assert folds[0].logits.shape == (30, 2)


def test_each_student_has_the_teacher_of_its_own_fold(students):
    for fold in range(3):
        config = json.loads((students / f"seed0-fold{fold}" / "config.json").read_text())
        assert config["fold"] == {"number": fold, "count": 3}
        assert config["teachers"][0]["recipe"]["name"] == "teacher"
        assert config["class_weights"] == [[1.0, 2.0], [1.0, 1.5]]


def test_a_teacher_that_saw_the_held_out_faces_is_refused(material_folder, teachers, tmp_path, capfd):
    options = ("--folds", "3", "--fold", "0", "--teacher", str(teachers / "seed0-fold1"))
    assert train(material_folder, "student", tmp_path / "run", *options) == exit_codes.FAILURE
    assert "may have seen the ones here" in capfd.readouterr().err


def test_a_refused_run_leaves_nothing_behind(material_folder, teachers, tmp_path, capfd):
    options = ("--folds", "3", "--fold", "0")
    assert train(material_folder, "student", tmp_path / "run", *options) == exit_codes.FAILURE
    options = (*options, "--teacher", str(teachers), "--epochs", "1")
    assert train(material_folder, "student", tmp_path / "run", *options) == exit_codes.DONE


def test_finished_folds_of_other_settings_are_refused(material_folder, teachers, capfd):
    cases = ((("--epochs", "1"), "recipe"), (("--variant", "raw"), "view"), (("--folds", "4"), "fold"))
    for options, what in (*cases, (("--view", "raw"), "view")):
        folds = () if "--folds" in options else ("--folds", "3")
        assert train(material_folder, "teacher", teachers, *folds, *options) == exit_codes.FAILURE
        assert f"was trained with other settings: {what}" in capfd.readouterr().err


@pytest.mark.parametrize(("recipe", "options"), [("student", ()), ("teacher", ("--teacher", "{teachers}/seed0-fold0"))])
def test_teachers_and_distillation_go_together(material_folder, teachers, tmp_path, capfd, recipe, options):
    options = [option.format(teachers=teachers) for option in options]
    assert train(material_folder, recipe, tmp_path / "run", *options) == exit_codes.FAILURE
    assert "a teacher needs a recipe with a share of distillation" in capfd.readouterr().err


def test_two_policies_need_extra_data(material_folder, tmp_path, capfd):
    command = ["train", "--recipe", str(material_folder / "teacher.toml"), "--data", str(material_folder / "faces")]
    assert call([*command, "--out", str(tmp_path / "run"), "--device", "cpu"]) == exit_codes.FAILURE
    assert "name some with --extra" in capfd.readouterr().err


def test_finished_folds_are_kept(material_folder, teachers, capfd):
    before = {path: path.stat().st_mtime_ns for path in teachers.glob("*/checkpoint.npz")}
    assert train(material_folder, "teacher", teachers, "--folds", "3") == exit_codes.DONE
    assert capfd.readouterr().out.count("is finished") == 3
    assert before == {path: path.stat().st_mtime_ns for path in teachers.glob("*/checkpoint.npz")}


@pytest.mark.parametrize("options", [("--seeds", "2"), ("--fold", "0"), ("--folds", "3", "--fold", "3")])
def test_options_of_folds_that_make_no_sense(material_folder, tmp_path, options):
    assert train(material_folder, "teacher", tmp_path / "run", *options) == exit_codes.USAGE


def test_export_calibrates_policies(material_folder, students, tmp_path, capfd):
    model = tmp_path / "model.onnx"
    command = ["export", str(students / "seed0-fold0"), "--output", str(model)]
    policies = [f"both={students},{material_folder / 'fresh'}", f"own={students}"]
    assert call([*command, "--calibrate", policies[0], "--calibrate", policies[1]]) == exit_codes.DONE
    assert "policy both: thresholds balanced" in capfd.readouterr().out
    info = SmileClassifier(model).info
    assert list(info.policies) == ["both", "own"]
    both, own = info.policies.values()
    assert both.calibration.weights[0] == both.calibration.weights[1]
    assert own.calibration.weights[0] != own.calibration.weights[1]
    assert "n 90 out of fold and fresh, n 50" in both.source
    assert str(tmp_path) not in info.to_json()
    assert info.training["teachers"][0]["seed"] == 0


def test_export_takes_labels_and_shares_for_one_policy(material_folder, students, tmp_path, capfd):
    model, labels = tmp_path / "model.onnx", tmp_path / "second.csv"
    command = ["export", str(students / "seed0-fold0"), "--output", str(model)]
    predictions = [row for fold in range(3) for row in _rows(students / f"seed0-fold{fold}" / "predictions.csv")]
    kept = [f"{name},{label}" for name, label in predictions[::2]]
    labels.write_text("\n".join(["file,smile", *kept]) + "\n")
    both = f"both={students},{material_folder / 'fresh'},{labels}"
    own = f"own={students}"
    assert call([*command, "--calibrate", both, "--mean", "both=1,3", "--calibrate", own]) == exit_codes.DONE
    policies = SmileClassifier(model).info.policies
    assert policies["both"].calibration.weights[1] == pytest.approx(
        3 * policies["both"].calibration.weights[0], abs=1e-5
    )
    assert f"with the labels of second.csv, n {len(kept)} out of fold" in policies["both"].source
    assert "n 90 out of fold" in policies["own"].source
    for mean, code in (
        ("both=1,x", exit_codes.USAGE),
        ("both=1,-1", exit_codes.USAGE),
        ("both=", exit_codes.USAGE),
        ("other=1,1", exit_codes.USAGE),
        ("both=1,1,1", exit_codes.FAILURE),
    ):
        assert call([*command, "--calibrate", both, "--mean", mean]) == code, mean


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["name"], row["label"]) for row in csv.DictReader(file)]


def test_calibration_on_what_was_trained_on(material_folder, students, tmp_path, capfd):
    command = ["export", str(students / "seed0-fold0"), "--output", str(tmp_path / "x.onnx")]
    assert call([*command, "--calibrate", f"a={material_folder / 'faces'}"]) == exit_codes.FAILURE
    assert "was trained on" in capfd.readouterr().err
    assert call([*command, "--calibrate", f"a={students}", "--calibrate", f"a={students}"]) == exit_codes.USAGE


def test_model_options_say_nothing_about_folds(material_folder, students):
    command = ["evaluate", "--cross-validation", str(students), "--data", str(material_folder / "faces")]
    for options in (["--threshold", "0.3"], ["--policy", "strict"], ["--model", "lenet"], ["--boxes", "haar"]):
        assert call([*command, *options]) == exit_codes.USAGE


def test_resumed_student_equals_an_uninterrupted_one(material_folder, teachers, tmp_path, monkeypatch):
    """With a teacher, two outputs and bfloat16, stopped in its third epoch."""
    from smilecam.training import engine

    options = ("--folds", "3", "--fold", "0", "--teacher", str(teachers))
    assert train(material_folder, "student", tmp_path / "whole", *options) == exit_codes.DONE
    once, calls = engine.batch_loss, iter(range(1_000_000))

    def interrupt_later(*arguments):
        if next(calls) == 25:  # 11 batches an epoch
            raise KeyboardInterrupt
        return once(*arguments)

    monkeypatch.setattr(engine, "batch_loss", interrupt_later)
    assert train(material_folder, "student", tmp_path / "stopped", *options) == exit_codes.INTERRUPTED
    monkeypatch.setattr(engine, "batch_loss", once)
    assert train(material_folder, "student", tmp_path / "stopped", *options) == exit_codes.DONE
    files = [tmp_path / name / "seed0-fold0" / "checkpoint.npz" for name in ("whole", "stopped")]
    with np.load(files[0]) as one, np.load(files[1]) as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


@pytest.mark.parametrize("text", ["x", "=x", "x=", "x=a,,b"])
def test_calibration_without_name_or_path(students, tmp_path, text):
    command = ["export", str(students / "seed0-fold0"), "--output", str(tmp_path / "x.onnx"), "--calibrate", text]
    assert call(command) == exit_codes.USAGE


def test_export_refuses_folds_of_another_recipe(teachers, students, tmp_path, capfd):
    command = ["export", str(students / "seed0-fold0"), "--output", str(tmp_path / "x.onnx")]
    assert call([*command, "--calibrate", f"own={teachers}"]) == exit_codes.FAILURE
    assert "another recipe" in capfd.readouterr().err


def test_figures_over_the_folds(material_folder, students, tmp_path, capfd):
    pytest.importorskip("matplotlib")
    figures, page = tmp_path / "figures.json", tmp_path / "page.html"
    command = ["evaluate", "--cross-validation", str(students), "--data", str(material_folder / "faces")]
    assert call([*command, "--json", str(figures), "--report", str(page)]) == exit_codes.DONE
    assert "3 networks, 1 x 3 folds of 90 faces" in capfd.readouterr().out
    content = json.loads(figures.read_text())
    written = json.loads((students / "cross_validation.json").read_text())  # by train --folds
    assert {key: content[key] for key in written} == written
    assert set(content["figures"]) == {"at 0.5", "balanced", "accuracy", "precision"}
    spread = content["figures"]["balanced"]["auc"]
    assert spread["low"] <= spread["mean"] <= spread["high"]
    assert spread["n"] == 3
    assert len(content["runs"]) == 3
    assert page.read_text().startswith("<!doctype html>")


def test_label_issues(material_folder, students, tmp_path, capfd):
    for option in ("--label-issues", "--suspects"):
        command = ["data", "audit", "--data", str(material_folder / "faces"), option, str(students)]
        assert call([*command, "--out", str(tmp_path / option)]) == exit_codes.DONE
        assert "labels that look wrong:" in capfd.readouterr().out
        assert (tmp_path / option / "label_issues.csv").read_text().startswith("name,label,probability\n")


def test_folds_that_are_missing(material_folder, students, tmp_path, capfd):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(students, copy)
    (copy / "seed0-fold1" / "predictions.csv").unlink()
    command = ["evaluate", "--data", str(material_folder / "faces"), "--cross-validation"]
    assert call([*command, str(copy)]) == exit_codes.FAILURE
    assert "fold 1 is not finished" in capfd.readouterr().err
    assert call([*command, str(tmp_path)]) == exit_codes.FAILURE
    assert "does not hold the finished folds" in capfd.readouterr().err
