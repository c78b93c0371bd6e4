"""An output for each extra data set, and soft labels from files, on small made-up faces."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs the "train" extra')
pytest.importorskip("onnxscript", reason='needs the "train" extra')

from smilecam.classification.classifier import SmileClassifier  # noqa: E402
from smilecam.cli import exit_codes  # noqa: E402
from smilecam.cli.main import call  # noqa: E402
from smilecam.data.splits import Variant  # noqa: E402
from smilecam.errors import DataError  # noqa: E402
from smilecam.evaluation.predictions import read_predictions  # noqa: E402
from smilecam.opencv import cv2  # noqa: E402
from smilecam.training import engine  # noqa: E402
from smilecam.training.recipe import load_recipe  # noqa: E402
from smilecam.training.settings import RunSettings  # noqa: E402
from smilecam.training.split import load_split  # noqa: E402

RECIPE = """
description = "tiny"
[model]
name = "{model}"
{widths}
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
epochs = 2
batch_size = 16
validation_share = 0.25
class_weights = true
label_smoothing = 0.05
policies = {policies}
repeat = 2
"""


def write_faces(folder, counts, seed, size=64):
    """A smile is a bright bar in the lower half."""
    rng = np.random.default_rng(seed)
    for (label, smiles), count in counts.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            picture = rng.integers(60, 140, (size, size)).astype(np.uint8)
            if smiles:
                picture[size // 2 : size // 2 + 5, size // 4 : -size // 4] = 230
            cv2.imwrite(str(folder / label / f"{number}.png"), picture)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A data set, two extra ones, one of them indexed, and label files for two of them."""
    folder = tmp_path_factory.mktemp("outputs")
    write_faces(folder / "faces", {("smile", True): 24, ("not_smile", False): 40}, 1)
    write_faces(folder / "extra", {("happy", True): 20, ("sad", False): 30}, 2)
    write_faces(folder / "indexed", {("set", True): 15}, 3, 96)
    rows = [f"set/{number}.png,{number % 2},{number}" for number in range(15)]
    (folder / "indexed" / "set" / "index.csv").write_text("\n".join(["file,smile,identity", *rows]) + "\n")
    shares = [f"happy/{number}.png,{number / 20}" for number in range(20)]
    (folder / "shares.csv").write_text("\n".join(["member,smile", *shares, "sad/0.png,"]) + "\n")
    left_out = [f"not_smile/{number}.png," for number in range(40) if number % 4 == 0]
    (folder / "left_out.csv").write_text("\n".join(["member,smile", *left_out]) + "\n")
    for name, model, widths, policies in (
        ("three", "smilenet", "widths = [4, 8, 8]", 3),
        ("lenet", "lenet", "batch_norm = true", 3),
        ("two", "smilenet", "widths = [4, 8, 8]", 2),
        ("each", "smilenet", "widths = [4, 8, 8]", 0),
    ):
        (folder / f"{name}.toml").write_text(RECIPE.format(model=model, widths=widths, policies=policies))
    return folder


def split_of(sets, recipe, extra=("extra", "indexed"), labels=()):
    settings = RunSettings(
        recipe=load_recipe(str(sets / f"{recipe}.toml")),
        data=sets / "faces",
        extra=tuple(sets / name for name in extra),
        variant=Variant.CLEAN,
        seed=0,
        out=sets / "unused",
        resume=False,
        labels=tuple(sets / name for name in labels),
    )
    return load_split(settings)


@pytest.mark.parametrize(("recipe", "counts"), [("three", [48, 50, 15]), ("two", [48, 65])])
def test_each_extra_set_has_its_output_and_the_last_takes_the_rest(sets, recipe, counts):
    examples = split_of(sets, recipe).training
    assert np.bincount(examples.policies).tolist() == counts
    assert examples.repeats.tolist() == [2] * 48 + [1] * 65
    assert examples.faces.soft_labels is None


def test_label_files_change_the_targets_of_training_alone(sets):
    plain = split_of(sets, "three")
    split = split_of(sets, "three", labels=("left_out.csv", "shares.csv"))
    assert split.validation.names == plain.validation.names
    assert np.array_equal(split.validation.labels, plain.validation.labels)
    faces = split.training.faces
    held_out = sum(int(name.split("/")[1][:-4]) % 4 == 0 for name in split.validation.names if "not_" in name)
    assert len(faces) == 48 - (10 - held_out) + 49 + 15
    assert not np.isnan(faces.soft_labels).any()
    target_of = dict(zip(faces.names, faces.soft_labels, strict=True))
    assert target_of["happy/5.png"] == pytest.approx(0.25)
    assert "sad/0.png" not in target_of
    sources = split.description["sources"]
    assert [source.get("labels", {}).get("name") for source in sources] == ["left_out.csv", "shares.csv", None]
    assert sources[1]["labels"]["left_out"] == 1
    assert sources[1]["content_digest"] == plain.description["sources"][1]["content_digest"]


def test_both_labellings_of_one_data_set(sets):
    split = split_of(sets, "two", ("faces",), ("left_out.csv",))
    faces, policies = split.training.faces, split.training.policies
    assert not set(faces.names) & set(split.validation.names)
    assert np.bincount(policies)[0] == 48
    own, second = (
        {name for name, policy in zip(faces.names, policies, strict=True) if policy == which} for which in (0, 1)
    )
    assert second == {name for name in own if "not_" not in name or int(name.split("/")[1][:-4]) % 4}


@pytest.mark.parametrize(
    ("extra", "labels", "words"),
    [
        (("indexed", "indexed"), ("shares.csv",), "names images of no data set"),
        (("extra", "extra"), ("shares.csv",), "names images of .*extra and .*extra"),
        (("extra", "indexed"), ("shares.csv", "shares.csv"), "more than one label file"),
    ],
)
def test_label_files_that_fit_nothing(sets, extra, labels, words):
    with pytest.raises(DataError, match=words):
        split_of(sets, "three", extra, labels)


def test_too_few_extra_sets(sets, tmp_path, capfd):
    command = ["train", "--recipe", str(sets / "three.toml"), "--data", str(sets / "faces"), "--device", "cpu"]
    assert call([*command, "--extra", str(sets / "extra"), "--out", str(tmp_path / "run")]) == exit_codes.FAILURE
    assert "2 extra data sets: name as many with --extra" in capfd.readouterr().err


def test_loss_against_a_soft_label():
    """A target of .25 is a quarter of a smile and three quarters of none, class weights included."""
    import dataclasses

    settings = dataclasses.replace(load_recipe("classic").training, label_smoothing=0.0)
    logits, weights = torch.tensor([[0.7]]), torch.tensor([[1.0, 3.0]])

    def loss(soft, label=0, weights=None):
        zero = torch.tensor([0])
        batch = engine.Batch(None, torch.tensor([label]), zero, None, None if soft is None else torch.tensor([soft]))
        return float(engine.batch_loss(logits, batch, weights, settings))

    assert loss(0.25) == pytest.approx(0.25 * loss(None, 1) + 0.75 * loss(None, 0), rel=1e-5)
    assert loss(1.0, 0, weights) == pytest.approx(loss(None, 1, weights), rel=1e-6)
    assert loss(0.25, 1, weights) == pytest.approx(loss(0.25) * (0.25 * 3 + 0.75), rel=1e-5)


@pytest.mark.parametrize("recipe", ["three", "lenet"])
def test_three_outputs_from_training_to_the_exported_file(sets, tmp_path, recipe, capfd):
    options = ["--data", sets / "faces", "--extra", sets / "extra", "--extra", sets / "indexed", "--device", "cpu"]
    options += ["--labels", sets / "shares.csv", "--recipe", sets / f"{recipe}.toml", "--out", tmp_path / "runs"]
    command = ["train", *map(str, options), "--folds", "2"]
    assert call(command) == exit_codes.DONE
    run = tmp_path / "runs" / "seed0-fold0"
    assert read_predictions(run / "predictions.csv").logits.shape[1] == 3
    config = json.loads((run / "config.json").read_text())
    assert config["class_weights"][1:] == [[1.0, 1.45], [1.0, 1.142857]]
    without = [option for option in command if option not in ("--labels", str(sets / "shares.csv"))]
    assert call(without) == exit_codes.FAILURE
    assert "other settings: labels" in capfd.readouterr().err
    model = tmp_path / "x.onnx"

    policy = f"own={tmp_path / 'runs'}"
    assert call(["export", str(run), "--output", str(model), "--calibrate", policy]) == exit_codes.DONE
    info = SmileClassifier(model).info
    assert len(set(info.policies["own"].calibration.weights)) == 3
    assert info.training["data"]["sources"][1]["labels"]["name"] == "shares.csv"


def test_evaluation_against_a_label_file(sets, tmp_path, capfd):
    path, figures = tmp_path / "labels.csv", tmp_path / "figures.json"
    rows = [f"happy/{number}.png,0" for number in range(20)] + [f"sad/{number}.png,1" for number in range(5)]
    path.write_text("\n".join(["member,smile", *rows]) + "\n")
    command = ["evaluate", "--data", str(sets / "extra"), "--json", str(figures)]
    assert call(command) == exit_codes.DONE
    published = json.loads(figures.read_text())
    assert call([*command, "--labels", str(path)]) == exit_codes.DONE
    found = json.loads(figures.read_text())
    assert (published["n"], published["smiles"]) == (50, 20)
    assert (found["n"], found["smiles"]) == (25, 5)
    assert found["data"] == published["data"]
    assert found["labels"]["name"] == "labels.csv"
    assert "labels" not in published
    path.write_text("member,smile\nhappy/1.png,1\n")
    assert call([*command, "--labels", str(path)]) == exit_codes.FAILURE
    assert "does not name images of both classes" in capfd.readouterr().err


def test_calibration_on_a_label_file(sets, tmp_path, capfd):
    out, model, path = tmp_path / "run", tmp_path / "x.onnx", tmp_path / "labels.csv"
    write_faces(tmp_path / "fresh", {("happy", True): 12, ("sad", False): 12}, 4)
    command = ["train", "--data", str(sets / "faces"), "--extra", str(sets / "extra"), "--device", "cpu"]
    assert call([*command, "--recipe", str(sets / "two.toml"), "--out", str(out)]) == exit_codes.DONE
    rows = [f"happy/{number}.png,{number % 2}" for number in range(12)] + ["sad/1.png,0"]
    path.write_text("\n".join(["member,smile", *rows]) + "\n")
    command = ["export", str(out), "--output", str(model), "--calibrate", f"a={tmp_path / 'fresh'}"]
    assert call([*command, "--labels", str(path)]) == exit_codes.DONE
    assert "fitted on fresh with the labels of labels.csv, n 13, content digest" in capfd.readouterr().out
    path.write_text("member,smile\nhappy/1.png,1\n")
    assert call([*command, "--labels", str(path)]) == exit_codes.FAILURE
    assert "does not name images of both classes" in capfd.readouterr().err


@pytest.mark.parametrize(("extra", "outputs"), [((), 1), (("extra",), 2), (("extra", "indexed"), 3)])
def test_an_output_for_each_data_set_that_there_is(sets, tmp_path, extra, outputs):
    command = ["train", "--recipe", str(sets / "each.toml"), "--data", str(sets / "faces"), "--device", "cpu"]
    command += [word for name in extra for word in ("--extra", str(sets / name))]
    assert call([*command, "--epochs", "1", "--out", str(tmp_path / "run")]) == exit_codes.DONE
    assert json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]["training"]["policies"] == outputs
    assert read_predictions(tmp_path / "run" / "predictions.csv").logits.shape[1] == outputs
