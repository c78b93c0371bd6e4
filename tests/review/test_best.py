"""The one where everybody smiles: photos grouped by scene, ranked, and drawn on a contact sheet."""

import json
from pathlib import Path

import numpy as np
import pytest

from smilecam import load_image
from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.drawing import SMILE_COLOUR
from smilecam.opencv import cv2
from smilecam.review.photos.groups import group_photos, natural_key, signature
from smilecam.review.photos.sheet import GAP, LINE, TILE, _places
from smilecam.sources.images import save_image

ROOM, GARDEN = 0, 1


def background(place, size=(600, 800)):
    coarse = np.random.default_rng(place).integers(60, 200, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def album(tmp_path_factory, astronaut, hopper):
    """Two bursts of two people each, a photo of one person, and one of a room without people."""
    folder = tmp_path_factory.mktemp("album") / "album"
    folder.mkdir()
    smiling, plain = (
        cv2.resize(cut, (190, 190), interpolation=cv2.INTER_AREA)
        for cut in (astronaut[0:290, 90:380], hopper[30:430, 75:475])
    )

    def photo(name, place, left, right=None, shift=0):
        image = background(place)
        image[200:390, 150 + shift : 340 + shift] = left
        if right is not None:
            image[200:390, 450 - shift : 640 - shift] = right
        save_image(folder / name, image)

    photo("IMG_9.jpg", ROOM, smiling, plain)
    photo("IMG_10.jpg", ROOM, smiling, np.ascontiguousarray(smiling[:, ::-1]), shift=8)
    photo("IMG_11.jpg", ROOM, plain, np.ascontiguousarray(plain[:, ::-1]), shift=4)
    photo("IMG_12.png", GARDEN, plain, smiling)
    photo("IMG_13.jpg", GARDEN, plain, plain, shift=6)
    photo("täglich.jpg", 7, smiling)
    save_image(folder / "room.jpg", background(8))
    return folder


@pytest.fixture(scope="module")
def ranked(album, tmp_path_factory):
    """(lines on standard output, JSON, sheet) of the album."""
    folder = tmp_path_factory.mktemp("best")
    sheet, lines = folder / "sheet.png", folder / "best.json"
    with pytest.MonkeyPatch.context() as patch:
        said = []
        patch.setattr("click.echo", lambda text, **options: said.append(str(text)))
        assert call(["best", str(album), "--sheet", str(sheet), "--json", str(lines), "--detector", "haar"]) == 0
    return said, json.loads(lines.read_text("utf-8")), load_image(sheet)


def test_scenes_are_ranked_and_so_are_their_photos(ranked):
    _, content, _ = ranked
    names = [[Path(photo["path"]).name for photo in group["photos"]] for group in content["groups"]]
    assert names[0] == ["IMG_10.jpg", "IMG_9.jpg", "IMG_11.jpg"]
    assert sorted(names[1:3]) == [["IMG_12.png", "IMG_13.jpg"], ["täglich.jpg"]]
    assert names[3] == ["room.jpg"]


def test_the_one_where_everybody_smiles(ranked, album):
    said, content, _ = ranked
    best = [photo["path"] for group in content["groups"] for photo in group["photos"] if photo["everybody_smiles"]]
    assert sorted(Path(path).name for path in best) == ["IMG_10.jpg", "täglich.jpg"]
    assert said[0] == f"   1.1  {album / 'IMG_10.jpg'}: everybody smiles, eyes open in 2"
    assert f"{album / 'IMG_9.jpg'}: 1 of 2 smile" in said[1]
    assert f"{album / 'IMG_11.jpg'}: 0 of 2 smile" in said[2]
    assert f"   4.1  {album / 'room.jpg'}: no face" in said


def test_what_the_json_says_of_a_photo(ranked):
    _, content, _ = ranked
    first = content["groups"][0]["photos"][0]
    assert (content["groups"][0]["faces"], first["smiling"], first["eyes_open"], first["bystanders"]) == (2, 2, 2, 0)
    assert first["score"] == pytest.approx(sum(face["smile"] for face in first["faces"]) + 0.2, abs=1e-3)
    assert all(face["smiling"] and face["eyes_open"] is True and face["confidence"] > 0.7 for face in first["faces"])


def test_the_sheet_shows_each_photo_in_its_place(ranked, album):
    _, content, sheet = ranked
    across, down = TILE[0] + GAP, TILE[1] + 2 * LINE + 2 * GAP
    counts = [len(group["photos"]) for group in content["groups"]]
    photos = [photo for group in content["groups"] for photo in group["photos"]]
    assert sheet.shape == (2 * down + GAP, 5 * across + GAP, 3)
    for photo, (row, column) in zip(photos, _places(counts, 5), strict=True):
        image = cv2.resize(load_image(photo["path"]), TILE, interpolation=cv2.INTER_AREA)
        tile = sheet[GAP + row * down :, GAP + column * across :][: TILE[1], : TILE[0]]
        assert np.median(np.abs(tile.astype(int) - image)) < 3, photo["path"]
    edge = sheet[GAP - 4, GAP : GAP + TILE[0]]
    assert (edge == SMILE_COLOUR).all(), "the best photo has a frame"


def test_bystanders_do_not_count(tmp_path, astronaut, hopper, capsys):
    image = background(3, (900, 1200))
    image[100:700, 100:700] = cv2.resize(astronaut[0:290, 90:380], (600, 600))
    image[600:700, 950:1050] = cv2.resize(hopper[30:430, 75:475], (100, 100), interpolation=cv2.INTER_AREA)
    save_image(tmp_path / "photo.png", image)
    lines = tmp_path / "best.json"
    arguments = ["best", str(tmp_path), "--sheet", str(tmp_path / "s.jpg"), "--json", str(lines), "--detector", "haar"]
    assert call(arguments) == exit_codes.DONE
    (photo,) = json.loads(lines.read_text("utf-8"))["groups"][0]["photos"]
    assert (photo["everybody_smiles"], photo["bystanders"]) == (True, 1)
    capsys.readouterr()


def test_codes_and_messages(tmp_path, album, clip, hopper, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "clip.mp4").write_bytes(clip.read_bytes())
    for name in ("mixed", "broken", "plain"):
        (tmp_path / name).mkdir()
    for path in (tmp_path / "mixed" / "a.jpg", tmp_path / "broken" / "b.jpg"):
        path.write_bytes(b"")
    for name in ("mixed", "plain"):
        save_image(tmp_path / name / "hopper.jpg", hopper)
    cases = [
        (["videos"], exit_codes.SOURCE, "no photos in videos"),
        (["nowhere"], exit_codes.SOURCE, "no file at nowhere"),
        (["broken"], exit_codes.SOURCE, "b.jpg is empty"),
        (["mixed"], exit_codes.SOME_FAILED, "a.jpg is empty"),
        (["plain"], exit_codes.NOT_SEEN, ""),
        (["plain", "--sheet", "plain/hopper.jpg"], exit_codes.USAGE, "would replace a source"),
        (["plain", "--sheet", "sheet.pdf"], exit_codes.USAGE, "an image's name ends in"),
        (["plain", "--sheet", "a.png", "--json", "./a.png"], exit_codes.USAGE, "both name"),
        (["", "--sheet", "a.png"], exit_codes.USAGE, "empty name"),
        (["plain", "--json", "none/best.json"], exit_codes.FAILURE, "cannot write none"),
    ]
    for arguments, code, message in cases:
        assert call(["best", "--detector", "haar", *arguments]) == code, arguments
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == bool(message)


def test_numbers_in_names_count_as_numbers():
    names = ["IMG_10.jpg", "img_9.jpg", "IMG_9b.jpg", "a.jpg", "IMG_010.jpg"]
    ordered = sorted(map(Path, names), key=natural_key)
    assert [path.name for path in ordered] == ["a.jpg", "img_9.jpg", "IMG_9b.jpg", "IMG_010.jpg", "IMG_10.jpg"]


def test_frames_of_one_clip_are_one_scene_and_those_of_others_are_not(videos):
    import av

    shots = []
    for name in ("clm_franck.mp4", "grid_bbaf2n.mpg", "pyfeat_single_face.mp4", "sadtalker_aoc.mp4"):
        with av.open(str(videos / name)) as film:
            frames = [frame for frame in film.decode(video=0) if frame.time is not None and frame.time < 2]
        shots.append([frame.to_ndarray(format="bgr24") for frame in frames[:: max(1, len(frames) // 3)][:3]])
    signatures = [signature(image) for shot in shots for image in shot]
    assert group_photos(signatures) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_a_photo_in_between_does_not_break_a_scene():
    room, garden = signature(background(ROOM)), signature(background(GARDEN))
    assert group_photos([room, garden, room, room]) == [[0, 2, 3], [1]]


def test_grey_photos_are_told_apart_by_their_structure():
    grey = [cv2.cvtColor(cv2.cvtColor(background(n), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) for n in range(6)]
    assert group_photos([signature(image) for image in grey]) == [[n] for n in range(6)]


@pytest.mark.parametrize(
    ("counts", "columns", "expected"),
    [
        ([1, 1, 1], 2, [(0, 0), (0, 1), (1, 0)]),
        ([2, 3], 3, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]),
        ([1, 2, 1], 3, [(0, 0), (0, 1), (0, 2), (1, 0)]),
        ([5], 5, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]),
    ],
)
def test_scenes_share_a_row_where_they_fit(counts, columns, expected):
    assert _places(counts, columns) == expected
