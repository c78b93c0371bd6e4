"""Loading, variants and splits, on the real archive where it is at hand and on small sets made here."""

import shutil
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from smilecam.data import smiles_dataset
from smilecam.data.audit import audit, write_audit
from smilecam.data.faces import MARGIN, FaceSet, load_faces, merge, photograph_keys
from smilecam.data.splits import Variant, exclude, near_duplicates, select_variant, stratified_folds, stratified_split
from smilecam.errors import DataError, DownloadError
from smilecam.opencv import cv2


def face(seed, size=64):
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


def write(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


@pytest.fixture
def folder(tmp_path):
    """20 smiles and 40 others; one picture twice, one under both labels."""
    for number in range(60):
        label = "smile" if number % 3 == 0 else "not_smile"
        write(tmp_path / "set" / label / f"{number:03}.png", face(number))
    write(tmp_path / "set" / "not_smile" / "again.png", face(1))
    write(tmp_path / "set" / "not_smile" / "both.png", face(0))
    return tmp_path / "set"


def test_folder(folder):
    faces = load_faces(folder)
    assert len(faces) == 62
    assert faces.framed.shape == (62, 64, 64)
    assert faces.images.dtype == np.uint8
    assert int(faces.labels.sum()) == 20
    assert np.array_equal(faces.framed[faces.names.index("smile/003.png")], face(3))


def test_archive_of_the_folder_is_the_same(folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    packed, plain = load_faces(tmp_path / archive), load_faces(folder)
    assert packed.names == plain.names
    assert packed.content_digest == plain.content_digest
    assert np.array_equal(packed.images, plain.images)


def test_clean_view(folder):
    faces = load_faces(folder)
    clean = select_variant(faces, Variant.CLEAN)
    assert len(select_variant(faces, Variant.RAW)) == 62
    assert len(clean) == 62 - 1 - 2
    assert not {"smile/000.png", "not_smile/both.png", "not_smile/again.png"} - set(faces.names)
    assert "smile/000.png" not in clean.names
    assert "not_smile/both.png" not in clean.names
    assert len(set(clean.image_digests)) == len(clean)


@pytest.mark.parametrize("which", [Variant.RAW, Variant.CLEAN])
@pytest.mark.parametrize("seed", range(5))
def test_splits(folder, which, seed):
    faces = select_variant(load_faces(folder), which)
    training, validation = stratified_split(faces, 0.2, seed)
    assert sorted([*training, *validation]) == list(range(len(faces)))
    for label in (0, 1):
        assert (faces.labels[validation] == label).sum() == round(0.2 * (faces.labels == label).sum())
    digests = faces.image_digests
    assert not {digests[row] for row in training} & {digests[row] for row in validation}


def test_splits_depend_on_the_seed_alone(folder):
    faces = load_faces(folder)
    first, again, other = (stratified_split(faces, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_splits_do_not_follow_file_order(folder):
    _, validation = stratified_split(load_faces(folder), 0.2, 0)
    names = [load_faces(folder).names[row] for row in validation]
    assert len({name.split("/")[1] < "030" for name in names}) == 2


def test_too_few_pictures(tmp_path):
    write(tmp_path / "smile" / "a.png", face(1))
    write(tmp_path / "not_smile" / "b.png", face(2))
    with pytest.raises(DataError, match="too few"):
        stratified_split(load_faces(tmp_path), 0.2, 0)


def test_fer2013_layout_takes_the_training_part_and_its_own_framing(tmp_path):
    for part in ("train", "test"):
        for emotion in ("happy", "sad", "neutral"):
            for number in range(3):
                write(tmp_path / part / emotion / f"{part}{number}.png", face(number, 48))
    faces = load_faces(tmp_path)
    assert len(faces) == 9
    assert int(faces.labels.sum()) == 3
    assert all(name.startswith("train/") for name in faces.names)
    assert faces.framed.shape[1:] == (64, 64)


def test_fer2013_pictures_are_cut_to_the_framing_of_smiles(tmp_path):
    picture = np.zeros((100, 100), np.uint8)
    picture[13:94, 10:90] = 200
    for emotion in ("happy", "sad"):
        write(tmp_path / emotion / "a.png", picture)
    assert load_faces(tmp_path).framed.mean() > 195


def test_archive_made_on_a_mac(folder, tmp_path):
    archive = tmp_path / "mac.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in folder.rglob("*.png"):
            name = file.relative_to(folder).as_posix()
            packed.write(file, name)
            packed.writestr(f"__MACOSX/{file.parent.name}/._{file.name}", b"attributes, not a picture")
    assert len(load_faces(archive)) == 62


def test_pictures_over_the_limits(tmp_path, monkeypatch):
    for label in ("smile", "not_smile"):
        write(tmp_path / "long" / label / "a.png", np.zeros((1, 20_000), np.uint8))
        write(tmp_path / "large" / label / "a.png", np.zeros((12_000, 12_000), np.uint8))
    with pytest.raises(DataError, match="side of more than"):
        load_faces(tmp_path / "long")
    with pytest.raises(DataError, match="too large"):
        load_faces(tmp_path / "large")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "large")
    monkeypatch.setattr("smilecam.data.entries.MAX_ENTRY_BYTES", 1000)
    with pytest.raises(DataError, match="over the limit of 1000 bytes"):
        load_faces(tmp_path / archive)


def test_damaged_archive(folder, tmp_path):
    archive = tmp_path / shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    content = bytearray(archive.read_bytes())
    content[400:900] = bytes(500)
    archive.write_bytes(content)
    with pytest.raises(DataError):
        load_faces(archive)


def test_extra_faces_that_are_held_out_are_dropped(folder):
    faces = load_faces(folder)
    held_out = faces.take(np.array([0, 5, 9]))
    rest = exclude(faces, held_out)
    assert not set(rest.image_digests) & set(held_out.image_digests)
    assert len(rest) < len(faces)
    assert exclude(rest, held_out) is rest


def test_merge(folder):
    faces = load_faces(folder)
    both = merge(faces, faces.take(np.array([1, 2])))
    assert len(both) == 64
    assert both.names[-1] == faces.names[2]
    assert both.content_digest != faces.content_digest
    assert isinstance(both, FaceSet)


def test_photographs_are_joined_by_content_and_by_number():
    keys = photograph_keys(["a", "b", "b", "c", "d"], ["n/1.jpg", "p/1.jpg", "n/2.jpg", "n/3.jpg", "p/4.jpg"])
    assert len({keys[0], keys[1], keys[2]}) == 1
    assert len(set(keys)) == 3
    assert photograph_keys(["a", "b"], None) == ("a", "b")


def test_what_is_no_data(tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "one" / "smile" / "a.png", face(1))
    write(tmp_path / "mixed" / "smile" / "a.png", face(1))
    write(tmp_path / "mixed" / "not_smile" / "a.png", face(2))
    write(tmp_path / "mixed" / "happy" / "a.png", face(3))
    write(tmp_path / "mixed" / "sad" / "a.png", face(4))
    for name, words in {
        "none": "no data at",
        "text.zip": "neither a folder nor a readable zip",
        "empty": "no labelled images of both classes",
        "one": "no labelled images of both classes",
        "mixed": "mixes several layouts",
    }.items():
        with pytest.raises(DataError, match=words):
            load_faces(tmp_path / name)


def test_damaged_picture_is_named(folder):
    (folder / "smile" / "broken.png").write_bytes(b"\x89PNG and no more")
    with pytest.raises(DataError, match=r"smile/broken\.png is not a readable image"):
        load_faces(folder)


def test_audit(folder, tmp_path):
    found = audit(folder)
    assert found.n == 62
    assert found.classes == {"not_smile": 42, "smile": 20}
    assert found.sizes == {"64 x 64": 62}
    assert found.equal == [["not_smile/001.png", "not_smile/again.png"]]
    assert found.contradictory == [["not_smile/both.png", "smile/000.png"]]
    assert found.clean == len(select_variant(load_faces(folder), Variant.CLEAN))
    paths = write_audit(found, tmp_path / "report")
    assert [path.name for path in paths] == ["audit.json", "contact_sheet_not_smile.png", "contact_sheet_smile.png"]
    assert cv2.imread(str(paths[2]), 0).shape == (128, 1024)


def test_real_archive(smiles_archive):
    found = audit(smiles_archive)
    assert found.n == 13_165
    assert found.classes == {"not_smile": 9_475, "smile": 3_690}
    assert found.sizes == {"64 x 64": 13_165}
    assert found.content_digest == smiles_dataset.CONTENT_DIGEST
    numbers = sorted(int(group[0].rsplit("/")[-1].removesuffix(".jpg")) for group in found.contradictory)
    assert numbers == [5, 29, 2422, 3308, 5837, 10249, 12525]
    assert len(found.equal) == 2
    assert found.clean == 13_149


def test_real_split_is_that_of_the_reference(smiles_archive):
    faces = load_faces(smiles_archive)
    training, validation = stratified_split(faces, 0.2, 0)
    assert (len(training), len(validation)) == (10_532, 2_633)
    keys = faces.photographs
    assert not {keys[row] for row in training} & {keys[row] for row in validation}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A web server on loopback for the files of a folder: (address, folder)."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", folder
        running.shutdown()
        thread.join()


def test_fetch_over_http(server, smiles_archive, tmp_path):
    address, folder = server
    shutil.copy(smiles_archive, folder / "smiles.zip")
    seen = []
    path = smiles_dataset.fetch(tmp_path / "cache", url=f"{address}/smiles.zip", progress=lambda *now: seen.append(now))
    assert path.read_bytes() == smiles_archive.read_bytes()
    assert seen[-1] == (smiles_archive.stat().st_size, smiles_archive.stat().st_size)
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [smiles_dataset.ARCHIVE_NAME]


def test_fetch_from_a_copy(smiles_archive, tmp_path):
    path = smiles_dataset.fetch(tmp_path / "cache", smiles_archive)
    assert smiles_dataset.find_smiles(None, tmp_path / "cache") == path
    # A good copy is not downloaded again: this address would fail.
    assert smiles_dataset.fetch(tmp_path / "cache", url="http://127.0.0.1:9/x.zip") == path


def test_fetch_of_something_else_leaves_nothing(server, folder, tmp_path):
    address, served = server
    shutil.make_archive(str(served / "other"), "zip", folder)
    with pytest.raises(DataError, match=r"other\.zip holds .* images, not"):
        smiles_dataset.fetch(tmp_path / "cache", url=f"{address}/other.zip")
    assert list((tmp_path / "cache").iterdir()) == []


def test_altered_picture_is_noticed(smiles_archive, tmp_path):
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(smiles_archive) as before, zipfile.ZipFile(altered, "w") as after:
        names = [name for name in before.namelist() if name.endswith(".jpg")]
        for name in names:
            after.writestr(name, before.read(names[0] if name == names[1] else name))
    with pytest.raises(DataError, match="content digest differs"):
        smiles_dataset.verify(altered)


def test_download_that_breaks_off(tmp_path):
    class Breaks(Quiet):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 10)

    with ThreadingHTTPServer(("127.0.0.1", 0), Breaks) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        with pytest.raises(DownloadError, match=r"broke off|cannot download"):
            smiles_dataset.fetch(tmp_path / "cache", url=f"http://127.0.0.1:{running.server_address[1]}/x.zip")
        running.shutdown()
        thread.join()
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_server(tmp_path):
    with pytest.raises(DownloadError, match="check the network"):
        smiles_dataset.fetch(tmp_path / "cache", url="http://127.0.0.1:9/x.zip")


def test_missing_page(server, tmp_path):
    with pytest.raises(DownloadError, match="answers 404"):
        smiles_dataset.fetch(tmp_path / "cache", url=f"{server[0]}/none.zip")


def test_nothing_fetched_says_how(tmp_path):
    with pytest.raises(DataError, match="smilecam data fetch"):
        smiles_dataset.find_smiles(None, tmp_path)


def face_set(pictures, labels, photographs=None):
    framed = np.stack(pictures)
    margin = ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN))
    names = tuple(str(row) for row in range(len(labels)))
    keys = tuple(photographs or names)
    return FaceSet(np.pad(framed, margin, mode="edge"), np.array(labels, np.int64), names, names, keys, names)


def distinct(count):
    rng = np.random.default_rng(0)
    return [np.asarray(rng.integers(0, 256, (64, 64)), np.uint8) for _ in range(count)]


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_hold_the_same_share_of_each_class(folds):
    faces = face_set(distinct(60), [0] * 40 + [1] * 20)
    fold_of = stratified_folds(faces, folds, seed=0)
    for label, count in ((0, 40), (1, 20)):
        assert np.bincount(fold_of[faces.labels == label]).tolist() == [count // folds] * folds
    assert not np.array_equal(fold_of, stratified_folds(faces, folds, seed=1))
    assert np.array_equal(fold_of, stratified_folds(faces, folds, seed=0))


@pytest.mark.parametrize("seed", range(10))
def test_near_copies_share_a_fold_also_in_chains(seed):
    """Face 2 is alike to 0 and to 1, which are less alike; face 3 is 4 under a common key; face 5 is 6, darker."""
    pictures = distinct(40)
    coarse = [np.kron(np.random.default_rng(row).integers(0, 256, (8, 8)), np.ones((8, 8))) for row in (1, 2)]
    pictures[0] = np.asarray(coarse[0], np.uint8)
    pictures[2] = np.asarray(coarse[0] * 0.85 + coarse[1] * 0.15, np.uint8)
    pictures[1] = np.asarray(coarse[0] * 0.7 + coarse[1] * 0.3, np.uint8)
    pictures[6] = (pictures[5] // 2).astype(np.uint8)
    keys = [str(row) for row in range(40)]
    keys[3] = keys[4]
    faces = face_set(pictures, [0, 1] * 20, keys)
    fold_of = stratified_folds(faces, 4, seed)
    assert fold_of[0] == fold_of[1] == fold_of[2]
    assert fold_of[3] == fold_of[4]
    assert fold_of[5] == fold_of[6]
    assert near_duplicates(faces)[[0, 1, 2, 7]].tolist() == [0, 0, 0, 7]


def test_folds_of_too_few_different_pictures():
    with pytest.raises(DataError, match="too few different images"):
        stratified_folds(face_set(distinct(20) + distinct(1) * 10, [0] * 20 + [1] * 10), 3, 0)
    with pytest.raises(DataError, match="too few different images"):
        stratified_folds(face_set(distinct(12), [0] * 10 + [1] * 2), 3, 0)


def test_a_class_only_in_the_test_part_is_none(tmp_path):
    for folder in ("train/happy", "test/sad"):
        (tmp_path / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / folder / "1.png"), distinct(1)[0])
    with pytest.raises(DataError, match="no labelled images of both classes"):
        load_faces(tmp_path)
