"""One contract for every source that opens here, and what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest

from smilecam.errors import SourceEmpty, SourceError, SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2
from smilecam.video import sources
from smilecam.video.pictures import is_cut_jpeg
from smilecam.video.record import VideoRecorder
from smilecam.video.sources import CameraSource, Kind, SourceRef, find_sources, open_source


@pytest.fixture
def picture_file(tmp_path, astronaut):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), astronaut)
    return path


class RecordedCamera:
    """Stands for cv2.VideoCapture where no camera is: gives frames of a file, then fails."""

    def __init__(self, frames):
        self.frames = list(frames)
        self.released = False

    def get(self, _property):
        return 30.0

    def read(self):
        return (True, self.frames.pop(0)) if self.frames else (False, None)

    def release(self):
        self.released = True


@pytest.fixture(params=["picture", "video", "camera"])
def source(request, picture_file, clip, astronaut, monkeypatch):
    if request.param == "camera":
        monkeypatch.setattr(sources, "_open_camera", lambda _index: RecordedCamera([astronaut] * 3))
        ticks = iter([100.0, 100.5, 101.25, 103.0])
        return CameraSource(SourceRef("camera:0", Kind.CAMERA, index=0), 0, clock=lambda: next(ticks))
    path = picture_file if request.param == "picture" else clip
    return open_source(find_sources(str(path))[0])


def read_all(source):
    frames = []
    with source:
        try:
            frames.extend(source)
        except SourceUnreadable:
            assert source.ref.kind is Kind.CAMERA
    return frames


def test_contract(source):
    frames = read_all(source)
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert len(frames) == {"picture": 1, "video": 20, "camera": 3}[source.ref.kind.value]
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.ndim == 3
        assert frame.image.shape[2] == 3
    times = [frame.time for frame in frames]
    if source.ref.kind is Kind.PICTURE:
        assert times == [None]
    else:
        assert times == sorted(times)
        assert source.fps
    assert source.expected in (None, len(frames))


def test_video_times_are_its_own(clip):
    with open_source(find_sources(str(clip))[0]) as source:
        assert [round(frame.time, 3) for frame in source] == [round(n / 10, 3) for n in range(20)]


def test_camera_times_come_from_the_clock(monkeypatch, astronaut):
    camera = RecordedCamera([astronaut] * 2)
    monkeypatch.setattr(sources, "_open_camera", lambda _index: camera)
    ticks = iter([5.0, 5.25, 6.0])
    frames = []
    ref = SourceRef("camera:0", Kind.CAMERA, index=0)
    stops = pytest.raises(SourceUnreadable, match="stopped giving frames")
    with CameraSource(ref, 0, clock=lambda: next(ticks)) as source, stops:
        for frame in source:
            frames.append(frame)
    assert [frame.time for frame in frames] == [0.25, 1.0]
    assert camera.released


def test_uneven_timestamps_are_kept(videos):
    with open_source(find_sources(str(videos / "pyfeat_noface_face.mov"))[0]) as source:
        times = [frame.time for frame in source]
    steps = np.diff(times)
    assert len(times) == 169
    assert steps.min() > 0
    assert steps.max() > 1.5 * steps.min()


def test_gif_is_a_video(videos):
    with open_source(find_sources(str(videos / "intel_classroom.gif"))[0]) as source:
        assert source.ref.kind is Kind.VIDEO
        assert len(list(source)) == 45


@pytest.mark.parametrize("name", ["photo.jpg", "clip.mp4", "thing"])
def test_missing(tmp_path, name):
    with pytest.raises(SourceNotFound, match="no file at"):
        open_source(find_sources(str(tmp_path / name))[0])


@pytest.mark.parametrize("name", ["photo.jpg", "clip.mp4", "thing"])
def test_empty(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(SourceUnreadable, match="is empty"):
        open_source(find_sources(str(tmp_path / name))[0])


@pytest.mark.parametrize("name", ["photo.jpg", "clip.mp4", "clip.gif", "thing", "list.m3u8"])
def test_text_under_another_name(tmp_path, name):
    (tmp_path / name).write_text("This is no picture and no video.\n" * 20)
    with pytest.raises(SourceUnreadable):
        list(open_source(find_sources(str(tmp_path / name))[0]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_picture_cut_short(tmp_path, astronaut, suffix, share):
    content = cv2.imencode(suffix, astronaut)[1].tobytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SourceUnreadable, match="cut short"):
        open_source(find_sources(str(path))[0])


def test_video_cut_short(tmp_path, clip):
    content = clip.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceUnreadable):
        list(open_source(find_sources(str(path))[0]))


def test_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "huge.png"
    path.write_bytes(cv2.imencode(".png", np.zeros((12_000, 12_000), np.uint8))[1].tobytes())
    assert path.stat().st_size < 1_000_000
    with pytest.raises(SourceUnreadable, match="more than 100,000,000 pixels"):
        open_source(find_sources(str(path))[0])


def test_picture_of_one_pixel(tmp_path):
    path = tmp_path / "dot.png"
    cv2.imwrite(str(path), np.zeros((1, 1, 3), np.uint8))
    (frame,) = open_source(find_sources(str(path))[0])
    assert frame.image.shape == (1, 1, 3)


def test_playlist_may_not_open_other_files(tmp_path, clip):
    # FFmpeg by itself follows such a list, whatever the file is called.
    path = tmp_path / "list.mp4"
    (tmp_path / "other.mp4").write_bytes(clip.read_bytes())
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    assert cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).isOpened()
    with pytest.raises(SourceUnreadable):
        list(open_source(find_sources(str(path))[0]))
    assert "OPENCV_FFMPEG_CAPTURE_OPTIONS" not in os.environ


def test_what_is_no_video_is_not_taken_for_one(tmp_path, astronaut):
    import zipfile

    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.jpg", cv2.imencode(".jpg", astronaut)[1].tobytes())
    (tmp_path / "numbers.txt").write_text("\n".join(map(str, range(5000))))
    for name in ("photos.zip", "numbers.txt"):
        with pytest.raises(SourceUnreadable):
            list(open_source(find_sources(str(tmp_path / name))[0]))


def test_fill_bytes_in_a_jpeg_are_legal(tmp_path, astronaut):
    content = cv2.imencode(".jpg", astronaut)[1].tobytes()
    path = tmp_path / "fill.jpg"
    path.write_bytes(content[:2] + b"\xff\xff" + content[2:])
    (frame,) = open_source(find_sources(str(path))[0])
    assert frame.image.shape == astronaut.shape


def test_cut_jpeg_is_told_by_its_markers(astronaut):
    content = cv2.imencode(".jpg", astronaut)[1].tobytes()
    thumbnail = b"\xff\xe1" + (len(content[:200]) + 4).to_bytes(2, "big") + content[:200] + b"\xff\xd9"
    whole = content[:2] + thumbnail + content[2:]
    assert not is_cut_jpeg(whole)
    assert is_cut_jpeg(whole[:-100])
    assert is_cut_jpeg(whole[:100])
    assert not is_cut_jpeg(b"no JPEG")


def test_digits_name_a_camera_only_where_there_is_no_such_file(tmp_path, monkeypatch, picture_file):
    monkeypatch.chdir(tmp_path)
    assert find_sources("7")[0].kind is Kind.CAMERA
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "a.png").write_bytes(picture_file.read_bytes())
    assert find_sources("7")[0].kind is Kind.PICTURE
    assert find_sources("camera:7")[0].index == 7
    with pytest.raises(SourceNotFound):
        open_source(find_sources(Path("8"))[0])


def test_pattern_over_folders(tmp_path, monkeypatch, picture_file):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.png").write_bytes(picture_file.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert [ref.path.name for ref in find_sources("a/**/*.png")] == ["c.png"]


def test_time_never_runs_backwards(tmp_path):
    class Stutters(RecordedCamera):
        times = (0.0, 40.0, 80.0, 0.0, 160.0)

        def isOpened(self):  # noqa: N802 - OpenCV's name
            return True

        def get(self, what):
            if what == cv2.CAP_PROP_POS_MSEC:
                return self.times[len(self.times) - 1 - len(self.frames)]
            return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_FRAME_COUNT: 7.0}.get(what, 10.0)

    path = tmp_path / "stutter.mpg"
    path.write_bytes(b"x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "_open_file", lambda _path: Stutters([np.zeros((10, 10, 3), np.uint8)] * 5))
        source = open_source(find_sources(str(path))[0])
    assert [round(frame.time, 3) for frame in source] == [0.0, 0.04, 0.08, 0.12, 0.16]
    assert source.missing == 2


def test_camera_that_does_not_exist():
    (ref,) = find_sources("63")
    assert ref.kind is Kind.CAMERA
    with pytest.raises(SourceNotFound, match="no camera opens at index 63"):
        open_source(ref)


def exif_jpeg(picture, orientation):
    """A JPEG with an EXIF orientation, written into an APP1 segment by hand."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + entry + b"\x00\x00\x00\x00"
    payload = b"Exif\x00\x00" + tiff
    content = cv2.imencode(".jpg", picture)[1].tobytes()
    return content[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + content[2:]


def test_orientation_is_honoured(tmp_path, astronaut):
    upright = astronaut[:, :400]
    path = tmp_path / "sideways.jpg"
    path.write_bytes(exif_jpeg(np.rot90(upright), 6))  # 6: turn by 90 degrees clockwise to see it upright
    (frame,) = open_source(find_sources(str(path))[0])
    assert frame.image.shape == upright.shape
    assert np.abs(frame.image.astype(int) - upright).mean() < 5


def test_folder_gives_known_files_sorted(tmp_path, picture_file, clip):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.PNG", "a.png", ".hidden.png", "inner/c.png"):
        (folder / name).write_bytes(picture_file.read_bytes())
    (folder / "z.mp4").write_bytes(clip.read_bytes())
    (folder / "notes.txt").write_text("no")
    assert [ref.path.name for ref in find_sources(str(folder))] == ["a.png", "b.PNG", "z.mp4"]
    assert [ref.path.name for ref in find_sources(str(folder), recursive=True)] == ["a.png", "b.PNG", "c.png", "z.mp4"]


def test_folder_or_pattern_with_nothing(tmp_path):
    (tmp_path / "notes.txt").write_text("no")
    for argument in (tmp_path, tmp_path / "*.jpg"):
        with pytest.raises(SourceEmpty, match="no pictures or videos"):
            find_sources(str(argument))


def test_pattern(tmp_path, picture_file):
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(picture_file.read_bytes())
    assert [ref.path.name for ref in find_sources(str(tmp_path / "[ot]*.png"))] == ["one.png", "two.png"]


def test_name_that_looks_like_a_pattern_but_exists(tmp_path, picture_file):
    path = tmp_path / "photo[1].png"
    path.write_bytes(picture_file.read_bytes())
    assert find_sources(str(path))[0].path == path


def test_names_in_other_scripts(tmp_path, picture_file, clip):
    for source, name in ((picture_file, "улыбка 笑顔.png"), (clip, "sonrisa ñ.mp4")):
        path = tmp_path / name
        path.write_bytes(source.read_bytes())
        assert len(list(open_source(find_sources(str(path))[0]))) >= 1


def test_unknown_suffix_is_told_by_content(tmp_path, picture_file, clip):
    for source, kind in ((picture_file, Kind.PICTURE), (clip, Kind.VIDEO)):
        path = tmp_path / f"{kind.value}.data"
        path.write_bytes(source.read_bytes())
        (ref,) = find_sources(str(path))
        assert ref.kind is kind
        assert len(list(open_source(ref))) >= 1


def test_device_file_is_refused():
    if not Path("/dev/zero").exists():
        pytest.skip("no device files on this system")
    with pytest.raises(SourceError, match="not a file"):
        open_source(SourceRef("/dev/zero", Kind.VIDEO, Path("/dev/zero")))


def test_video_frames_over_the_limit(tmp_path, monkeypatch, clip):
    monkeypatch.setattr(sources, "max_pixels", lambda: 1000)
    with pytest.raises(SourceUnreadable, match="frames of more than 1,000 pixels"):
        open_source(find_sources(str(clip))[0])


def test_recorder_and_source_agree(tmp_path):
    path = tmp_path / "counted.avi"
    with VideoRecorder(path, 25) as recorder:
        for number in range(30):
            recorder.write(np.full((120, 160, 3), number * 8, np.uint8), None)
    with open_source(find_sources(str(path))[0]) as source:
        levels = [float(frame.image.mean()) for frame in source]
    assert np.allclose(levels, np.arange(30) * 8, atol=4)
