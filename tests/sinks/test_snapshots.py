from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from smilecam.errors import OutputError
from smilecam.results import FrameResult
from smilecam.sinks.snapshots import MAX_SMILES, Snapshots
from smilecam.sources.base import Kind, SourceRef
from smilecam.sources.frame import Frame
from smilecam.sources.images import load_image
from smilecam.types import Box, Event, EventKind, Face

CLIP = SourceRef("some/clip.mp4", Kind.VIDEO, Path("some/clip.mp4"))
BOX = Box(100, 60, 200, 160)
FPS = 10


class Opened:
    live = False

    def __init__(self, ref=CLIP):
        self.ref = ref


def face(smile, track=1, box=BOX, smiling=True):
    return Face(box, 0.9, smile, smiling, track, smile)


def show(sink, number, *faces, image=None):
    """A frame whose grey level is its number."""
    image = np.full((240, 320, 3), number, np.uint8) if image is None else image
    sink.write(Frame(number, number / FPS, image), FrameResult("some/clip.mp4", number, number / FPS, faces))


def end_of(track, number):
    return Event(EventKind.SMILE_END, "some/clip.mp4", number / FPS, number, track, number / FPS, 0.9)


def levels(sink):
    return [round(float(load_image(path).mean())) for path in sink.written]


def test_the_strongest_frame_is_kept(tmp_path):
    sink = Snapshots(tmp_path)
    sink.begin(Opened())
    for number, smile in enumerate([0.7, 0.8, 0.97, 0.9, 0.8]):
        show(sink, number, face(smile))
    assert list(tmp_path.iterdir()) == []
    sink.event(end_of(1, 4))
    assert levels(sink) == [2]
    assert [path.name for path in sink.written] == ["clip_person1_00000.20s.jpg"]
    sink.end()
    assert len(sink.written) == 1


@pytest.mark.parametrize("worse", [Box(100, 60, 130, 90), Box(-50, 60, 50, 160)], ids=["small", "cut off"])
def test_a_large_and_whole_face_is_preferred(tmp_path, worse):
    sink = Snapshots(tmp_path)
    sink.begin(Opened())
    show(sink, 10, face(0.8))
    show(sink, 11, face(0.95, box=worse))
    sink.end()
    assert levels(sink) == [10]


def test_a_lasting_smile_has_one_picture_after_three_seconds(tmp_path):
    sink = Snapshots(tmp_path)
    sink.begin(Opened())
    for number in range(200):
        show(sink, number, face(0.99 if number == 7 else 0.9 + number / 10_000))
        assert len(sink.written) == (number >= 30)
    sink.end()
    assert levels(sink) == [7]


def test_hold_off_is_counted_for_each_person(tmp_path):
    sink = Snapshots(tmp_path, cooldown=5.0)
    sink.begin(Opened())
    for number in range(120):
        on = number % 20 < 10  # a smile every two seconds
        show(sink, number, face(0.9, 1, smiling=on), face(0.9, 2, smiling=on and number >= 40))
    sink.end()
    times = {
        track: [float(p.stem.split("_")[2][:-1]) for p in sink.written if f"person{track}" in p.name]
        for track in (1, 2)
    }
    assert times == {1: [0.0, 6.0], 2: [4.0, 10.0]}
    for person in times.values():
        assert all(b - a >= 5.0 for a, b in pairwise(person))


def test_nothing_is_replaced(tmp_path):
    for _ in range(3):
        sink = Snapshots(tmp_path)
        sink.begin(Opened())
        show(sink, 5, face(0.9))
        sink.end()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"clip_person1_00000.50s{end}.jpg" for end in ("", "_2", "_3")]


def test_people_without_tracks_and_pictures_have_none(tmp_path):
    sink = Snapshots(tmp_path)
    sink.begin(Opened())
    show(sink, 1, face(0.9, track=None))
    sink.write(Frame(0, None, np.zeros((9, 9, 3), np.uint8)), FrameResult("a.jpg", 0, None, (face(0.9, None),)))
    sink.end()
    assert list(tmp_path.iterdir()) == []


def test_few_frames_are_kept_at_a_time(tmp_path):
    sink = Snapshots(tmp_path)
    sink.begin(Opened())
    for number in range(5):
        show(sink, number, *(face(0.9, track) for track in range(1, 41)))
    sink.end()
    assert len(sink.written) == MAX_SMILES


def test_a_camera_may_use_its_array_again(tmp_path):
    sink = Snapshots(tmp_path)
    sink.begin(Opened())
    image = np.full((240, 320, 3), 200, np.uint8)
    show(sink, 1, face(0.9), image=image)
    image[:] = 0
    sink.end()
    assert levels(sink) == [200]


def test_others_are_blurred_and_the_smile_is_not(tmp_path):
    stripes = np.zeros((240, 320, 3), np.uint8)
    stripes[::8] = stripes[1::8] = stripes[2::8] = stripes[3::8] = 255
    other = Box(10, 10, 60, 60)
    sink = Snapshots(tmp_path, blur=True)
    sink.begin(Opened())
    show(sink, 0, face(0.1, 2, other, smiling=False), image=stripes)
    show(sink, 1, face(0.9, 1), image=stripes)  # the other is lost, and stays covered
    sink.end()
    (picture,) = map(load_image, sink.written)
    assert float(picture[10:60, 10:60].std()) < 30
    assert float(picture[BOX.y1 : BOX.y2, BOX.x1 : BOX.x2].std()) > 100


def test_people_of_another_source_are_others(tmp_path):
    sink = Snapshots(tmp_path)
    for ref in (CLIP, SourceRef("camera:0", Kind.CAMERA, index=0)):
        sink.begin(Opened(ref))
        show(sink, 1, face(0.9))
        sink.end()
    assert [path.name.split("_")[0] for path in sink.written] == ["clip", "camera0"]


def test_a_folder_that_has_gone(tmp_path):
    sink = Snapshots(tmp_path / "none")
    sink.begin(Opened())
    show(sink, 1, face(0.9))
    with pytest.raises(OutputError, match="cannot write"):
        sink.end()
