"""Training on small made-up faces, where a smile is a bright bar in the lower half."""

import dataclasses
import json
import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs the "train" extra')
pytest.importorskip("onnxscript", reason='needs the "train" extra')

from smilecam.classification.augmented import DOUBTFUL, translated  # noqa: E402
from smilecam.classification.classifier import SmileClassifier  # noqa: E402
from smilecam.classification.crop import normalize, resize  # noqa: E402
from smilecam.cli import exit_codes  # noqa: E402
from smilecam.cli.main import call  # noqa: E402
from smilecam.data.faces import FaceSet, load_faces  # noqa: E402
from smilecam.errors import NonFiniteLoss, TrainingError  # noqa: E402
from smilecam.opencv import cv2  # noqa: E402
from smilecam.presets import InputSpec, Normalization  # noqa: E402
from smilecam.training import engine  # noqa: E402
from smilecam.training.augment import (  # noqa: E402
    LEVELS,
    _jpeg,
    _transforms,
    area_weights,
    augment,
    blur_operators,
    reduction_operators,
    render_size,
    to_input,
)
from smilecam.training.device import choose_device  # noqa: E402
from smilecam.training.export import load_run  # noqa: E402
from smilecam.training.models import build  # noqa: E402
from smilecam.training.recipe import (  # noqa: E402
    Augmentation,
    load_recipe,
    parse_recipe,
    recipe_from_dict,
    recipe_names,
)
from smilecam.training.run_loading import read_json  # noqa: E402

STILL = Augmentation(translation=0, rotation=0, scale=0, flip=0, brightness=0, contrast=0)


@pytest.fixture(scope="module")
def faces_folder(tmp_path_factory):
    """300 pictures, a third of them with a bar."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for label, count in (("smile", 100), ("not_smile", 200)):
        (folder / label).mkdir()
        for number in range(count):
            picture = rng.integers(60, 140, (64, 64)).astype(np.uint8)
            row = rng.integers(40, 52)
            if label == "smile":
                picture[row : row + 4, 16:48] = 230
            cv2.imwrite(str(folder / label / f"{number}.png"), picture)
    return folder


def train(folder, out, *more):
    return call(["train", "--data", str(folder), "--out", str(out), "--device", "cpu", *more])


@pytest.fixture(scope="module")
def finished_run(faces_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    assert train(faces_folder, out, "--recipe", "augmented", "--epochs", "4") == exit_codes.DONE
    return out


def test_lenet_has_the_layers_of_the_reference():
    model = build(load_recipe("classic").model, InputSpec(28), policies=1, seed=0)
    shapes = {name: tuple(value.shape) for name, value in model.named_parameters()}
    assert list(shapes.values()) == [(20, 1, 5, 5), (20,), (50, 20, 5, 5), (50,), (500, 2450), (500,), (2, 500), (2,)]
    assert model(torch.zeros(3, 1, 28, 28)).shape == (3, 1)


def test_first_weights_depend_on_the_seed_alone():
    recipe = load_recipe("classic").model
    one, same, other = (build(recipe, InputSpec(28), 1, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["features.0.weight"], other["features.0.weight"])


def test_classic_recipe_is_the_reference():
    recipe = load_recipe("classic")
    assert (recipe.training.epochs, recipe.training.batch_size, recipe.training.validation_share) == (15, 64, 0.2)
    assert recipe.input == InputSpec(28, Normalization.UNIT)
    assert recipe.augmentation is None
    assert recipe.training.class_weights


def test_class_weights():
    labels = np.array([0] * 7_580 + [1] * 2_952 + [1, 1, 1, 0])
    policies = np.array([0] * 10_532 + [1] * 4)
    examples = SimpleNamespace(faces=SimpleNamespace(labels=labels), policies=policies)
    weights = engine.class_weights(examples)
    assert weights[0].tolist() == pytest.approx([1.0, 7_580 / 2_952], rel=1e-6)
    assert weights[1].tolist() == [3.0, 1.0]


@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_load(name):
    assert name in recipe_names()
    assert load_recipe(name).description


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("epochs = 15", "epochs = 1.5"), "not of type int"),
        (("epochs = 15", ""), "missing or unknown epochs"),
        (("epochs = 15", "epochs = 15\nsteps = 3"), "missing or unknown steps"),
        (('name = "lenet"', 'name = "alexnet"'), "not one of lenet"),
        (('"unit"', '"magic"'), "not one of unit, standardize"),
        (("[optimizer]", "[optimiser]"), "unknown table or key optimiser"),
        (("[model]", "[model"), "recipe x"),
        (("epochs = 15", "epochs = 0"), "0 is not from 1"),
        (("batch_size = 64", "batch_size = 0"), "0 is not from 1"),
        (("dropout = 0.0", "dropout = 1.5"), "1.5 is not from 0"),
        (("size = 28", "size = 3"), "3 is not from 8"),
        (
            ('name = "lenet"\nbatch_norm = false', 'name = "smilenet"\nwidths = [8]'),
            "widths, of the stem and of one block",
        ),
        (('name = "lenet"\nbatch_norm = false', 'name = "smilenet"\nwidths = [8, 8, 8]'), "cannot be halved 3 times"),
        (('name = "lenet"\nbatch_norm = false', 'name = "smilenet"\nwidths = 8'), "is not a list"),
        (("learning_rate = 0.001", "learning_rate = nan"), "nan is not from 0"),
    ],
)
def test_recipes_that_make_no_sense(change, words):
    from importlib import resources

    text = (resources.files("smilecam.training") / "recipes" / "classic.toml").read_text()
    assert change[0] in text
    with pytest.raises(TrainingError, match=words.replace("[", r"\[")):
        parse_recipe("x", text.replace(*change, 1))


def test_unknown_recipe():
    with pytest.raises(TrainingError, match=", ".join(recipe_names())):
        load_recipe("nothing")


def pictures(count=6, side=64):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 1, side, side)).astype(np.float32))


def test_recipe_that_is_no_text(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TrainingError, match="cannot be read as text"):
        load_recipe(str(tmp_path / "x.toml"))
    with pytest.raises(TrainingError, match="a table is needed"):
        parse_recipe("x", "model = 3")


def batch_of(labels, policies=None, teacher=None):
    labels = torch.tensor(labels)
    return engine.Batch(None, labels, torch.tensor(policies) if policies else torch.zeros_like(labels), teacher)


PLAIN = dataclasses.replace(load_recipe("classic").training, label_smoothing=0.0)


def test_loss_is_weighted_like_kerass():
    """Each face's loss times the weight of its class, averaged over the faces."""
    logits = torch.tensor([[-2.0], [1.0], [0.0]])  # two outputs of a softmax, as their difference
    each = [math.log(1 + math.exp(-2)), math.log(1 + math.exp(-1)), math.log(2)]
    expected = (1 * each[0] + 2.5 * each[1] + 2.5 * each[2]) / 3
    batch = batch_of([0, 1, 1])
    assert float(engine.batch_loss(logits, batch, torch.tensor([[1.0, 2.5]]), PLAIN)) == pytest.approx(
        expected, rel=1e-5
    )
    assert float(engine.batch_loss(logits, batch, None, PLAIN)) == pytest.approx(sum(each) / 3, rel=1e-5)


def test_smoothing_spreads_the_target():
    log_p = [-math.log(1 + math.exp(-3)), -3 - math.log(1 + math.exp(-3))]
    smoothed = dataclasses.replace(PLAIN, label_smoothing=0.2)
    loss = engine.batch_loss(torch.tensor([[-3.0]]), batch_of([0]), None, smoothed)
    assert float(loss) == pytest.approx(-(0.9 * log_p[0] + 0.1 * log_p[1]), rel=1e-5)


def test_each_label_is_about_its_own_output():
    batch = batch_of([1, 1], policies=[0, 1])
    right = engine.batch_loss(torch.tensor([[9.0, -9.0], [-9.0, 9.0]]), batch, None, PLAIN)
    wrong = engine.batch_loss(torch.tensor([[-9.0, 9.0], [9.0, -9.0]]), batch, None, PLAIN)
    assert float(right) < 0.01
    assert float(wrong) > 8


def test_the_teacher_has_its_share_of_every_output():
    logits, teacher = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.3, 0.9]])
    taught = torch.nn.functional.binary_cross_entropy_with_logits(logits, teacher)
    labelled = math.log(1 + math.exp(-1))
    settings = dataclasses.replace(PLAIN, distillation=0.75)
    loss = engine.batch_loss(logits, batch_of([1], teacher=teacher), None, settings)
    assert float(loss) == pytest.approx(0.75 * float(taught) + 0.25 * labelled, rel=1e-5)


def learning_rates(recipe, epochs, batches):
    """Of each step of a run, and after the last one."""
    adam = engine.make_optimizer(torch.nn.Linear(1, 1), recipe.optimizer)
    rates = []
    for epoch in range(1, epochs + 1):
        schedule = engine.epoch_schedule(adam, recipe.with_epochs(epochs), epoch, batches)
        for _ in range(batches):
            rates.append(adam.param_groups[0]["lr"])
            adam.step()
            schedule.step()
    return [*rates, adam.param_groups[0]["lr"]]


def test_learning_rate_follows_the_schedule():
    optimizer = load_recipe("augmented").optimizer
    rates = learning_rates(load_recipe("augmented"), epochs=2, batches=1)
    assert rates == pytest.approx([optimizer.learning_rate, optimizer.learning_rate / 2, 0])
    cycle = load_recipe("smilenet").optimizer
    rates = [rate / cycle.learning_rate for rate in learning_rates(load_recipe("smilenet"), epochs=5, batches=4)]
    assert [rates[step] for step in (0, 1, 2, 11, 20)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-9)
    rates = learning_rates(load_recipe("classic"), epochs=2, batches=3)
    assert set(rates) == {load_recipe("classic").optimizer.learning_rate}


def test_weight_average_warms_up_and_covers_statistics():
    """Decay min(0.5, steps / (steps + 10)) from the initial weights on; integer buffers are copied."""
    model = torch.nn.BatchNorm1d(1)
    ema = engine.make_ema(model, decay=0.5)
    expected = 0.0
    for step in range(1, 31):
        model.num_batches_tracked.fill_(step)
        model.running_mean.fill_(step)
        with torch.no_grad():
            model.bias.fill_(step)
        ema.update_parameters(model)
        kept = min(0.5, step / (step + 10))
        expected = kept * expected + (1 - kept) * step
    assert float(ema.module.bias.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(ema.module.running_mean) == pytest.approx(expected, rel=1e-5)
    assert int(ema.module.num_batches_tracked) == 30
    assert engine.TrainState(model, None, ema).ema_steps == 30


def test_former_names_of_recipe_keys_are_accepted(tmp_path):
    recipe = load_recipe("smilenet")
    assert recipe.augmentation.annealing == 0.8
    content = json.loads(json.dumps(recipe.as_dict()))
    content["augmentation"]["gentle"] = content["augmentation"].pop("annealing")
    assert recipe_from_dict(content) == recipe
    (tmp_path / "config.json").write_text(json.dumps({"recipe": content, "teachers": [{"recipe": content}]}))
    config = read_json(tmp_path / "config.json")
    assert config["recipe"] == config["teachers"][0]["recipe"] == recipe.as_dict()
    content["augmentation"]["annealing"] = 0.5
    with pytest.raises(TrainingError, match="missing or unknown gentle"):
        recipe_from_dict(content)


def test_rotation_and_scale_keep_shapes():
    settings = dataclasses.replace(STILL, rotation=40.0, scale=0.3, flip=0.5)
    matrices = _transforms(torch.ones(50), settings, torch.Generator().manual_seed(0))[:, :, :2]
    squares = matrices @ matrices.transpose(1, 2)
    scales = squares[:, 0, 0]
    assert torch.allclose(squares, scales[:, None, None] * torch.eye(2), atol=1e-5)
    assert 0.7**2 - 1e-5 <= float(scales.min()) < float(scales.max()) <= 1.3**2 + 1e-5
    signs = torch.linalg.det(matrices).sign()
    assert set(signs.tolist()) == {-1.0, 1.0}


def test_no_augmentation_changes_nothing():
    batch = pictures()
    assert torch.allclose(augment(batch, STILL, torch.Generator().manual_seed(0)), batch, atol=1e-2)


def test_flip():
    batch = pictures()
    flipped = augment(batch, dataclasses.replace(STILL, flip=1.0), torch.Generator().manual_seed(0))
    assert torch.allclose(flipped, batch.flip(-1), atol=1e-2)


@pytest.mark.parametrize(
    "change",
    [
        {"translation": 0.2},
        {"rotation": 20.0},
        {"scale": 0.3},
        {"stretch": 0.4},
        {"brightness": 40.0},
        {"contrast": 0.5},
        {"gamma": 2.0},
        {"gradient": 200.0},
        {"noise": 40.0},
        {"occlusion": 1.0},
    ],
)
def test_each_change_is_drawn_anew_and_repeats_with_its_seed(change):
    smooth = torch.nn.functional.interpolate(pictures(1, 8), 64, mode="bilinear").repeat(6, 1, 1, 1)
    settings = dataclasses.replace(STILL, **change)
    first, again, other = (augment(smooth, settings, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1)
    assert not torch.allclose(first[0], first[1], atol=1)
    assert first.min() >= 0
    assert first.max() <= 255


def test_what_comes_in_from_outside_repeats_the_border():
    stripes = torch.full((40, 1, 64, 64), 50.0)
    stripes[..., -1] = 200  # the rightmost column
    moved = augment(stripes, dataclasses.replace(STILL, translation=0.2), torch.Generator().manual_seed(0))
    assert moved.min() > 49
    rows = moved[:, 0, 32]
    shifted = rows[:, -2] > 190  # to the left: the column is repeated behind itself
    assert 5 < int(shifted.sum()) < 35
    assert torch.all(rows[shifted][:, -1] > 190)


def test_translation_has_its_size():
    point = torch.zeros(200, 1, 65, 65)
    point[:, :, 32, 32] = 255
    moved = augment(point, dataclasses.replace(STILL, translation=0.2), torch.Generator().manual_seed(0))
    x = (moved[:, 0].sum(1) * torch.arange(65)).sum(1) / moved[:, 0].sum((1, 2))
    reach = (x - 32).abs()
    assert 0.15 * 65 < reach.max() <= 0.2 * 65 + 0.5


def test_detail_is_lost_to_some_pictures_only():
    batch = pictures(300)
    changed = augment(batch, dataclasses.replace(STILL, degrade=0.3), torch.Generator().manual_seed(0))
    touched = ((changed - batch).abs().amax(dim=(1, 2, 3)) > 1).float().mean()
    assert 0.2 < float(touched) < 0.4


def test_spared_pictures_are_moved_less_and_keep_their_light():
    batch = torch.full((400, 1, 41, 41), 100.0)
    batch[:, :, 20, 20] = 255
    settings = dataclasses.replace(STILL, translation=0.2, brightness=50.0)
    every, none, half = (
        augment(batch, settings, torch.Generator().manual_seed(0), annealing=p) for p in (0.0, 1.0, 0.5)
    )
    reach = [(changed[:, 0].amax(dim=2).argmax(dim=1) - 20).abs().max() for changed in (every, none)]
    assert reach[0] == 8
    assert 4 <= reach[1] <= 5
    spared = [int((changed[:, 0, 0, 0] - 100).abs().lt(1e-3).sum()) for changed in (every, none, half)]
    assert spared[0] < 10
    assert spared[1] == 400
    assert 150 < spared[2] < 250


def test_a_run_spares_more_and_more():
    names = tuple(f"{number}.png" for number in range(300))
    grey = np.full((300, 88, 88), 100, np.uint8)
    faces = FaceSet(grey, np.arange(300) % 2, names, names, names, names)
    recipe = load_recipe("lenet").with_epochs(3)
    recipe = dataclasses.replace(
        recipe,
        input=InputSpec(28, Normalization.UNIT),
        augmentation=dataclasses.replace(STILL, brightness=50.0, annealing=1.0),
    )
    examples = engine.Examples(faces, np.zeros(300, np.int64), np.ones(300, np.int64))
    batches = engine.Batches(examples, recipe, seed=0, device=torch.device("cpu"))
    shares = []
    for epoch in (1, 2, 3):
        light = torch.cat([batch.inputs[:, 0, 14, 14] for batch in batches.epoch(epoch)])
        shares.append(float((light * 255 - 100).abs().lt(1e-2).float().mean()))
    assert shares[0] < 0.05
    assert 0.4 < shares[1] < 0.6
    assert shares[2] == 1


@pytest.mark.parametrize("size", [28, 48, 64])
def test_blur_and_reduction_keep_the_light(size):
    flat = torch.full((1, size, size), 100.0)
    for operators in (blur_operators(size), reduction_operators(size)):
        assert operators.shape == (LEVELS, size, size)
        assert torch.allclose(operators @ flat @ operators.mT, flat, atol=1e-3)


def test_jpeg_loses_what_opencv_s_loses():
    """The model of JPEG against the real one: the same error, and nearly the same picture."""
    smooth = torch.nn.functional.interpolate(pictures(8, 16), 64, mode="bicubic", align_corners=False)
    smooth = smooth.clamp(0, 255).round()
    for quality in (10, 30, 60):
        modelled = _jpeg(smooth, torch.full((8,), float(quality)))[:, 0].clamp(0, 255)
        for before, after in zip(smooth[:, 0].numpy().astype(np.uint8), modelled.numpy(), strict=True):
            stored = cv2.imencode(".jpg", before, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            real = cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE).astype(float)
            lost = np.abs(before - real).mean()
            assert np.abs(before - after).mean() == pytest.approx(lost, rel=0.05)
            assert np.abs(after - real).mean() < 0.6 * lost


def test_margin_shows_what_is_beside_the_face():
    canvas = torch.zeros(40, 1, 88, 88)
    canvas[..., :12] = 255  # bright beside the face, on the left
    still = augment(canvas, STILL, torch.Generator().manual_seed(0), 64, 12)
    assert still.shape == (40, 1, 64, 64)
    assert float(still[..., 1:].max()) < 1
    moved = augment(canvas, dataclasses.replace(STILL, translation=0.15), torch.Generator().manual_seed(0), 64, 12)
    bright = (moved[:, 0, 32] > 128).sum(1)
    assert 0.15 * 64 - 2 < int(bright.max()) <= 0.15 * 64 + 1
    assert int(bright.min()) == 0


@pytest.mark.parametrize(("size", "rendered"), [(28, 56), (32, 64), (48, 48), (64, 64), (100, 100)])
def test_inputs_are_made_from_a_multiple_of_their_size(size, rendered):
    assert render_size(InputSpec(size)) == rendered


@pytest.mark.parametrize("normalization", list(Normalization))
def test_batches_are_shrunk_and_normalised_as_at_run_time(normalization):
    batch = pictures()
    spec = InputSpec(28, normalization)
    on_batch = to_input(batch, area_weights(64, 28), spec)[:, 0].numpy()
    one_by_one = np.stack([normalize(resize(p[0].numpy().astype(np.uint8), 28), normalization) for p in batch])
    # The run time rounds to whole grey values in between.
    tolerance = 0.51 / 255 if normalization is Normalization.UNIT else 0.51 / 20
    assert np.abs(on_batch - one_by_one).max() < tolerance


def test_run_folder_holds_everything(finished_run):
    names = sorted(path.name for path in finished_run.iterdir())
    assert names == [
        "checkpoint.npz",
        "config.json",
        "curves.png",
        "epochs.jsonl",
        "metrics.json",
        "predictions.csv",
    ]
    config = json.loads((finished_run / "config.json").read_text())
    assert config["recipe"]["name"] == "augmented"
    assert config["recipe"]["training"]["epochs"] == 4
    assert config["seed"] == 0
    assert config["class_weights"] == [[1.0, 2.0]]
    assert config["versions"]["torch"]
    assert config["commit"]
    training = config["data"]["training"]
    assert (training["n"], training["smiles"]) == (240, 80)
    assert training["content_digest"] != config["data"]["sources"][0]["content_digest"]
    rows = [json.loads(line) for line in (finished_run / "epochs.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert {"loss", "acc", "val_loss", "val_acc"} <= set(rows[0])
    assert cv2.imread(str(finished_run / "curves.png")).shape == (700, 800, 3)


def test_it_learns(faces_folder, tmp_path, capfd):
    assert train(faces_folder, tmp_path / "run", "--epochs", "6") == exit_codes.DONE
    out = capfd.readouterr().out
    assert out.startswith("device cpu, as asked\n")
    assert "training on 240 faces (80 smiling), validating on 60 (20 smiling)" in out
    assert "class weights: not smiling 1.000, smiling 2.000" in out
    assert "epoch     loss      acc  val_loss  val_acc" in out
    rows = [json.loads(line) for line in (tmp_path / "run" / "epochs.jsonl").read_text().splitlines()]
    assert rows[-1]["val_acc"] > 0.95
    assert rows[-1]["loss"] < rows[0]["loss"]


@pytest.mark.parametrize("recipe", ["classic", "augmented"])
def test_resumed_run_equals_an_uninterrupted_one(faces_folder, tmp_path, monkeypatch, recipe):
    """A run is stopped in the middle of its third epoch, and goes on."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    options = ("--recipe", recipe, "--epochs", "4", "--seed", "3")
    assert train(faces_folder, whole, *options) == exit_codes.DONE
    once = engine.batch_loss
    calls = iter(range(1_000_000))

    def interrupt_later(*arguments):
        if next(calls) == 10:  # 4 batches an epoch: in the third
            raise KeyboardInterrupt
        return once(*arguments)

    monkeypatch.setattr(engine, "batch_loss", interrupt_later)
    assert train(faces_folder, stopped, *options) == exit_codes.INTERRUPTED
    monkeypatch.setattr(engine, "batch_loss", once)
    assert len((stopped / "epochs.jsonl").read_text().splitlines()) == 2
    assert train(faces_folder, stopped, *options) == exit_codes.FAILURE
    assert train(faces_folder, stopped, *options, "--resume") == exit_codes.DONE
    with np.load(whole / "checkpoint.npz") as one, np.load(stopped / "checkpoint.npz") as other:
        assert set(one.files) == set(other.files)
        for name in one.files:
            assert np.array_equal(one[name], other[name]), name
    curves = [
        [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in text.splitlines()]
        for text in ((folder / "epochs.jsonl").read_text() for folder in (whole, stopped))
    ]
    assert curves[0] == curves[1]


def test_resume_refuses_other_settings(faces_folder, finished_run, capfd):
    code = train(faces_folder, finished_run, "--recipe", "augmented", "--epochs", "4", "--seed", "9", "--resume")
    assert code == exit_codes.FAILURE
    assert "was started with other settings: seed" in capfd.readouterr().err


def test_resume_needs_a_run(faces_folder, tmp_path, capfd):
    assert train(faces_folder, tmp_path / "none", "--resume") == exit_codes.FAILURE
    assert "nothing to resume" in capfd.readouterr().err


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_checkpoints_that_are_none(finished_run, tmp_path, capfd, content):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished_run, copy)
    (copy / "checkpoint.npz").write_bytes(content)
    assert call(["export", str(copy), "--output", str(tmp_path / "x.onnx")]) == exit_codes.FAILURE
    assert "is damaged or belongs to another recipe" in capfd.readouterr().err


@pytest.mark.parametrize("lines", [None, 0, 2])
def test_resume_needs_every_epoch_of_the_table(faces_folder, finished_run, tmp_path, capfd, lines):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished_run, copy)
    rows = (copy / "epochs.jsonl").read_text().splitlines(keepends=True)
    (copy / "epochs.jsonl").unlink()
    if lines is not None:
        (copy / "epochs.jsonl").write_text("".join(rows[:lines]))
    code = train(faces_folder, copy, "--recipe", "augmented", "--epochs", "4", "--resume")
    assert code == exit_codes.FAILURE
    assert "epochs.jsonl" in capfd.readouterr().err


def test_table_shows_the_weights_that_are_exported(faces_folder, finished_run):
    """Validation reads the running mean, as does the model file."""
    from smilecam.data.splits import Variant, select_variant, stratified_split

    faces = select_variant(load_faces(faces_folder), Variant.CLEAN)
    held_out = faces.take(stratified_split(faces, 0.2, 0)[1])
    trained = load_run(finished_run, "x", "1")
    logits = trained.network(engine.plain_inputs(held_out.framed, trained.info.input))
    row = json.loads((finished_run / "epochs.jsonl").read_text().splitlines()[-1])
    checked = engine.validate(logits.detach()[:, 0], torch.from_numpy(held_out.labels))
    assert row["val_loss"] == pytest.approx(checked.loss, abs=1e-4)
    assert row["val_acc"] == pytest.approx(checked.accuracy, abs=1e-6)


def test_validation_loss_that_leaves_the_finite_numbers_stops_the_run(faces_folder, tmp_path, monkeypatch, capfd):
    nothing = engine.EpochResult(math.nan, 0.5)
    monkeypatch.setattr(engine, "validate", lambda *_: nothing)
    assert train(faces_folder, tmp_path / "run") == exit_codes.FAILURE
    assert "the validation loss became nan in epoch 1" in capfd.readouterr().err
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_loss_that_leaves_the_finite_numbers_stops_the_run(faces_folder, tmp_path, monkeypatch, capfd):
    whole = engine.batch_loss
    monkeypatch.setattr(engine, "batch_loss", lambda *arguments: whole(*arguments) * math.inf)
    assert train(faces_folder, tmp_path / "run") == exit_codes.FAILURE
    assert "the loss became inf in epoch 1, batch 1: try a lower learning rate" in capfd.readouterr().err
    assert issubclass(NonFiniteLoss, TrainingError)


def test_extra_data_joins_the_training_part_alone(faces_folder, tmp_path, capfd):
    for emotion in ("happy", "sad"):
        (tmp_path / "fer" / emotion).mkdir(parents=True)
        for number in range(10):
            picture = np.random.default_rng([number, len(emotion)]).integers(0, 256, (48, 48), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "fer" / emotion / f"{number}.png"), picture)
    extra = ("--extra", str(tmp_path / "fer"), "--extra", str(faces_folder))
    assert train(faces_folder, tmp_path / "run", "--epochs", "1", *extra) == exit_codes.DONE
    # Of the second extra set, the 60 faces of the validation part are left out.
    assert "training on 500 faces (170 smiling), validating on 60 (20 smiling)" in capfd.readouterr().out


def test_device_is_chosen_with_a_reason():
    device, reason = choose_device("auto")
    assert reason.startswith(str(device.type))
    assert choose_device("cpu")[0] == torch.device("cpu")
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="cuda is not available"):
            choose_device("cuda")


@pytest.mark.parametrize("recipe", ["classic", "augmented"])
def test_export_keeps_the_network_to_the_fifth_decimal(faces_folder, finished_run, tmp_path, recipe):
    run = finished_run
    if recipe == "classic":
        run = tmp_path / "classic"
        assert train(faces_folder, run, "--epochs", "1") == exit_codes.DONE
    path = tmp_path / "model.onnx"
    assert call(["export", str(run), "--output", str(path), "--version", "7"]) == exit_codes.DONE
    classifier = SmileClassifier(path)
    trained = load_run(run, "model", "7")
    faces = np.random.default_rng(0).normal(size=(200, 1, 28, 28)).astype(np.float32)
    with torch.inference_mode():
        expected = trained.network(torch.from_numpy(faces)).numpy()
        again = trained.network(torch.from_numpy(translated(faces))).numpy().reshape(2, *expected.shape)
    assert np.abs(classifier.outputs(faces) - expected).max() < 1e-5
    averaged = (expected + again.sum(0)) / 3
    log_odds = np.where(np.abs(expected) < DOUBTFUL, averaged, expected)[:, 0]
    assert np.abs(classifier(faces) - 1 / (1 + np.exp(-log_odds))).max() < 1e-5
    assert classifier.info == trained.info
    assert classifier.info.version == "7"
    metrics = json.loads((run / "metrics.json").read_text())
    assert classifier.policy.threshold() == round(metrics["at_best_balanced_accuracy"]["threshold"], 4)


def test_model_file_holds_no_path_of_this_machine(finished_run, tmp_path):
    path = tmp_path / "model.onnx"
    call(["export", str(finished_run), "--output", str(path)])
    content = path.read_bytes()
    for part in (sys.prefix, str(tmp_path), "site-packages", "stack_trace"):
        assert part.encode() not in content


def test_exported_weights_are_the_running_mean(finished_run):
    with np.load(finished_run / "checkpoint.npz") as arrays:
        mean, last = arrays["average/classifier.3.weight"], arrays["model/classifier.3.weight"]
    exported = load_run(finished_run, "x", "1").network.state_dict()["classifier.3.weight"].numpy()
    assert np.array_equal(exported, mean)
    assert not np.array_equal(exported, last)


@pytest.mark.parametrize("content", [None, "{}", "[]", "no json"])
def test_export_of_what_is_no_run(tmp_path, capfd, content):
    if content is not None:
        for name in ("config.json", "metrics.json"):
            (tmp_path / name).write_text(content)
    assert call(["export", str(tmp_path), "--output", str(tmp_path / "x.onnx")]) == exit_codes.FAILURE
    assert capfd.readouterr().err.count("\n") == 1
    assert not (tmp_path / "x.onnx").exists()


def test_export_never_replaces_what_is_no_model(finished_run, capfd):
    before = (finished_run / "checkpoint.npz").read_bytes()
    code = call(["export", str(finished_run), "--output", str(finished_run / "checkpoint.npz")])
    assert code == exit_codes.USAGE
    assert "ends in .onnx" in capfd.readouterr().err
    assert (finished_run / "checkpoint.npz").read_bytes() == before


def test_packaged_model_gives_probabilities_on_training_inputs(faces_folder):
    classifier = SmileClassifier()
    faces = load_faces(faces_folder)
    inputs = engine.plain_inputs(faces.framed[:9], classifier.info.input).numpy()
    scores = classifier(inputs)
    assert scores.shape == (9,)
    assert np.all((scores >= 0) & (scores <= 1))


def test_train_command_in_its_own_process(faces_folder, tmp_path):
    command = [sys.executable, "-m", "smilecam", "train", "--data", str(faces_folder), "--epochs", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stderr == ""
    assert (tmp_path / "runs" / "classic-seed0" / "metrics.json").exists()
