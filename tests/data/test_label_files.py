"""Indexed data sets and label files, on small sets made here and on the real ones where they are at hand."""

import math
import shutil

import numpy as np
import pytest

from smilecam.data.entries import open_entries
from smilecam.data.faces import load_faces, merge
from smilecam.data.label_files import VOTES, SoftLabel, load_label_file
from smilecam.data.layouts import INDEXED, find_layout
from smilecam.data.splits import Variant, select_variant, stratified_folds, stratified_split
from smilecam.errors import DataError
from smilecam.opencv import cv2


def face(seed, size=96):
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


def write_indexed(folder, rows, columns="file,smile,identity"):
    """An indexed data set in the form of MTFL and CelebA: 96x96 images beside their index."""
    folder.mkdir(parents=True)
    for number, _ in enumerate(rows):
        cv2.imwrite(str(folder / f"{number:03}.png"), face(number))
    lines = [columns, *(",".join([f"set/{number:03}.png", *map(str, row)]) for number, row in enumerate(rows))]
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder.parent


def write_csv(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def indexed(tmp_path):
    """48 faces of 12 individuals, every third face smiling."""
    return write_indexed(tmp_path / "data" / "set", [(int(number % 3 == 0), number // 4 + 1) for number in range(48)])


def test_index_gives_labels_identities_and_framing(indexed):
    faces = load_faces(indexed)
    assert len(faces) == 48
    assert int(faces.labels.sum()) == 16
    assert faces.identities[:5] == ("1", "1", "1", "1", "2")
    # The margin comes from the image itself, pixel for pixel.
    assert np.array_equal(faces.images[7], face(7)[4:92, 4:92])
    assert np.array_equal(faces.framed[7], face(7)[16:80, 16:80])


def test_index_in_an_archive_and_in_a_folder_of_its_own(indexed, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", indexed)
    digests = {load_faces(path).content_digest for path in (indexed, tmp_path / archive, indexed / "set")}
    assert len(digests) == 1


def test_images_without_a_label_and_outside_the_index_are_left_out(tmp_path):
    data = write_indexed(tmp_path / "data" / "set", [(1,), (0,), ("",)], "file,smile")
    cv2.imwrite(str(data / "set" / "other.png"), face(9))
    faces = load_faces(data)
    assert faces.names == ("set/000.png", "set/001.png")
    assert faces.identities is None


@pytest.mark.parametrize(
    ("line", "words"),
    [("set/9.png,1,", "set/9.png, which is not beside it"), ("set/000.png,2,", "smile is '2' for set/000.png")],
)
def test_index_that_is_wrong(indexed, line, words):
    index = indexed / "set" / "index.csv"
    write_csv(index, index.read_text().strip(), line)
    with pytest.raises(DataError, match=words):
        load_faces(indexed)


def test_another_index_file_does_not_matter(tmp_path):
    for number, label in enumerate(("smile", "not_smile")):
        (tmp_path / label).mkdir()
        cv2.imwrite(str(tmp_path / label / "a.png"), face(number))
        (tmp_path / label / "index.csv").write_bytes(b"\xff\xfe")
    write_csv(tmp_path / "index.csv", "name,size", "a,3")
    assert len(load_faces(tmp_path)) == 2


@pytest.mark.parametrize("seed", range(5))
def test_individuals_are_never_in_both_sets(indexed, seed):
    faces = select_variant(load_faces(indexed), Variant.CLEAN)
    keys = np.array(faces.identities)
    training, validation = stratified_split(faces, 0.25, seed)
    assert sorted([*training, *validation]) == list(range(48))
    assert len(validation) == 12
    assert not set(keys[training]) & set(keys[validation])
    fold_of = stratified_folds(faces, 3, seed)
    assert all(len(set(fold_of[keys == key])) == 1 for key in keys)
    assert set(fold_of) == {0, 1, 2}


def test_merge_keeps_identities_and_soft_labels(indexed, tmp_path):
    faces = load_faces(indexed)
    other = load_faces(write_indexed(tmp_path / "other" / "set", [(1,), (0,)], "file,smile"))
    soft = load_label_file(write_csv(tmp_path / "a.csv", "file,smile", "set/000.png,0.25")).apply(other)
    both = merge(faces, soft)
    assert both.identities[-3:] == ("12", "", "")
    assert both.soft_labels.tolist() == [*faces.labels.tolist(), 0.25, 0]
    assert merge(faces, other).soft_labels is None
    assert both.take(np.array([48, 0])).soft_labels.tolist() == [0.25, 1]


def test_shares(indexed, tmp_path):
    lines = ["member,smile", "x/set/000.png,0.3", "set/001.png,1", "set/002.png,"]
    found = load_label_file(write_csv(tmp_path / "shares.csv", *lines))
    faces = load_faces(indexed)
    labelled = found.apply(faces)
    assert labelled.soft_labels[:2].tolist() == pytest.approx([0.3, 1])
    assert math.isnan(labelled.soft_labels[2])
    assert np.array_equal(labelled.soft_labels[3:], faces.labels[3:])
    assert np.array_equal(labelled.labels, faces.labels)
    assert labelled.content_digest == faces.content_digest
    assert found.count(faces.names) == 3


def votes(also_in="", **given):
    return ",".join(["train/happy/a.jpg", also_in, *(str(given.get(emotion, 0)) for emotion in VOTES)])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (votes(happiness=7, neutral=3), SoftLabel(0.7, 1)),
        (votes(happiness=1, neutral=9), SoftLabel(0.1, 0)),
        (votes(happiness=4, surprise=6), SoftLabel(0.4, None)),
        (votes(happiness=5, neutral=5), SoftLabel(0.5, None)),
        (votes(happiness=12, neutral=8), SoftLabel(0.6, 1)),
        (votes("validation", happiness=10), SoftLabel(None, None)),
        (votes(happiness=3, NF=7), SoftLabel(None, None)),
        (votes(happiness=5, unknown=5), SoftLabel(None, None)),
        (votes(), SoftLabel(None, None)),
    ],
)
def test_votes(tmp_path, row, expected):
    found = load_label_file(write_csv(tmp_path / "votes.csv", ",".join(["member", "also_in", *VOTES]), row))
    assert found.soft_labels == {"happy/a.jpg": expected}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0,neutral,0", SoftLabel(0.0, 0)),
        ("0,,", SoftLabel(0.0, 0)),
        ("1,happiness,", SoftLabel(1.0, 1)),
        ("0,happiness,", SoftLabel(0.5, None)),
        ("0,happiness,1", SoftLabel(2 / 3, None)),
        ("1,surprise,0", SoftLabel(1 / 3, None)),
    ],
)
def test_second_labellings(tmp_path, row, expected):
    header = "member,smiles_label,muxspace_emotion,mtfl_smile"
    found = load_label_file(write_csv(tmp_path / "second.csv", header, f"a/negatives7/1.jpg,{row}"))
    assert found.soft_labels["negatives7/1.jpg"] == expected


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["member,smile"], "has no rows"),
        (["name,smile", "a/b.jpg,1"], "needs a column member or file"),
        (["member,happiness", "a/b.jpg,1"], "and those of one form: neutral, happiness"),
        (["member,smile", "a/b.jpg,1.5"], r"no valid label for a/b\.jpg"),
        (["member,smile", "a/b.jpg,nan"], r"no valid label for a/b\.jpg"),
        (["member,smile", "a/b.jpg,yes"], r"no valid label for a/b\.jpg"),
        (["member,smile", "a/b.jpg,1", "x/a/b.jpg,0"], r"two labels for x/a/b\.jpg"),
        (["member,smiles_label,muxspace_emotion,mtfl_smile", "a/b.jpg,2,,"], r"no valid label for a/b\.jpg"),
    ],
)
def test_label_files_that_make_no_sense(tmp_path, lines, words):
    with pytest.raises(DataError, match=words):
        load_label_file(write_csv(tmp_path / "a.csv", *lines))


def test_label_file_that_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "a.csv", tmp_path / "none.csv"):
        with pytest.raises(DataError, match="not readable as CSV"):
            load_label_file(path)


@pytest.mark.parametrize(
    ("name", "n", "smiles", "individuals"), [("mtfl", 8_844, 5_071, 1), ("celeba", 29_132, 15_425, 9_253)]
)
def test_real_indexed_sets(material, name, n, smiles, individuals):
    path = material / f"{name}_smile_g96.zip"
    with open_entries(path) as entries:
        layout, annotations = find_layout(entries, path)
    assert layout is INDEXED
    assert len(annotations) == n
    assert sum(each.label for each in annotations.values()) == smiles
    assert len({each.identity for each in annotations.values()}) == individuals


@pytest.mark.parametrize(
    ("data", "labels", "n", "counts"),
    [
        ("fer2013_train.zip", "fer2013_train_ferplus.csv", 28_709, (7_334, 9_270)),
        ("SMILEsmileD-master.zip", "smiles_second_opinion.csv", 13_165, (3_596, 7_304)),
        ("fer2013_validation", "fer_validation_ferplus.csv", 1_502, (835, 573)),
    ],
)
def test_real_label_files(material, data, labels, n, counts):
    found = load_label_file(material / labels)
    with open_entries(material / data) as entries:
        _, annotations = find_layout(entries, data)
    assert found.count(map(str, annotations)) == n == len(annotations)
    assert tuple(sum(each.label == label for each in found.soft_labels.values()) for label in (1, 0)) == counts
