"""Whole photos: recognised, refused by training, and cropped into a training set."""

import csv
import shutil
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest

import smilecam
from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.data import crop_photos as cropping
from smilecam.data.crop_photos import CropSettings, crop_photos
from smilecam.data.faces import MARGIN, STORED_SIZE, iter_faces, load_faces
from smilecam.data.framed_png import encode_crop, framing_of
from smilecam.data.layouts import FER2013, FOLDERS, SMILES, find_layout
from smilecam.data.photos import are_photos, is_small_crop
from smilecam.errors import DataError, ModelFileError
from smilecam.evaluation.evaluate import Boxes, Crop, Decision, evaluate
from smilecam.opencv import cv2


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def drawn(smile, size, width=640, height=480):
    return smilecam.SyntheticFace(width=width, height=height, size=size).image(smile=smile)


@pytest.fixture
def mine(tmp_path, astronaut, hopper):
    """Whole photos: 6 smiles and 6 others, of several sizes, in folders of names that need not be ours."""
    for folder, portrait, smile in (("Smiling", astronaut, 1.0), ("non-smile", hopper, 0.0)):
        write(tmp_path / "mine" / folder / "portrait.jpg", portrait)
        for number in range(5):
            size = (640, 480) if number % 2 else (500, 500)
            write(tmp_path / "mine" / folder / f"{number}.jpg", drawn(smile, 100 + 40 * number, *size))
    return tmp_path / "mine"


def manifest(folder):
    with (folder / cropping.MANIFEST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def entries(*names):
    return [(PurePosixPath(name), lambda: b"") for name in names]


@pytest.mark.parametrize("smile", ["smile", "Smile", "SMILES", "smiling", "smiling_"])
@pytest.mark.parametrize(
    "other", ["not_smile", "not-smile", "Not Smiling", "non-smile", "non_smile", "no smile", "nosmile", "neutral"]
)
def test_names_of_folders(smile, other):
    layout, annotations = find_layout(entries(f"{smile}/a.jpg", f"mine/{other}/b.jpg"), "mine")
    assert layout is FOLDERS
    assert [each.label for each in annotations.values()] == [1, 0]


def test_names_of_other_layouts_stay_theirs():
    assert find_layout(entries("happy/a.png", "neutral/b.png"), "x")[0] is FER2013
    assert find_layout(entries("positives7/a.png", "negatives7/b.png"), "x")[0] is SMILES
    with pytest.raises(DataError, match=r"smile, smiles, smiling against not_smile, .*, non_smile, .*, neutral"):
        find_layout(entries("grins/a.png", "frowns/b.png"), "x")


def test_whole_photos_are_evaluated_by_their_faces(mine, noise):
    write(mine / "non-smile" / "nobody.png", noise)
    auto, found, crops = (
        evaluate(Decision("smilenet"), mine, boxes, Crop.TRAINED) for boxes in (Boxes.AUTO, Boxes.FIND, Boxes.SMILES)
    )
    assert auto.metrics == found.metrics
    assert auto.metrics.accuracy == 1
    assert crops.metrics.accuracy < 0.8
    assert (auto.whole_photos, auto.face_crops, auto.without_face) == (13, 0, 1)
    assert (crops.whole_photos, crops.face_crops, crops.without_face) == (0, 13, 0)


def test_evaluate_reports_what_it_assumed(mine, capfd):
    for number in range(3):
        write(mine / "Smiling" / f"crop{number}.png", cv2.resize(drawn(1.0, 380)[110:390, 180:460], (64, 64)))
    assert call(["evaluate", "--data", str(mine)]) == exit_codes.DONE
    out = capfd.readouterr().out
    assert "12 taken as whole photos, the largest detected face of each classified; 3 taken as face crops" in out
    assert "boxes auto, detector haar, crop trained" in out


@pytest.mark.parametrize("enlarged", [1, 3])
def test_face_crops_are_evaluated_as_before(material, tmp_path, enlarged):
    """GENKI boxes: as they are, and enlarged, so that the cascade finds something in most of them."""
    for label in ("smile", "not_smile"):
        for path in sorted((material / "genki4k_public" / label).iterdir())[:40]:
            image = cv2.imread(str(path))
            write(tmp_path / label / f"{path.stem}.png", cv2.resize(image, None, fx=enlarged, fy=enlarged))
    auto, smiles = (
        evaluate(Decision("smilenet"), tmp_path, boxes, Crop.TRAINED) for boxes in (Boxes.AUTO, Boxes.SMILES)
    )
    assert np.array_equal(auto.scored.probabilities, smiles.scored.probabilities)
    assert (auto.face_crops, auto.whole_photos) == (80, 0)
    assert len(load_faces(tmp_path)) == 80


def test_ambiguous_images_go_with_the_majority():
    assert are_photos([True, True, False]).tolist() == [True, True, True]
    assert are_photos([True, False, False]).tolist() == [True, False, False]
    assert not are_photos([True] + [False] * 20).any()
    assert are_photos([]).tolist() == []


@pytest.mark.parametrize(
    ("shape", "small"), [((64, 64), True), ((96, 90), True), ((90, 60), False), ((128, 128), False)]
)
def test_small_crops(shape, small):
    assert is_small_crop(np.zeros(shape, np.uint8)) is small


def test_training_names_the_command_for_whole_photos(mine):
    with pytest.raises(DataError, match=r"holds whole photos.*12 of 12.*smilecam data crop .*mine --out FOLDER"):
        load_faces(mine)


def test_crops_have_the_framing_that_training_expects(mine, tmp_path, capfd):
    out = tmp_path / "faces"
    assert call(["data", "crop", str(mine), "--out", str(out)]) == exit_codes.DONE
    assert "12 photos, 12 faces cropped (6 not_smile, 6 smile)" in capfd.readouterr().out
    faces = load_faces(out)
    assert faces.labels.tolist() == [0] * 6 + [1] * 6
    found, again = (evaluate(Decision("smilenet"), data, Boxes.AUTO, Crop.TRAINED) for data in (mine, out))
    assert (again.face_crops, again.whole_photos) == (12, 0)
    assert again.metrics.accuracy == 1
    by_label = [np.sort(each.scored.probabilities) for each in (found, again)]
    assert np.allclose(*by_label, atol=0.05)
    differences = np.abs(faces.framed.astype(int) - again.scored.images).mean(axis=(1, 2))
    misframed = np.abs(faces.framed.astype(int) - [cv2.resize(image, (64, 64)) for image in faces.images])
    assert (differences < 5).all()
    assert (differences < 0.5 * misframed.mean(axis=(1, 2))).all()
    # What lies around the framing is the photo's own, not its border repeated.
    assert all((image[:MARGIN, MARGIN:-MARGIN].std(axis=0) > 1).mean() > 0.3 for image in faces.images)


def test_manifest(mine, tmp_path, noise, capfd):
    write(mine / "Smiling" / "nobody.png", noise)
    (mine / "Smiling" / "broken.jpg").write_bytes(b"no image")
    write(mine / "elsewhere" / "a.jpg", noise)
    out = tmp_path / "faces"
    assert call(["data", "crop", str(mine), "--out", str(out), "--grey"]) == exit_codes.SOME_FAILED
    printed = capfd.readouterr()
    assert "14 photos, 12 faces cropped (6 not_smile, 6 smile); 2 photos left out; 1 images outside" in printed.out
    assert "Smiling/nobody.png: no face detected" in printed.err
    assert "Smiling/broken.jpg: the file is not a readable image" in printed.err
    rows = manifest(out)
    assert len(rows) == 14
    for row in rows:
        if row["problem"]:
            assert row["file"] == row["x1"] == ""
            continue
        assert row["detector"] == "haar"
        assert cv2.imread(str(out / row["file"]), cv2.IMREAD_UNCHANGED).ndim == 2
        assert int(row["x2"]) > int(row["x1"])
        assert (mine / row["source"]).is_file()
    assert {row["file"].split("/")[0] for row in rows} == {"smile", "not_smile", ""}


def test_names_are_unique(tmp_path):
    for name in ("a/smile/x.jpg", "a/smile/X.png", "b/smile/x.jpg"):
        write(tmp_path / "mine" / name, drawn(1.0, 200))
    write(tmp_path / "mine" / "not_smile" / "x.jpg", drawn(0.0, 200))
    report = crop_photos(tmp_path / "mine", tmp_path / "out", CropSettings())
    assert report.crops == {"not_smile": 1, "smile": 3}
    names = [path.name.lower() for path in (tmp_path / "out" / "smile").iterdir()]
    assert sorted(names) == ["x.png", "x_2.png", "x_3.png"]


@pytest.mark.parametrize(("all_faces", "count"), [(False, 1), (True, 3)])
def test_largest_face_or_all(tmp_path, all_faces, count):
    crowd = smilecam.SyntheticFace(width=900, height=480, faces=3, size=150).image(smile=1.0)
    write(tmp_path / "mine" / "smile" / "crowd.png", crowd)
    write(tmp_path / "mine" / "not_smile" / "one.png", drawn(0.0, 200))
    report = crop_photos(tmp_path / "mine", tmp_path / "out", CropSettings(all_faces=all_faces))
    assert report.crops == {"not_smile": 1, "smile": count}


def test_archive_of_photos(mine, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", mine)
    crop_photos(tmp_path / packed, tmp_path / "a", CropSettings())
    crop_photos(mine, tmp_path / "b", CropSettings())
    assert load_faces(tmp_path / "a").content_digest == load_faces(tmp_path / "b").content_digest
    again = shutil.make_archive(str(tmp_path / "crops"), "zip", tmp_path / "a")
    assert np.array_equal(load_faces(tmp_path / again).images, load_faces(tmp_path / "a").images)


def test_other_detector(mine, tmp_path, yunet_model, monkeypatch):
    monkeypatch.setenv("SMILECAM_DATA", str(tmp_path / "data"))
    with pytest.raises(ModelFileError, match="smilecam models fetch"):
        crop_photos(mine, tmp_path / "faces", CropSettings("yunet"))
    assert call(["models", "fetch", "yunet", "--from", str(yunet_model)]) == exit_codes.DONE
    crop_photos(mine, tmp_path / "faces", CropSettings("yunet"))
    assert {row["detector"] for row in manifest(tmp_path / "faces")} == {"yunet"}
    assert evaluate(Decision("smilenet"), tmp_path / "faces", Boxes.AUTO, Crop.TRAINED).metrics.accuracy == 1


def test_where_crops_cannot_go(mine, tmp_path, capfd):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "file").touch()
    for out, code in ((mine, 2), (mine / "faces", 2), (tmp_path / "full", 2), (tmp_path / "file", 1)):
        assert call(["data", "crop", str(mine), "--out", str(out)]) == code
    assert (tmp_path / "full" / "mine.txt").exists()
    assert len([line for line in capfd.readouterr().err.splitlines() if line.startswith("smilecam: ")]) == 4


def test_photos_without_any_face_leave_nothing(tmp_path, noise):
    write(tmp_path / "mine" / "smile" / "a.png", noise)
    write(tmp_path / "mine" / "not_smile" / "b.png", drawn(0.0, 200))
    with pytest.raises(
        DataError, match="no face to crop for smile; 1 of 2 photos were left out, the first one smile/a"
    ):
        crop_photos(tmp_path / "mine", tmp_path / "out" / "faces", CropSettings())
    assert list((tmp_path / "out").iterdir()) == []


def test_interrupt_leaves_nothing(mine, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crop_photos(mine, tmp_path / "out" / "faces", CropSettings(), interrupt)
    assert list((tmp_path / "out").iterdir()) == []


def test_crops_are_not_cropped_again(mine, tmp_path):
    crop_photos(mine, tmp_path / "faces", CropSettings())
    with pytest.raises(DataError, match="a face crop already"):
        crop_photos(tmp_path / "faces", tmp_path / "again", CropSettings())


def test_a_crop_states_its_framing_wherever_it_is():
    content = encode_crop(np.zeros((176, 176, 3), np.uint8), MARGIN / STORED_SIZE)
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED).shape == (176, 176, 3)
    assert framing_of(content).side == pytest.approx(64 / 88)
    plain = cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()
    jpeg = cv2.imencode(".jpg", np.zeros((9, 9), np.uint8))[1].tobytes()
    for other in (plain, jpeg, b"", content[:40], content[:10], content.replace(b"0.1875", b"-1.875")):
        assert framing_of(other) is None
    assert framing_of(content.replace(b"0.1875", b"   nan")) is None


def test_training_on_crops(mine, tmp_path, capfd):
    pytest.importorskip("torch", reason='needs the "train" extra')
    options = ["--recipe", "fast", "--epochs", "1", "--device", "cpu", "--out", str(tmp_path / "run")]
    assert call(["train", "--data", str(mine), *options]) == exit_codes.FAILURE
    assert "smilecam data crop" in capfd.readouterr().err
    assert call(["data", "crop", str(mine), "--out", str(tmp_path / "faces")]) == exit_codes.DONE
    assert call(["train", "--data", str(tmp_path / "faces"), *options]) == exit_codes.DONE
    assert "training on 10 faces (5 smiling), validating on 2" in capfd.readouterr().out


def test_still_gifs_are_images_of_a_data_set(write_gif, tmp_path):
    for label in ("smile", "not_smile"):
        (tmp_path / label).mkdir()
        write_gif(tmp_path / label / "still.gif", [drawn(1.0, 200)])
        write_gif(tmp_path / label / "moving.gif", [drawn(1.0, 200), drawn(0.0, 200)])
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for path in tmp_path.rglob("*.gif"):
            archive.write(path, path.relative_to(tmp_path))
    for data in (tmp_path, tmp_path / "packed.zip"):
        assert [face.name for face in iter_faces(data)[1]] == ["not_smile/still.gif", "smile/still.gif"]
